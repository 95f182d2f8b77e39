// covers: raise SIGRTMIN
// signal: SIGUSR2
#include "check.h"
static int count;
static void handler(int n, siginfo_t *info, void *context) { count += info->si_value.sival_int; }
int main(void) {
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CALL(sigaction(SIGRTMIN + 1, &a, NULL));
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    CALL(sigprocmask(SIG_BLOCK, &set, NULL));
    // Real-time signals queue: three sent, three delivered.
    for (int i = 1; i < 4; i++)
        CALL(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){i}));
    SHOW(count);
    CALL(sigprocmask(SIG_UNBLOCK, &set, NULL));
    SHOW(count);
    fflush(stdout);
    raise(SIGUSR2);
    return 1;
}

// covers: tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo kill of the own group
// Every way to send a signal to oneself, and what the handler is told.
#include "check.h"
static siginfo_t seen;
static int count;
static void handler(int n, siginfo_t *info, void *context) {
    seen = *info;
    count++;
}
static void show(const char *what) {
    printf("%s: count %d signal %d code %d own pid %d own uid %d value %d\n", what, count, seen.si_signo, seen.si_code,
           seen.si_pid == getpid(), seen.si_uid == getuid(), seen.si_code == SI_QUEUE ? seen.si_value.sival_int : 0);
}
int main(void) {
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CALL(sigaction(SIGUSR1, &a, NULL));
    CALL(kill(getpid(), SIGUSR1));
    show("kill");
    CALL(syscall(SYS_tkill, getpid(), SIGUSR1));
    show("tkill");
    CALL(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
    show("tgkill");
    CALL(raise(SIGUSR1));
    show("raise");
    CALL(sigqueue(getpid(), SIGUSR1, (union sigval){4711}));
    show("sigqueue");
    siginfo_t info = {.si_code = SI_QUEUE, .si_pid = getpid(), .si_uid = getuid(), .si_value = {.sival_int = 12}};
    CALL(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &info));
    show("rt_tgsigqueueinfo");
    CALL(syscall(SYS_tgkill, getpid(), 1 << 30, SIGUSR1));
    CALL(syscall(SYS_tkill, -1, SIGUSR1));
    CALL(syscall(SYS_tkill, getpid(), 99));
    CALL(kill(1 << 30, SIGUSR1));
    // A call that is interrupted by nothing is not restarted by anything.
    SHOW(count);
    return DONE();
}

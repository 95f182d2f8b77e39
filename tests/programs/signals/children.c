// covers: SIGCHLD rt_sigaction SA_SIGINFO SA_NOCLDWAIT sigsuspend
// A parent hears of the end of its children, or does not want to.
#include "check.h"
#include <sys/wait.h>
static volatile sig_atomic_t heard, code, status;
static volatile pid_t who;
static void on_child(int n, siginfo_t *info, void *c) {
    (void)n, (void)c;
    heard++;
    code = info->si_code;
    status = info->si_status;
    who = info->si_pid;
}
int main(void) {
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    CALL(sigprocmask(SIG_BLOCK, &block, &before));
    struct sigaction a = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO};
    CALL(sigaction(SIGCHLD, &a, NULL));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(6);
    while (!heard)
        sigsuspend(&before);
    SHOW(heard);
    printf("code %d status %d\n", code, status);
    CHECK(who == child);
    int word;
    CHECK(waitpid(child, &word, 0) == child);
    SHOW(WEXITSTATUS(word));
    CALL(sigprocmask(SIG_SETMASK, &before, NULL));
    a = (struct sigaction){.sa_handler = SIG_IGN};
    CALL(sigaction(SIGCHLD, &a, NULL));
    fflush(stdout);
    if (fork() == 0)
        _exit(1);
    CALL(wait(&word));
    return DONE();
}

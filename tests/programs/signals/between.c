// covers: kill sigqueue sigprocmask rt_sigtimedwait rt_sigpending signalfd4 SIGUSR1 real-time signals
// Signals from one process to another: handled, blocked, waited for, read from a descriptor, with their sender.
#include "check.h"
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
static volatile sig_atomic_t last, value;
static volatile pid_t sender;
static void note(int n, siginfo_t *info, void *c) {
    (void)c;
    last = n;
    value = info->si_value.sival_int;
    sender = info->si_pid;
}
static pid_t sends(int signal, int number) {
    fflush(stdout);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        if (number)
            sigqueue(parent, signal, (union sigval){.sival_int = number});
        else
            kill(parent, signal);
        _exit(0);
    }
    return child;
}
int main(void) {
    struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    CALL(sigaction(SIGUSR1, &a, NULL));
    CALL(sigaction(SIGRTMIN + 3, &a, NULL));
    pid_t child = sends(SIGUSR1, 0);
    CHECK(waitpid(child, NULL, 0) == child || errno == EINTR);
    while (last != SIGUSR1)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    CHECK(sender == child);
    waitpid(child, NULL, 0);
    child = sends(SIGRTMIN + 3, 42);
    while (last != SIGRTMIN + 3)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    SHOW(value);
    CHECK(sender == child);
    waitpid(child, NULL, 0);
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN + 3);
    CALL(sigprocmask(SIG_BLOCK, &set, NULL));
    last = 0;
    child = sends(SIGUSR1, 0);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK(sigpending(&pending) == 0);
    SHOW(sigismember(&pending, SIGUSR1));
    SHOW(last);
    siginfo_t info;
    CHECK(sigtimedwait(&set, &info, &(struct timespec){5, 0}) == SIGUSR1 && info.si_pid == child);
    CALL(sigtimedwait(&set, &info, &(struct timespec){0, 1000}));
    for (int i = 1; i <= 3; i++)
        CHECK(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = i}) == 0);
    for (int i = 1; i <= 3; i++) {
        CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 3);
        SHOW(info.si_value.sival_int);
    }
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    CHECK(fd >= 0);
    child = sends(SIGUSR2, 0);
    struct signalfd_siginfo got;
    CHECK(read(fd, &got, sizeof got) == sizeof got);
    SHOW(got.ssi_signo == SIGUSR2);
    CHECK(got.ssi_pid == (unsigned)child);
    CHECK(waitpid(child, NULL, 0) == child);
    raise(SIGUSR1);
    last = 0;
    CALL(sigprocmask(SIG_UNBLOCK, &set, NULL));
    SHOW(last == SIGUSR1);
    return DONE();
}

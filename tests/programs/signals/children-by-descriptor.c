// covers: signalfd rt_sigtimedwait SIGCHLD
// A signalfd and sigwaitinfo tell which child has ended, and how, as script(1) wants to know.
#include "check.h"
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
static void tell(int fd, pid_t child) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct signalfd_siginfo told[2];
    CHECK(poll(&p, 1, -1) == 1);
    CALL(read(fd, told, sizeof told));
    CHECK(told[0].ssi_pid == (uint32_t)child && told[0].ssi_uid == getuid());
    printf("signal %d, code %d, status %d\n", told[0].ssi_signo, told[0].ssi_code, told[0].ssi_status);
}
int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    int fd = signalfd(-1, &set, SFD_CLOEXEC), status;
    CHECK(fd >= 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    tell(fd, child);
    CHECK(waitpid(child, &status, 0) == child);
    if ((child = fork()) == 0)
        for (;;)
            pause();
    CHECK(kill(child, SIGSTOP) == 0);
    tell(fd, child);
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    CHECK(kill(child, SIGKILL) == 0);
    tell(fd, child);
    CHECK(waitpid(child, &status, 0) == child);
    // The same by sigwaitinfo.
    if ((child = fork()) == 0)
        _exit(4);
    siginfo_t info;
    CALL(sigwaitinfo(&set, &info));
    CHECK(info.si_pid == child && info.si_uid == getuid());
    printf("code %d, status %d\n", info.si_code, info.si_status);
    CHECK(waitpid(child, &status, 0) == child);
    CALL(sigtimedwait(&set, NULL, &(struct timespec){0}));
    // One's own signals, and bytes that only look like a signal.
    CHECK(kill(getpid(), SIGUSR1) == 0);
    tell(fd, getpid());
    int ends[2];
    char bytes[128] = {17};
    CHECK(pipe(ends) == 0 && write(ends[1], bytes, sizeof bytes) == sizeof bytes);
    bytes[0] = 0;
    CALL(read(ends[0], bytes, sizeof bytes));
    SHOW(bytes[0]);
    return DONE();
}

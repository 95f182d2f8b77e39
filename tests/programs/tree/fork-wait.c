// covers: fork clone wait4 waitid exit_group getpid getppid
// variants: pie static no-pie
// Children end in all ways, and their parent learns how.
#include "check.h"
#include <sys/resource.h>
#include <sys/wait.h>
static void told(const char *what, int status) {
    if (WIFEXITED(status))
        printf("%s: exit %d\n", what, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: signal %d\n", what, WTERMSIG(status));
    else
        printf("%s: %x\n", what, status);
}
int main(void) {
    struct rlimit none = {0, 0};
    CALL(setrlimit(RLIMIT_CORE, &none));
    int status;
    pid_t own = getpid(), child;
    for (int code = 0; code < 3; code++) {
        fflush(stdout);
        child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(getppid() == own && getpid() != own ? code : 77);
        CHECK(waitpid(child, &status, 0) == child);
        told("child", status);
    }
    for (int signal = 0; signal < 3; signal++) {
        int which[] = {SIGSEGV, SIGTERM, SIGKILL};
        fflush(stdout);
        child = fork();
        if (child == 0) {
            raise(which[signal]);
            _exit(1);
        }
        CHECK(wait4(child, &status, 0, NULL) == child);
        told("child", status);
    }
    CALL(waitpid(-1, &status, 0));
    CALL(waitpid(child, &status, WNOHANG));
    CALL(waitpid(-1, &status, 0x4000));
    child = fork();
    if (child == 0) {
        pause();
        _exit(1);
    }
    CALL(waitpid(child, &status, WNOHANG));
    CALL(kill(child, 0));
    CALL(kill(child, SIGKILL));
    siginfo_t info;
    CHECK(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0);
    CHECK(info.si_pid == child && info.si_signo == SIGCHLD);
    printf("code %d status %d\n", info.si_code, info.si_status);
    CHECK(waitid(P_ALL, 0, &info, WEXITED) == 0 && info.si_pid == child);
    CALL(waitid(P_ALL, 0, &info, WEXITED));
    CALL(waitid(P_PID, 0, &info, WEXITED));
    CALL(waitid(P_ALL, 0, &info, 0));
    struct rusage usage;
    child = fork();
    if (child == 0)
        _exit(9);
    CHECK(wait4(child, NULL, 0, &usage) == child);
    SHOW(usage.ru_utime.tv_sec);
    return DONE();
}

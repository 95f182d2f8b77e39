// covers: wait4 waitid kill sigaction setpgid
// Children that stop and go on: what wait says, when SIGCHLD comes, default actions of the stopping signals.
#include "check.h"
#include <sys/wait.h>

static volatile sig_atomic_t told;
static void on_child(int signal, siginfo_t *info, void *context) {
    (void)context;
    CHECK(signal == SIGCHLD && info->si_signo == SIGCHLD);
    told++;
}

static void listen_for(int flags) {
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART | flags};
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    told = 0;
}

// A child that stops itself by a signal, goes on, and exits with a status.
static pid_t stopping(int signal, int status) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setpgid(0, 0) == 0);
        raise(signal);
        _exit(status);
    }
    CHECK(setpgid(child, child) == 0 || errno == EACCES);
    return child;
}

int main(void) {
    int status;
    siginfo_t info;
    listen_for(0);
    const int signals[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    for (int i = 0; i < 4; i++) {
        pid_t child = stopping(signals[i], 3 + i);
        CHECK(waitpid(child, &status, WUNTRACED) == child);
        CHECK(WIFSTOPPED(status));
        SHOW(WSTOPSIG(status) == signals[i]);
        // Said once.
        CALL(waitpid(child, &status, WUNTRACED | WNOHANG));
        CHECK(kill(child, SIGCONT) == 0);
        CHECK(waitpid(child, &status, WCONTINUED) == child);
        if (WIFCONTINUED(status))
            CHECK(waitpid(child, &status, 0) == child);
        SHOW(WEXITSTATUS(status));
    }
    CHECK(told > 0);

    // A stop alone is no end: not said to those who ask for ends only.
    pid_t child = stopping(SIGSTOP, 9);
    CHECK(waitid(P_PID, child, &info, WSTOPPED | WNOWAIT) == 0);
    SHOW(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP && info.si_pid == child);
    CALL(waitpid(child, &status, WNOHANG));
    CHECK(waitid(P_PID, child, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid == child);
    CHECK(waitid(P_PID, child, &info, WSTOPPED | WNOHANG) == 0);
    SHOW(info.si_pid);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    SHOW(WTERMSIG(status));

    // Whoever does not want to hear of stops can still wait for them.
    listen_for(SA_NOCLDSTOP);
    child = stopping(SIGSTOP, 1);
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    CHECK(kill(-child, SIGCONT) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    SHOW(WEXITSTATUS(status));

    // An orphaned process group is not stopped by the signals of a terminal.
    fflush(stdout);
    child = fork();
    if (child == 0) {
        CHECK(setsid() == getpid());
        raise(SIGTSTP);
        _exit(21);
    }
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    SHOW(WIFEXITED(status) && WEXITSTATUS(status) == 21);

    // Ignored, they do nothing; with a handler, that runs.
    CHECK(signal(SIGTSTP, SIG_IGN) != SIG_ERR);
    CALL(raise(SIGTSTP));
    return DONE();
}

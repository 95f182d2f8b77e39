// covers: prctl PR_SET_PDEATHSIG PR_GET_PDEATHSIG
// A process that wants to hear of its parent's end does, its children do not.
#include "check.h"
#include <sys/prctl.h>
#include <sys/wait.h>
static int told[2];
static void handler(int signal) {
    CHECK(write(told[1], &signal, 1) == 1);
    _exit(0);
}
static int wanted(void) {
    int signal = -1;
    CHECK(prctl(PR_GET_PDEATHSIG, &signal) == 0);
    return signal;
}
// A grandchild that wants this signal, and what it says when its parent has ended: 0 when it has ended itself.
static int heard(int signal) {
    int gate[2], status;
    char byte = 0;
    CHECK(pipe(told) == 0 && pipe(gate) == 0);
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            CHECK(wanted() == 0 && prctl(PR_SET_PDEATHSIG, signal) == 0 && wanted() == signal);
            if (fork() == 0)
                _exit(wanted());
            CHECK(wait(&status) > 0 && status == 0);
            CHECK(write(gate[1], "", 1) == 1);
            for (;;)
                pause();
        }
        CHECK(read(gate[0], &byte, 1) == 1);
        _exit(0);
    }
    CHECK(close(told[1]) == 0 && close(gate[1]) == 0);
    CHECK(read(told[0], &byte, 1) >= 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return byte;
}
int main(void) {
    CHECK(signal(SIGTERM, handler) == SIG_DFL);
    SHOW(wanted());
    CALL(prctl(PR_SET_PDEATHSIG, 65));
    SHOW(heard(SIGTERM));
    SHOW(heard(SIGKILL));
    SHOW(heard(SIGUSR1));
    return DONE();
}

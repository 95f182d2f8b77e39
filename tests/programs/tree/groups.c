// covers: setpgid getpgid getpgrp setsid getsid killpg kill
// Process groups and sessions of children, and signals to a group.
#include "check.h"
#include <sys/wait.h>
int main(void) {
    int ready[2], status;
    CHECK(pipe(ready) == 0);
    fflush(stdout);
    pid_t first = 0;
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            CHECK(setpgid(0, first) == 0);
            CHECK(getpgrp() == (first ? first : getpid()));
            CHECK(write(ready[1], "r", 1) == 1);
            for (;;)
                pause();
        }
        // As a shell does it, from both sides.
        CHECK(setpgid(child, first ? first : child) == 0 || errno == EACCES);
        if (!first)
            first = child;
        char byte;
        CHECK(read(ready[0], &byte, 1) == 1);
        CHECK(getpgid(child) == first);
    }
    CALL(kill(-first, SIGTERM));
    for (int i = 0; i < 2; i++) {
        CHECK(waitpid(-first, &status, 0) > 0);
        SHOW(WTERMSIG(status));
    }
    CALL(kill(-first, SIGTERM));
    pid_t child = fork();
    if (child == 0) {
        CHECK(setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
        CHECK(setsid() == -1 && errno == EPERM);
        _exit(8);
    }
    CHECK(waitpid(child, &status, 0) == child);
    SHOW(WEXITSTATUS(status));
    CALL(setpgid(1, 0));
    CALL(setpgid(0, -5));
    return DONE();
}

// covers: kill SIGUSR1 SIGRTMIN process group
// A signal to the own process group arrives once in each of its processes.
#include "check.h"
#include <sys/wait.h>
static volatile int plain, queued;
static void handler(int n) { *(n == SIGUSR1 ? &plain : &queued) += 1; }
static void some_calls(void) {
    for (int i = 0; i < 300; i++) {
        CHECK(getppid() > 0);
        CHECK(usleep(100) == 0 || errno == EINTR);
    }
}
int main(void) {
    struct sigaction a = {.sa_handler = handler};
    CHECK(sigaction(SIGUSR1, &a, NULL) == 0 && sigaction(SIGRTMIN, &a, NULL) == 0);
    CALL(kill(0, SIGUSR1));
    SHOW(plain);
    some_calls();
    SHOW(plain);
    CALL(kill(-getpgrp(), SIGRTMIN));
    some_calls();
    SHOW(queued);
    int ends[2];
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        plain = queued = 0;
        kill(0, SIGUSR1);
        kill(0, SIGRTMIN);
        some_calls();
        _exit(plain * 10 + queued);
    }
    int status;
    while (waitpid(child, &status, 0) != child)
        CHECK(errno == EINTR);
    some_calls();
    SHOW(WEXITSTATUS(status));
    SHOW(plain);
    SHOW(queued);
    return DONE();
}

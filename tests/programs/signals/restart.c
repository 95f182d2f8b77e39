// covers: SA_RESTART EINTR alarm setitimer read nanosleep pause poll
// What a signal does to a call that waits.
#include "check.h"
#include <poll.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
static volatile sig_atomic_t rings;
static void ring(int n) {
    (void)n;
    rings++;
}
static void soon(int flags) {
    struct sigaction a = {.sa_handler = ring, .sa_flags = flags};
    CHECK(sigaction(SIGALRM, &a, NULL) == 0);
    struct itimerval t = {.it_value = {0, 50000}};
    CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
}
int main(void) {
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    soon(0);
    CALL(read(ends[0], &byte, 1));
    SHOW(rings);
    // The writer comes later than the signal: with SA_RESTART the read goes on.
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        nanosleep(&(struct timespec){0, 200000000}, NULL);
        CHECK(write(ends[1], "x", 1) == 1);
        _exit(0);
    }
    soon(SA_RESTART);
    CALL(read(ends[0], &byte, 1));
    SHOW(rings);
    CHECK(waitpid(child, NULL, 0) == child);
    soon(SA_RESTART);
    CALL(pause());
    SHOW(rings);
    soon(SA_RESTART);
    CALL(nanosleep(&(struct timespec){5, 0}, NULL));
    SHOW(rings);
    soon(SA_RESTART);
    struct pollfd fd = {ends[0], POLLIN, 0};
    CALL(poll(&fd, 1, 5000));
    SHOW(rings);
    CALL(alarm(100));
    SHOW(alarm(0) > 90);
    soon(0);
    CHECK(waitpid(-1, NULL, 0) == -1);
    while (rings < 6)
        pause();
    SHOW(rings);
    return DONE();
}

// covers: SA_RESTART EINTR alarm setitimer read nanosleep pause poll
// What a signal does to a call that waits. The timer repeats, so that none can come too early to count.
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
static void every(int milliseconds, int flags) {
    struct sigaction a = {.sa_handler = ring, .sa_flags = flags};
    CHECK(sigaction(SIGALRM, &a, NULL) == 0);
    struct itimerval t = {{0, milliseconds * 1000}, {0, milliseconds * 1000}};
    CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
}
static void enough(void) {
    struct itimerval none = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &none, NULL) == 0);
    SHOW(rings > 0);
    rings = 0;
}
int main(void) {
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    every(50, 0);
    CALL(read(ends[0], &byte, 1));
    enough();
    // The writer comes later than the signals: with SA_RESTART the read goes on.
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        nanosleep(&(struct timespec){0, 500000000}, NULL);
        CHECK(write(ends[1], "x", 1) == 1);
        _exit(0);
    }
    every(50, SA_RESTART);
    CALL(read(ends[0], &byte, 1));
    enough();
    CHECK(waitpid(child, NULL, 0) == child);
    every(50, SA_RESTART);
    CALL(pause());
    enough();
    every(50, SA_RESTART);
    CALL(nanosleep(&(struct timespec){15, 0}, NULL));
    enough();
    every(50, SA_RESTART);
    struct pollfd fd = {ends[0], POLLIN, 0};
    CALL(poll(&fd, 1, 15000));
    enough();
    CALL(alarm(100));
    SHOW(alarm(0) > 90);
    every(50, 0);
    while (rings < 3)
        pause();
    enough();
    return DONE();
}

// covers: nanosleep clock_nanosleep select EINTR
// A sleep that a signal ends says how much of it is left, to every replica the same.
#include "check.h"
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
static void ring(int n) { (void)n; }
static void soon(void) {
    // It repeats, so that none can come too early to count.
    struct itimerval t = {{0, 50000}, {0, 50000}};
    CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
}
// Each nanosecond of it goes into a call that all replicas must make alike.
static void compare(long seconds, long rest) {
    struct itimerval none = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &none, NULL) == 0);
    char text[64];
    int bytes = snprintf(text, sizeof text, "%ld %ld", seconds, rest);
    int fd = open("/dev/null", O_WRONLY);
    CHECK(write(fd, text, bytes) == bytes);
    close(fd);
    SHOW(seconds);
}
int main(void) {
    signal(SIGALRM, ring);
    struct timespec rest = {77, 77};
    soon();
    CALL(nanosleep(&(struct timespec){5, 0}, &rest));
    compare(rest.tv_sec, rest.tv_nsec);
    rest = (struct timespec){77, 77};
    soon();
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){5, 0}, &rest) == EINTR);
    compare(rest.tv_sec, rest.tv_nsec);
    struct timeval left = {5, 0};
    soon();
    CALL(select(0, NULL, NULL, NULL, &left));
    compare(left.tv_sec, left.tv_usec);
    soon();
    SHOW(sleep(10) >= 9);
    return DONE();
}

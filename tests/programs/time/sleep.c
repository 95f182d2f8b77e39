// covers: nanosleep clock_nanosleep
// Sleeping takes at least as long as asked for.
#include "check.h"
#include <time.h>
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
int main(void) {
    double start = now();
    CALL(nanosleep(&(struct timespec){0, 20000000}, NULL));
    SHOW(now() - start >= 0.02);
    start = now();
    struct timespec at, rest = {1, 2};
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += 10000000;
    if (at.tv_nsec >= 1000000000)
        at.tv_sec++, at.tv_nsec -= 1000000000;
    CALL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
    SHOW(now() - start >= 0.009);
    CALL(nanosleep(&(struct timespec){0, 1000000000}, NULL));
    CALL(nanosleep(&(struct timespec){-1, 0}, NULL));
    CALL(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 1000}, &rest));
    SHOW(clock_nanosleep(99, 0, &(struct timespec){0, 1000}, &rest));
    return DONE();
}

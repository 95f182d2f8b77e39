// covers: clock_gettime clock_getres gettimeofday time times getrusage
// Clocks rise, agree with each other, and refuse what they do not know.
#include "check.h"
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
static long long ns(int clock) {
    struct timespec t;
    CHECK(syscall(SYS_clock_gettime, clock, &t) == 0);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}
int main(void) {
    for (int *c = (int[]){CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
                          CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI, -1};
         *c >= 0; c++) {
        long long last = ns(*c);
        for (int i = 0; i < 1000; i++) {
            long long now = ns(*c);
            CHECK(now >= last);
            last = now;
        }
        printf("clock %d rises\n", *c);
    }
    struct timespec t, u;
    CALL(clock_gettime(99, &t));
    CALL(clock_getres(CLOCK_MONOTONIC, &t));
    SHOW(t.tv_nsec);
    struct timeval v;
    for (int i = 0; i < 100; i++) {
        CHECK(clock_gettime(CLOCK_REALTIME, &t) == 0);
        CHECK(syscall(SYS_gettimeofday, &v, NULL) == 0);
        CHECK(gettimeofday(&v, NULL) == 0);
        CHECK(clock_gettime(CLOCK_REALTIME, &u) == 0);
        CHECK(v.tv_sec * 1000000ll + v.tv_usec >= t.tv_sec * 1000000ll + t.tv_nsec / 1000);
        CHECK(v.tv_sec * 1000000ll + v.tv_usec <= u.tv_sec * 1000000ll + u.tv_nsec / 1000);
        time_t seconds = 0;
        CHECK(syscall(SYS_time, &seconds) == seconds && seconds >= t.tv_sec - 1);
        CHECK(time(NULL) >= t.tv_sec - 1);
    }
    struct tms tms;
    clock_t a = times(&tms), b = times(NULL);
    SHOW(b >= a && tms.tms_cutime == 0);
    struct rusage usage;
    CALL(getrusage(RUSAGE_SELF, &usage));
    SHOW(usage.ru_maxrss > 100);
    CALL(getrusage(RUSAGE_CHILDREN, &usage));
    CALL(getrusage(77, &usage));
    SHOW(clock() >= 0);
    return DONE();
}

// covers: adjtimex clock_adjtime clock_settime settimeofday
// Reading the state of the clock is allowed to everybody; times that are no times are refused.
#include "check.h"
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
int main(void) {
    struct timex t = {0};
    SHOW(adjtimex(&t) >= 0);
    SHOW(t.tick);
    memset(&t, 0, sizeof t);
    SHOW(clock_adjtime(CLOCK_REALTIME, &t) >= 0);
    CALL(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 1}));
    CALL(clock_settime(CLOCK_REALTIME, &(struct timespec){1, -1}));
    CALL(settimeofday(&(struct timeval){1, 5000000}, NULL));
    CALL(adjtimex((void *)8));
    return DONE();
}

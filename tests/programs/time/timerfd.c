// covers: timerfd_create timerfd_settime timerfd_gettime
// Timers as descriptors.
#include "check.h"
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>
int main(void) {
    uint64_t ticks = 0;
    struct itimerspec t = {.it_value = {0, 5000000}}, left;
    CALL(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    CALL(fcntl(3, F_GETFD));
    CALL(read(3, &ticks, 8));
    CALL(timerfd_settime(3, 0, &t, NULL));
    struct pollfd p = {3, POLLIN, 0};
    CALL(poll(&p, 1, 5000));
    CALL(read(3, &ticks, 8));
    SHOW(ticks);
    CALL(timerfd_gettime(3, &left));
    SHOW(left.it_value.tv_nsec);
    t.it_interval.tv_nsec = 1000000;
    CALL(timerfd_settime(3, 0, &t, &left));
    CALL(poll(&p, 1, 5000));
    SHOW(read(3, &ticks, 8) == 8 && ticks >= 1);
    CALL(read(3, &ticks, 4));
    CALL(timerfd_create(99, 0));
    CALL(timerfd_create(CLOCK_MONOTONIC, 0x1));
    CALL(timerfd_settime(0, 0, &t, NULL));
    return DONE();
}

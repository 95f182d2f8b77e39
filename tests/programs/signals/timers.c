// covers: timer_create timer_settime timer_gettime timer_getoverrun timer_delete sigwaitinfo
// Timers that send a signal.
#include "check.h"
#include <time.h>
int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGALRM);
    CALL(sigprocmask(SIG_BLOCK, &set, NULL));
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 9};
    CALL(timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec when = {.it_value = {0, 20000000}, .it_interval = {0, 20000000}}, now;
    CALL(timer_settime(timer, 0, &when, NULL));
    siginfo_t info;
    for (int i = 0; i < 3; i++) {
        CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
        printf("code %d value %d\n", info.si_code, info.si_value.sival_int);
    }
    CALL(timer_gettime(timer, &now));
    SHOW(now.it_interval.tv_nsec);
    SHOW(timer_getoverrun(timer) >= 0);
    CALL(timer_delete(timer));
    CALL(timer_delete(timer));
    CALL(alarm(1));
    CHECK(sigwaitinfo(&set, &info) == SIGALRM);
    return DONE();
}

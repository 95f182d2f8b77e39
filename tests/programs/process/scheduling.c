// covers: sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max sched_rr_get_interval sched_setattr sched_getattr setpriority getpriority ioprio_set ioprio_get waitid
// How and when the process runs.
#include "check.h"
#include <linux/sched.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
int main(void) {
    struct sched_param p = {0};
    CALL(sched_getparam(0, &p));
    SHOW(p.sched_priority);
    CALL(sched_getscheduler(0));
    CALL(sched_setscheduler(0, SCHED_BATCH, &p));
    CALL(sched_getscheduler(getpid()));
    CALL(sched_setscheduler(0, 99, &p));
    CALL(sched_setparam(0, &p));
    CALL(sched_get_priority_max(SCHED_FIFO));
    CALL(sched_get_priority_min(SCHED_FIFO));
    CALL(sched_get_priority_max(99));
    struct timespec t;
    SHOW(sched_rr_get_interval(0, &t));
    struct {
        unsigned size, policy;
        unsigned long flags;
        int nice;
        unsigned priority;
        unsigned long runtime, deadline, period;
        unsigned low, high;
    } attr = {0};
    CALL(syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0));
    SHOW(attr.policy);
    SHOW(attr.nice);
    CALL(getpriority(PRIO_PROCESS, 0));
    CALL(setpriority(PRIO_PROCESS, 0, 3));
    CALL(getpriority(PRIO_PROCESS, getpid()));
    CALL(nice(2));
    CALL(getpriority(PRIO_PROCESS, 1 << 30));
    CALL(syscall(SYS_ioprio_get, 1, 0));
    CALL(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 5));
    CALL(syscall(SYS_ioprio_get, 1, 0));
    siginfo_t info;
    CALL(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
    CALL(waitid(P_PID, 1 << 20, &info, WEXITED));
    return DONE();
}

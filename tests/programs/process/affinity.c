// covers: sched_getaffinity sched_setaffinity getcpu sysconf sched_yield
// The CPUs that the program may use are those it was started with, whatever the runtime does with its replicas.
#include "check.h"
#include <sched.h>
int main(void) {
    cpu_set_t set;
    CALL(sched_getaffinity(0, sizeof set, &set));
    SHOW(CPU_COUNT(&set));
    SHOW(sysconf(_SC_NPROCESSORS_ONLN));
    unsigned cpu = 9999, node;
    CALL(syscall(SYS_getcpu, &cpu, &node, NULL));
    SHOW(CPU_ISSET(cpu, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, 4, &set));
    SHOW(syscall(SYS_sched_getaffinity, getpid(), 128, &set));
    CALL(sched_getaffinity(1 << 30, sizeof set, &set));
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    CALL(sched_setaffinity(0, sizeof set, &set));
    CALL(sched_getaffinity(0, sizeof set, &set));
    SHOW(CPU_COUNT(&set));
    CPU_ZERO(&set);
    CALL(sched_setaffinity(0, sizeof set, &set));
    CALL(sched_yield());
    return DONE();
}

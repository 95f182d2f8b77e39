// covers: null pointers where Linux allows them
// Null is a value of its own in many calls.
#include "check.h"
#include <time.h>
#include <sys/stat.h>
#include <sys/time.h>
int main(void) {
    put_file("f", "x");
    int fd = open("f", O_RDWR);
    CALL(syscall(SYS_utimensat, AT_FDCWD, "f", NULL, 0));
    CALL(syscall(SYS_utimensat, fd, NULL, NULL, 0));
    CALL(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
    CALL(syscall(SYS_gettimeofday, NULL, NULL));
    SHOW(syscall(SYS_time, NULL) > 0);
    CALL(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL));
    SHOW(syscall(SYS_times, NULL) != 0);
    CALL(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 8));
    CALL(syscall(SYS_rt_sigprocmask, 99, NULL, NULL, 8));
    CALL(syscall(SYS_sigaltstack, NULL, NULL));
    CALL(syscall(SYS_prlimit64, 0, 7, NULL, NULL));
    CALL(syscall(SYS_getcwd, NULL, 0));
    CALL(syscall(SYS_read, fd, NULL, 0));
    CALL(syscall(SYS_write, fd, NULL, 0));
    CALL(syscall(SYS_select, 0, NULL, NULL, NULL, &(struct timeval){0, 0}));
    CALL(syscall(SYS_poll, NULL, 0, 0));
    CALL(syscall(SYS_getcpu, NULL, NULL, NULL));
    CALL(syscall(SYS_statx, AT_FDCWD, NULL, 0, 0, NULL));
    CALL(syscall(SYS_futex, NULL, 1, 1, NULL, NULL, 0));
    CALL(syscall(SYS_set_robust_list, NULL, 24));
    CALL(syscall(SYS_set_robust_list, NULL, 7));
    return DONE();
}

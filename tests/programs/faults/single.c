// covers: EFAULT read write open stat getcwd readlink pipe uname getrandom clock_gettime
// A bad pointer for every kind of argument gives EFAULT and kills nobody.
#include "check.h"
#include <time.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#define S(nr, ...) CALL(syscall(SYS_##nr, __VA_ARGS__))
static void with(char *bad) {
    int fd = open("f", O_RDWR);
    CHECK(fd == 3);
    S(read, 3, bad, 10);
    S(write, 3, bad, 10);
    S(pread64, 3, bad, 10, 0);
    S(pwrite64, 3, bad, 10, 0);
    S(read, 3, bad, 0);
    S(write, 3, bad, 0);
    S(open, bad, O_RDONLY);
    S(openat, AT_FDCWD, bad, O_RDONLY);
    S(stat, bad, bad);
    S(stat, "f", bad);
    S(lstat, "f", bad);
    S(fstat, 3, bad);
    S(newfstatat, AT_FDCWD, "f", bad, 0);
    S(statx, AT_FDCWD, "f", 0, 0x7ff, bad);
    S(statfs, "f", bad);
    S(access, bad, 0);
    S(readlink, "l", bad, 100);
    S(readlink, bad, bad, 100);
    S(getcwd, bad, 4096);
    S(chdir, bad);
    S(mkdir, bad, 0777);
    S(rename, "f", bad);
    S(unlink, bad);
    S(symlink, bad, "x");
    S(getdents64, 4, bad, 1000);
    S(pipe2, bad, 0);
    S(uname, bad);
    S(getrandom, bad, 16, 0);
    S(clock_gettime, CLOCK_REALTIME, bad);
    S(clock_getres, CLOCK_REALTIME, bad);
    S(gettimeofday, bad, 0);
    if (bad) // null asks for the result alone
        S(time, bad);
    S(nanosleep, bad, 0);
    if (bad)
        S(times, bad);
    S(getrlimit, RLIMIT_NOFILE, bad);
    S(setrlimit, RLIMIT_CORE, bad);
    S(prlimit64, 0, RLIMIT_NOFILE, 0, bad);
    S(getrusage, RUSAGE_SELF, bad);
    S(sysinfo, bad);
    S(getresuid, bad, bad, bad);
    S(sched_getaffinity, 0, 128, bad);
    S(rt_sigaction, SIGUSR1, bad, 0, 8);
    S(rt_sigaction, SIGUSR1, 0, bad, 8);
    S(rt_sigprocmask, SIG_BLOCK, bad, 0, 8);
    S(rt_sigprocmask, SIG_BLOCK, 0, bad, 8);
    S(rt_sigpending, bad, 8);
    S(sigaltstack, bad, 0);
    S(sigaltstack, 0, bad);
    S(utimensat, AT_FDCWD, "f", bad, 0);
    S(execve, bad, 0, 0);
    if (bad) { // null is an empty list
        S(execve, "/bin/true", bad, 0);
        S(execve, "/bin/true", 0, bad);
    }
    S(memfd_create, bad, 0);
    S(prctl, 16, bad);
    S(copy_file_range, 3, bad, 3, bad, 1, 0);
    S(sendfile, 3, 3, bad, 1);
    S(fcntl, 3, F_GETLK, bad);
    S(ioctl, 3, 0x541B, bad);
    S(setxattr, "f", bad, "", 0, 0);
    S(getxattr, "f", bad, 0, 0);
    close(3);
}
int main(void) {
    put_file("f", "0123456789");
    symlink("f", "l");
    CHECK(open("f", O_RDWR) == 3 && open(".", O_RDONLY) == 4);
    close(3);
    puts("null");
    with(NULL);
    puts("low");
    with((char *)0x1000);
    puts("not canonical");
    with((char *)0x8000000000000000);
    puts("kernel");
    with((char *)0xffffffff81000000);
    puts("top");
    with((char *)-8);
    puts("page end");
    with(page_end() - 1 + 1);
    return DONE();
}

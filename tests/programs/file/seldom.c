// covers: getdents mknodat fchmodat2 lsetxattr llistxattr lremovexattr name_to_handle_at cachestat sync mlock2 getitimer sysfs ustat
// Old and new relatives of common calls.
#include "check.h"
#include <sys/time.h>
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
int main(void) {
    char buffer[4096];
    put_file("f", "x");
    CALL(mkdir("d", 0755));
    put_file("d/only", "y");
    int fd = CALL(open("d", O_RDONLY | O_DIRECTORY));
    long n = syscall(SYS_getdents, fd, buffer, sizeof buffer);
    SHOW(n);
    SHOW(memmem(buffer, n, "only", 5) != NULL);
    CALL(syscall(SYS_getdents, fd, buffer, sizeof buffer));
    CALL(lseek(fd, 0, SEEK_SET));
    CALL(syscall(SYS_getdents, fd, buffer, 5));
    CALL(syscall(SYS_getdents, fd, (void *)8, 4096));
    CALL(mknodat(AT_FDCWD, "pipe", S_IFIFO | 0600, 0));
    CALL(mknodat(AT_FDCWD, "pipe", S_IFIFO | 0600, 0));
    CALL(symlink("f", "l"));
    CALL(syscall(SYS_fchmodat2, AT_FDCWD, "f", 0640, 0));
    struct stat s;
    CHECK(stat("f", &s) == 0);
    SHOW(s.st_mode);
    CALL(syscall(SYS_fchmodat2, AT_FDCWD, "l", 0640, AT_SYMLINK_NOFOLLOW));
    CALL(syscall(SYS_lsetxattr, "f", "user.a", "b", 1, 0));
    CALL(syscall(SYS_lsetxattr, "l", "user.a", "b", 1, 0));
    CALL(syscall(SYS_llistxattr, "f", buffer, sizeof buffer));
    CALL(syscall(SYS_lremovexattr, "f", "user.a"));
    CALL(syscall(SYS_sync));
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CALL(syscall(SYS_mlock2, page, 4096, 1));
    struct itimerval t;
    CALL(getitimer(ITIMER_REAL, &t));
    SHOW(t.it_value.tv_sec);
    return DONE();
}

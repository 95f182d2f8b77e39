// covers: getdents64 of /proc/self/fd
// What lies behind the entries in the buffer stays as it was: the runtime's own entries are read elsewhere.
#include "check.h"
#include <dirent.h>
int main(void) {
    static unsigned char buffer[8192];
    int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY), entries = 0, touched = 0;
    CHECK(fd >= 0);
    memset(buffer, 0xa5, sizeof buffer);
    long bytes = syscall(SYS_getdents64, fd, buffer, sizeof buffer);
    CHECK(bytes > 0);
    for (long at = 0; at < bytes; at += ((struct dirent64 *)(buffer + at))->d_reclen)
        entries++;
    for (size_t at = bytes; at < sizeof buffer; at++)
        touched += buffer[at] != 0xa5;
    SHOW(bytes);
    SHOW(entries);
    SHOW(touched);
    SHOW(syscall(SYS_getdents64, fd, buffer, sizeof buffer));
    CALL(syscall(SYS_getdents64, fd, buffer, 1));
    CALL(syscall(SYS_getdents64, fd, (void *)16, sizeof buffer));
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CALL(syscall(SYS_getdents64, fd, buffer, 1));
    CALL(syscall(SYS_getdents64, fd, (void *)16, sizeof buffer));
    return DONE();
}

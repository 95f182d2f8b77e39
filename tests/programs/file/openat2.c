// covers: openat2
// The newest form of open, with its ways of resolving a path.
#include "check.h"
#include <linux/openat2.h>
static long openat2(int dir, const char *path, unsigned long flags, unsigned long mode, unsigned long resolve) {
    struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
    return syscall(SYS_openat2, dir, path, &how, sizeof how);
}
int main(void) {
    put_file("f", "x");
    CALL(symlink("f", "l"));
    CALL(symlink("/", "root"));
    CALL(openat2(AT_FDCWD, "f", O_RDONLY, 0, 0));
    CALL(openat2(AT_FDCWD, "f", O_RDONLY | O_CLOEXEC, 0, 0));
    CALL(fcntl(4, F_GETFD));
    CALL(openat2(AT_FDCWD, "l", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
    CALL(openat2(AT_FDCWD, "root/etc", O_RDONLY, 0, RESOLVE_BENEATH));
    CALL(openat2(AT_FDCWD, "new", O_RDWR | O_CREAT, 0600, RESOLVE_BENEATH));
    CALL(openat2(AT_FDCWD, "f", O_RDONLY, 0600, 0));
    CALL(openat2(AT_FDCWD, "f", O_RDONLY, 0, 1 << 20));
    CALL(syscall(SYS_openat2, AT_FDCWD, "f", NULL, 24));
    CALL(syscall(SYS_openat2, AT_FDCWD, "f", "................................", 3));
    return DONE();
}

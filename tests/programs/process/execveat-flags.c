// covers: execveat EINVAL ELOOP ENOENT
// token: through echo
// Flags that execveat does not know.
#include "check.h"
int main(void) {
    char *args[] = {"echo", "through echo", NULL}, *env[] = {NULL};
    CALL(syscall(SYS_execveat, AT_FDCWD, "/bin/echo", args, env, 0x400));
    CALL(syscall(SYS_execveat, AT_FDCWD, "/bin/echo", args, env, 0x40001100));
    CALL(syscall(SYS_execveat, AT_FDCWD, "/no/such/file", args, env, 0x400));
    CALL(syscall(SYS_execveat, AT_FDCWD, "", args, env, 0x400));
    CALL(syscall(SYS_execveat, AT_FDCWD, NULL, args, env, 0x400));
    CHECK(symlink("/bin/echo", "link") == 0);
    CALL(syscall(SYS_execveat, AT_FDCWD, "link", args, env, AT_SYMLINK_NOFOLLOW));
    fflush(stdout);
    CALL(syscall(SYS_execveat, AT_FDCWD, "/bin/echo", args, env, 0x700000000ul));
    return 1;
}

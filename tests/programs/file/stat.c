// covers: stat lstat fstat newfstatat statx access faccessat faccessat2 chmod fchmod truncate ftruncate umask
// What a file says about itself.
#include "check.h"
#include <sys/vfs.h>
static void show(const char *what, const struct stat *s) {
    printf("%s: mode %o links %ld size %ld blocksize %ld\n", what, s->st_mode, (long)s->st_nlink, (long)s->st_size, (long)s->st_blksize);
}
int main(void) {
    struct stat s;
    struct statx x;
    put_file("f", "twelve bytes");
    CALL(symlink("f", "l"));
    CALL(mkdir("d", 0755));
    CALL(stat("f", &s));
    show("f", &s);
    CALL(stat("l", &s));
    show("l", &s);
    CALL(lstat("l", &s));
    show("l itself", &s);
    CALL(syscall(SYS_stat, "f", &s));
    CALL(syscall(SYS_lstat, "l", &s));
    show("raw", &s);
    CALL(stat("none", &s));
    CALL(open("f", O_RDWR));
    CALL(fstat(3, &s));
    CALL(fstatat(3, "", &s, AT_EMPTY_PATH));
    show("empty path", &s);
    CALL(fstatat(3, "", &s, 0));
    CALL(fstatat(99, "f", &s, 0));
    CALL(fstatat(AT_FDCWD, "l", &s, AT_SYMLINK_NOFOLLOW));
    CALL(fstat(99, &s));
    memset(&x, 0, sizeof x);
    CALL(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
    SHOW(x.stx_size);
    SHOW(x.stx_mode);
    SHOW(x.stx_mask & STATX_BASIC_STATS);
    CALL(statx(3, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    CALL(statx(3, "", 0x80000000, STATX_SIZE, &x));
    CALL(access("f", R_OK | W_OK));
    CALL(access("f", X_OK));
    CALL(access("none", F_OK));
    CALL(access("f", 77));
    CALL(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
    CALL(syscall(SYS_faccessat2, AT_FDCWD, "l", F_OK, AT_SYMLINK_NOFOLLOW));
    CALL(chmod("f", 0751));
    CALL(fchmod(3, 04600));
    CALL(fstat(3, &s));
    show("after fchmod", &s);
    CALL(fchmodat(AT_FDCWD, "d", 0711, 0));
    CALL(chown("f", -1, -1));
    CALL(fchown(3, getuid(), getgid()));
    CALL(lchown("l", getuid(), getgid()));
    CALL(truncate("f", 100));
    CALL(ftruncate(3, 5));
    CALL(truncate("d", 5));
    CALL(ftruncate(3, -1));
    CALL(truncate("none", 5));
    CALL(stat("f", &s));
    show("after truncate", &s);
    SHOW(umask(077));
    CALL(close(open("private", O_CREAT | O_WRONLY, 0666)));
    SHOW(umask(0));
    CALL(close(open("open", O_CREAT | O_WRONLY, 0666)));
    struct statfs fs;
    CALL(statfs(".", &fs));
    SHOW(fs.f_namelen);
    CALL(fstatfs(3, &fs));
    CALL(statfs("none", &fs));
    return DONE();
}

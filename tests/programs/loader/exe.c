// covers: readlink readlinkat open stat /proc/self/exe
// variants: pie static no-pie static-pie
// /proc/self/exe is the program itself, under every call that takes a path.
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>
int main(int argc, char **argv) {
    char link[4096], other[4096];
    ssize_t n = readlink("/proc/self/exe", link, sizeof link);
    CHECK(n > 0 && n < 4096);
    link[n] = 0;
    SHOW(strcmp(link, argv[0]));
    n = readlinkat(AT_FDCWD, "/proc/self/exe", other, sizeof other);
    CHECK(n > 0);
    other[n] = 0;
    SHOW(strcmp(link, other));
    SHOW(readlink("/proc/self/exe", other, 5));
    char numbered[64];
    sprintf(numbered, "/proc/%d/exe", getpid());
    n = readlink(numbered, other, sizeof other);
    SHOW(n == (ssize_t)strlen(link) && !memcmp(link, other, n));
    struct stat a, b;
    CHECK(stat("/proc/self/exe", &a) == 0 && stat(argv[0], &b) == 0);
    SHOW(a.st_ino == b.st_ino && a.st_size == b.st_size);
    CALL(access("/proc/self/exe", X_OK));
    CALL(access("/proc/self/exe", R_OK));
    int fd = open("/proc/self/exe", O_RDONLY);
    Elf64_Ehdr head;
    CALL(pread(fd, &head, sizeof head, 0));
    SHOW(memcmp(head.e_ident, ELFMAG, SELFMAG));
    SHOW(fstat(fd, &a) == 0 && a.st_ino == b.st_ino);
    SHOW(strcmp(realpath("/proc/self/exe", NULL), link));
    return DONE();
}

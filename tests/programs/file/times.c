// covers: utimensat utime utimes futimens
// Times of a file, set to known values.
#include "check.h"
#include <sys/time.h>
#include <utime.h>
static void show(const char *name) {
    struct stat s;
    CHECK(stat(name, &s) == 0);
    printf("%s: %ld.%09ld %ld.%09ld\n", name, s.st_atim.tv_sec, s.st_atim.tv_nsec, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}
int main(void) {
    put_file("f", "x");
    struct timespec t[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
    CALL(utimensat(AT_FDCWD, "f", t, 0));
    show("f");
    t[0].tv_nsec = UTIME_OMIT;
    t[1].tv_sec = 5;
    CALL(utimensat(AT_FDCWD, "f", t, 0));
    show("f");
    t[0].tv_nsec = 1 << 30;
    CALL(utimensat(AT_FDCWD, "f", t, 0));
    CALL(open("f", O_RDWR));
    t[0].tv_nsec = 1;
    CALL(futimens(3, t));
    show("f");
    struct utimbuf u = {11, 22};
    CALL(utime("f", &u));
    show("f");
    struct timeval v[2] = {{33, 44}, {55, 66}};
    CALL(utimes("f", v));
    show("f");
    CALL(syscall(SYS_utimes, "f", v));
    CALL(syscall(SYS_futimesat, AT_FDCWD, "f", v));
    CALL(utime("none", &u));
    CALL(utimensat(AT_FDCWD, "f", NULL, 0));
    struct stat s;
    CHECK(stat("f", &s) == 0);
    SHOW(s.st_mtime > 1600000000);
    return DONE();
}

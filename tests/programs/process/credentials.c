// covers: setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capget capset getresgid fchownat
// Giving up rights: as root for good, as anybody else in vain; the effect on files follows.
#include "check.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
int main(void) {
    gid_t a, b, c;
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    put_file("f", "x");
    CALL(syscall(SYS_capget, &head, data));
    SHOW(data[0].effective);
    CALL(syscall(SYS_capset, &head, data));
    head.pid = getpid();
    CALL(syscall(SYS_capget, &head, data));
    CALL(syscall(SYS_capset, &head, data));
    head.pid = 1;
    CALL(syscall(SYS_capset, &head, data));
    head.pid = 0;
    head.version = 5;
    CALL(syscall(SYS_capget, &head, data));
    CALL(getresgid(&a, &b, &c));
    SHOW(a == b && b == c);
    CALL(setresuid(-1, -1, -1));
    CALL(setreuid(-1, geteuid()));
    CALL(setregid(-1, getegid()));
    SHOW(setfsuid(geteuid()) == (int)geteuid());
    SHOW(setfsgid(getegid()) == (int)getegid());
    CALL(fchownat(AT_FDCWD, "f", -1, -1, 0));
    if (getuid() == 0)
        CALL(chmod(".", 0777));
    CALL(setgroups(0, NULL));
    CALL(setresgid(65534, 65534, 65534));
    CALL(setgid(65534));
    CALL(setresuid(65534, 65534, 65534));
    CALL(setuid(0));
    SHOW(getuid() == geteuid());
    CALL(open("/etc/shadow", O_RDONLY));
    CALL(chown("f", 0, 0));
    int fd = open("own", O_CREAT | O_RDWR, 0644);
    struct stat s;
    SHOW(fd >= 0 && fstat(fd, &s) == 0 && s.st_uid == getuid());
    CALL(write(fd, "still agreeing\n", 15));
    SHOW(getpid() > 0);
    int ends[2];
    CALL(pipe(ends));
    CALL(write(ends[1], "x", 1));
    CALL(unlink("own"));
    return DONE();
}

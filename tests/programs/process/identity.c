// covers: getpid getppid gettid getpgid getpgrp getsid getuid getgroups setpgid uname
// Who the program is stays the same, however it is asked.
#include "check.h"
#include <grp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
int main(void) {
    pid_t pid = getpid(), ppid = getppid();
    for (int i = 0; i < 200; i++)
        CHECK(syscall(SYS_getpid) == pid && syscall(SYS_gettid) == pid && getppid() == ppid && gettid() == pid);
    SHOW(pid > 0 && ppid > 0 && pid != ppid);
    SHOW(syscall(SYS_set_tid_address, &pid) == pid);
    SHOW(getpgid(0) == getpgrp() && getpgid(pid) == getpgrp());
    SHOW(getsid(0) == getsid(pid));
    SHOW(getpgid(ppid) > 0);
    CALL(getpgid(1 << 30));
    SHOW(getuid() == geteuid() && getgid() == getegid());
    uid_t r, e, s;
    CALL(getresuid(&r, &e, &s));
    SHOW(r == e && e == s && r == getuid());
    gid_t groups[100];
    int n = getgroups(100, groups);
    SHOW(n >= 0 && n == getgroups(0, NULL));
    struct utsname u;
    CALL(uname(&u));
    puts(u.sysname);
    puts(u.nodename);
    puts(u.release);
    puts(u.machine);
    CALL(kill(pid, 0));
    CALL(kill(1 << 30, 0));
    CALL(getpriority(0, 0));
    CALL(sched_getscheduler(0));
    return DONE();
}

// covers: execve set-user-ID set-group-ID
// Programs with these bits that belong to whoever executes them, and scripts, on which the bits mean nothing.
#include "check.h"
#include <sys/sendfile.h>
#include <sys/wait.h>
static void run(const char *name, int mode) {
    CHECK(chmod(name, mode) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(name, "echo", name, "runs", NULL);
        _exit(errno);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    printf("%s %o: %x\n", name, mode, status);
}
int main(void) {
    int from = open("/bin/echo", O_RDONLY), to = open("own", O_CREAT | O_WRONLY, 0700);
    CHECK(sendfile(to, from, NULL, 1 << 24) > 0);
    CHECK(close(to) == 0 && chown("own", geteuid(), getegid()) == 0);
    put_file("script", "#!/bin/echo\n");
    if (geteuid() == 0)
        CHECK(chown("script", 65534, 65534) == 0);
    run("./own", 04755);
    run("./own", 02755);
    run("./own", 06755);
    run("./own", 02705);
    run("./script", 06755);
    return DONE();
}

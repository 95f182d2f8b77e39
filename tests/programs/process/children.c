// covers: fork vfork clone clone3 wait4
// Natively there are children; a runtime without process trees must refuse in sight, and the program goes on.
#include "check.h"
#include <linux/sched.h>
#include <sys/wait.h>
static void attempt(const char *name, long pid) {
    if (pid == 0)
        _exit(5);
    if (pid > 0) {
        int status;
        CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
    } else {
        CHECK(errno == ENOSYS || errno == EPERM);
    }
    printf("%s: tried\n", name);
    fflush(stdout);
}
int main(void) {
    int status;
    CALL(waitpid(-1, &status, WNOHANG));
    fflush(stdout);
    attempt("fork", fork());
    attempt("raw fork", syscall(SYS_fork));
    struct clone_args args = {.exit_signal = SIGCHLD};
    attempt("clone3", syscall(SYS_clone3, &args, sizeof args));
    attempt("clone", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    CALL(waitpid(-1, &status, 0));
    CALL(waitpid(1 << 20, &status, WNOHANG));
    return DONE();
}

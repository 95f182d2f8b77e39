// covers: rseq clone3 io_uring_setup ptrace seccomp bpf unshare
// Calls that a runtime may refuse, but only with an errno: the program must live on.
#include "check.h"
#include <sys/ptrace.h>
int main(void) {
    for (int *nr = (int[]){SYS_io_uring_setup, SYS_ptrace, SYS_seccomp, SYS_bpf, SYS_userfaultfd, SYS_kexec_load, -1}; *nr >= 0; nr++) {
        long r = syscall(*nr, -1, NULL, NULL, NULL, NULL, NULL);
        CHECK(r == -1);
    }
    CHECK(getppid() == getppid());
    return DONE();
}

// covers: symmetric meeting followed by many local calls
// A replica that leaves a meeting early and runs 95 local calls must not overwrite the trace a slow peer still compares.
#include "check.h"
#include <sys/syscall.h>
#include <ucontext.h>
static void handler(int n, siginfo_t *info, void *context) {
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}
int main(void) {
    static char page[4096] __attribute__((aligned(4096)));
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, NULL);
    for (int round = 0; round < 300; round++) {
        __asm__ volatile("ud2");
        for (int call = 0; call < 95; call++)
            syscall(SYS_madvise, page, 4096, 0);
    }
    return DONE();
}

// covers: rt_sigreturn ucontext uc_sigmask
// What a handler finds in its context, and what it may change there: mask, registers, flags.
#include "check.h"
#include <ucontext.h>
static sigset_t inside;
static long rip, rsp;
static void handler(int n, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    rip = u->uc_mcontext.gregs[REG_RIP];
    rsp = u->uc_mcontext.gregs[REG_RSP];
    inside = u->uc_sigmask;
    CHECK(u->uc_mcontext.fpregs != NULL);
    // Blocked from now on.
    sigaddset(&u->uc_sigmask, SIGUSR2);
    CHECK(((uintptr_t)__builtin_frame_address(0) & 15) == 0);
}
int main(void) {
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigset_t now, set;
    CALL(sigaction(SIGUSR1, &a, NULL));
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    CALL(sigprocmask(SIG_BLOCK, &set, NULL));
    CALL(kill(getpid(), SIGUSR1));
    SHOW(rip != 0 && rsp != 0);
    SHOW(sigismember(&inside, SIGALRM));
    SHOW(sigismember(&inside, SIGUSR1));
    CALL(sigprocmask(SIG_BLOCK, NULL, &now));
    SHOW(sigismember(&now, SIGALRM));
    SHOW(sigismember(&now, SIGUSR1));
    SHOW(sigismember(&now, SIGUSR2));
    // ucontext switching without signals.
    ucontext_t here;
    volatile int rounds = 0;
    getcontext(&here);
    if (rounds++ < 3)
        setcontext(&here);
    SHOW(rounds);
    return DONE();
}

// covers: rt_sigaction SA_NODEFER SA_RESETHAND sa_mask rt_sigprocmask rt_sigpending raise
// variants: pie static
// When a handler runs, what is blocked meanwhile, and what is pending.
#include "check.h"
static int depth, deepest, order[16], ordered;
static void nested(int n) {
    if (++depth > deepest)
        deepest = depth;
    order[ordered++ % 16] = n;
    if (ordered < 4)
        raise(n);
    depth--;
}
static void note(int n) { order[ordered++ % 16] = n; }
static void other(int n) {
    order[ordered++ % 16] = n;
    raise(SIGUSR2);
    order[ordered++ % 16] = -n;
}
static void show(const char *what) {
    printf("%s: deepest %d, order", what, deepest);
    for (int i = 0; i < ordered; i++)
        printf(" %d", order[i]);
    puts("");
    depth = deepest = ordered = 0;
}
int main(void) {
    struct sigaction a = {.sa_handler = nested}, old;
    CALL(sigaction(SIGUSR1, &a, NULL));
    raise(SIGUSR1);
    show("deferred");
    a.sa_flags = SA_NODEFER;
    CALL(sigaction(SIGUSR1, &a, &old));
    SHOW(old.sa_handler == nested);
    raise(SIGUSR1);
    show("not deferred");
    a = (struct sigaction){.sa_handler = note, .sa_flags = SA_RESETHAND};
    CALL(sigaction(SIGUSR1, &a, NULL));
    raise(SIGUSR1);
    CALL(sigaction(SIGUSR1, NULL, &old));
    SHOW(old.sa_handler == SIG_DFL);
    show("reset");
    a = (struct sigaction){.sa_handler = other};
    CALL(sigaction(SIGUSR1, &a, NULL));
    a.sa_handler = note;
    CALL(sigaction(SIGUSR2, &a, NULL));
    raise(SIGUSR1);
    show("another inside");
    a.sa_handler = other;
    sigaddset(&a.sa_mask, SIGUSR2);
    CALL(sigaction(SIGUSR1, &a, NULL));
    raise(SIGUSR1);
    show("another blocked by sa_mask");
    sigset_t set, was, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGKILL);
    sigaddset(&set, SIGSYS);
    CALL(sigprocmask(SIG_BLOCK, &set, &was));
    SHOW(sigismember(&was, SIGUSR2));
    CALL(sigprocmask(SIG_BLOCK, NULL, &was));
    SHOW(sigismember(&was, SIGUSR2));
    SHOW(sigismember(&was, SIGKILL));
    SHOW(sigismember(&was, SIGSYS));
    raise(SIGUSR2);
    raise(SIGUSR2);
    CALL(sigpending(&pending));
    SHOW(sigismember(&pending, SIGUSR2));
    show("blocked");
    CALL(sigprocmask(SIG_SETMASK, &was, NULL));
    sigemptyset(&set);
    CALL(sigprocmask(SIG_SETMASK, &set, NULL));
    show("let go: once");
    CALL(signal(SIGUSR2, SIG_IGN) == note);
    raise(SIGUSR2);
    show("ignored");
    CALL(sigaction(SIGKILL, &a, NULL));
    CALL(sigaction(SIGSTOP, &a, NULL));
    CALL(sigaction(99, &a, NULL));
    CALL(sigprocmask(77, &set, NULL));
    CALL(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
    CALL(syscall(SYS_rt_sigprocmask, 0, NULL, NULL, 4));
    CALL(sigaction(SIGSYS, &a, NULL));
    CALL(sigaction(SIGSYS, NULL, &old));
    SHOW(old.sa_handler == other);
    return DONE();
}

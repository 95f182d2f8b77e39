// covers: SIGSEGV SA_SIGINFO SA_ONSTACK sigaltstack siglongjmp
// variants: pie static
// A handler on its own stack sees what happened, and leaves by a jump; many times.
#include "check.h"
#include <setjmp.h>
#include <ucontext.h>
static sigjmp_buf back;
static char *volatile low, *volatile high;
static siginfo_t seen;
static int on_stack;
static long error_code, trap;
static void handler(int n, siginfo_t *info, void *context) {
    char here;
    ucontext_t *u = context;
    seen = *info;
    on_stack = &here >= low && &here < high;
    error_code = u->uc_mcontext.gregs[REG_ERR];
    trap = u->uc_mcontext.gregs[REG_TRAPNO];
    siglongjmp(back, 1);
}
int main(void) {
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    low = stack.ss_sp;
    high = low + 65536;
    CALL(sigaltstack(&stack, NULL));
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CALL(sigaction(SIGSEGV, &a, NULL));
    for (int i = 0; i < 200; i++) {
        if (sigsetjmp(back, 1) == 0) {
            *(volatile char *)(0x1000l + i) = 1;
            puts("not reached");
        }
        CHECK(seen.si_addr == (void *)(0x1000l + i));
    }
    SHOW(seen.si_signo);
    SHOW(seen.si_code);
    SHOW(on_stack);
    SHOW(error_code);
    SHOW(trap);
    stack_t now;
    CALL(sigaltstack(NULL, &now));
    SHOW(now.ss_sp == low && now.ss_size == 65536);
    SHOW(now.ss_flags);
    // Rights instead of absence.
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (sigsetjmp(back, 1) == 0)
        page[7] = 1;
    SHOW(seen.si_code);
    SHOW((char *)seen.si_addr - page);
    SHOW(error_code);
    // Not canonical: the address is unknown.
    if (sigsetjmp(back, 1) == 0)
        *(volatile char *)0x8000000000000000 = 1;
    SHOW(seen.si_code);
    SHOW(seen.si_addr);
    // Execution of data.
    if (sigsetjmp(back, 1) == 0)
        ((void (*)(void))page)();
    SHOW((char *)seen.si_addr - page);
    // Privileged instruction.
    if (sigsetjmp(back, 1) == 0)
        asm volatile("hlt");
    SHOW(seen.si_code);
    SHOW(trap);
    stack.ss_flags = SS_DISABLE;
    CALL(sigaltstack(&stack, NULL));
    stack.ss_flags = 0;
    stack.ss_size = 100;
    CALL(sigaltstack(&stack, NULL));
    return DONE();
}

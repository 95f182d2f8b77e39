// covers: SIGSEGV rt_sigreturn mprotect in a handler
// variants: pie static
// A handler repairs the cause and returns; the instruction is repeated, all registers are as before.
#include "check.h"
#include <ucontext.h>
static char *page;
static int faults;
static void handler(int n, siginfo_t *info, void *context) {
    faults++;
    CHECK(mprotect((void *)((uintptr_t)info->si_addr & -4096), 4096, PROT_READ | PROT_WRITE) == 0);
}
static void skip(int n, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    u->uc_mcontext.gregs[REG_RIP] += 2;
    u->uc_mcontext.gregs[REG_RBX] = 4711;
}
int main(void) {
    page = mmap(NULL, 64 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CALL(sigaction(SIGSEGV, &a, NULL));
    for (int i = 0; i < 64; i++) {
        long rbx = i, r12 = i * 2, r15 = i * 3;
        register long r_r12 asm("r12") = r12, r_r15 asm("r15") = r15;
        asm volatile("movb $5, (%[at])" : "+b"(rbx), "+r"(r_r12), "+r"(r_r15) : [at] "r"(page + i * 4096) : "memory");
        CHECK(rbx == i && r_r12 == r12 && r_r15 == r15);
    }
    SHOW(faults);
    SHOW(page[63 * 4096]);
    // The handler edits the saved registers.
    a.sa_sigaction = skip;
    CALL(sigaction(SIGILL, &a, NULL));
    long value = 0;
    asm volatile("ud2" : "+b"(value));
    SHOW(value);
    return DONE();
}

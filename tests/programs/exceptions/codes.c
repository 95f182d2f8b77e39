// covers: SIGFPE SIGILL SIGTRAP SIGBUS si_code
// What the other exceptions say about themselves.
#include "check.h"
#include <setjmp.h>
#include <ucontext.h>
static sigjmp_buf back;
static siginfo_t seen;
static long trap;
static void handler(int n, siginfo_t *info, void *context) {
    seen = *info;
    trap = ((ucontext_t *)context)->uc_mcontext.gregs[REG_TRAPNO];
    siglongjmp(back, n);
}
static void show(const char *what) {
    printf("%s: signal %d code %d trap %ld\n", what, seen.si_signo, seen.si_code, trap);
}
int main(int argc, char **argv) {
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    for (int *s = (int[]){SIGFPE, SIGILL, SIGTRAP, SIGBUS, SIGSEGV, 0}; *s; s++)
        CALL(sigaction(*s, &a, NULL));
    volatile int zero = argc - 1;
    if (!sigsetjmp(back, 1))
        zero = 1 / zero;
    show("division by zero");
    if (!sigsetjmp(back, 1))
        asm volatile("ud2");
    show("ud2");
    if (!sigsetjmp(back, 1))
        asm volatile("int3");
    show("int3");
    if (!sigsetjmp(back, 1))
        asm volatile("pushf; orq $0x100, (%%rsp); popf; nop; nop" ::: "memory", "cc");
    show("single step");
    put_file("f", "short");
    char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, open("f", O_RDONLY), 0);
    if (!sigsetjmp(back, 1))
        zero = *(volatile char *)(p + 5000);
    show("behind the end of a file");
    SHOW((char *)seen.si_addr - p);
    if (!sigsetjmp(back, 1))
        asm volatile("int $0x40");
    show("int 0x40");
    unsigned int csr = 0x1f80 & ~0x200; // unmask division by zero
    if (!sigsetjmp(back, 1)) {
        asm volatile("ldmxcsr %0" ::"m"(csr));
        volatile double d = argc - 1;
        d = 1.0 / d;
    }
    show("floating division by zero");
    return DONE();
}

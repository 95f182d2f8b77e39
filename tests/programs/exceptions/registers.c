// covers: syscall registers flags
// variants: pie static
// A call keeps every register but rax, rcx and r11, the direction and arithmetic flags included, on every path: the
// first time at a site, later times, and at sites that cannot be patched.
#include "check.h"
struct state {
    long rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15, flags, rax, rsp;
};
static struct state in, out;
static long saved_rsp __attribute__((used));
// Loads all registers from `in`, runs the instructions in the middle, and stores them to `out`.
#define AROUND(name, middle)                                                                               \
    void name(void);                                                                                       \
    asm(".text\n" #name ":\n"                                                                               \
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"                               \
        "mov %rsp, saved_rsp(%rip)\n"                                           \
        "push in+96(%rip); popf\n"                                                                         \
        "mov in(%rip), %rbx; mov in+8(%rip), %rdx; mov in+16(%rip), %rsi; mov in+24(%rip), %rdi\n"         \
        "mov in+32(%rip), %rbp; mov in+40(%rip), %r8; mov in+48(%rip), %r9; mov in+56(%rip), %r10\n"       \
        "mov in+64(%rip), %r12; mov in+72(%rip), %r13; mov in+80(%rip), %r14; mov in+88(%rip), %r15\n"     \
        "mov in+104(%rip), %rax\n"                                                                         \
        "movq $0x5a5a5a5a, -8(%rsp); movq $0x6b6b6b6b, -128(%rsp)\n" middle "\n"                            \
        "mov %rax, out+104(%rip)\n"                                                                        \
        "mov -8(%rsp), %rcx; mov %rcx, red_zone(%rip); mov -128(%rsp), %rcx; mov %rcx, red_zone+8(%rip)\n" \
        "mov %rbx, out(%rip); mov %rdx, out+8(%rip); mov %rsi, out+16(%rip); mov %rdi, out+24(%rip)\n"     \
        "mov %rbp, out+32(%rip); mov %r8, out+40(%rip); mov %r9, out+48(%rip); mov %r10, out+56(%rip)\n"   \
        "mov %r12, out+64(%rip); mov %r13, out+72(%rip); mov %r14, out+80(%rip); mov %r15, out+88(%rip)\n" \
        "pushf; pop out+96(%rip); cld\n"                                                                   \
        "mov %rsp, out+112(%rip)\n"                                                                        \
        "mov saved_rsp(%rip), %rsp\n"                                                                      \
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");
__attribute__((used)) static long red_zone[2];
// Followed by the comparison that libc has: can be patched at once.
AROUND(plain, "syscall; mov %rax,%rcx; nop; nop; nop; nop; nop")
// Followed by a jump: cannot be patched behind the call.
AROUND(jumped, "syscall; jmp 1f; 1: nop")
// A jump target between call and what follows.
AROUND(target, "jmp 2f; 1: nop; jmp 3f; 2: syscall; 3: nop; nop; nop; nop")
// Position-dependent neighbours.
AROUND(relative, "lea 1f(%rip), %rcx; 1: syscall; mov in(%rip), %rcx")
static void check(const char *name, void (*call)(void), long nr) {
    for (int round = 0; round < 6; round++) {
        long *words = (long *)&in;
        for (int i = 0; i < 12; i++)
            words[i] = 0x1111111111111111ul * (i + 1) + round;
        in.rax = nr;
        // carry, parity, adjust, zero, sign, direction, overflow by turns
        in.flags = 0x202 | (round & 1 ? 0x1 | 0x40 | 0x800 : 0) | (round & 2 ? 0x400 : 0) | (round & 4 ? 0x80 | 0x4 | 0x10 : 0);
        memset(&out, 0, sizeof out);
        call();
        for (int i = 0; i < 12; i++)
            if (((long *)&out)[i] != words[i])
                printf("%s round %d: register %d has changed\n", name, round, i);
        if ((out.flags ^ in.flags) & 0xcd5)
            printf("%s round %d: flags %lx became %lx\n", name, round, in.flags & 0xcd5, out.flags & 0xcd5);
        CHECK(out.rsp == saved_rsp);
        CHECK(red_zone[0] == 0x5a5a5a5a && red_zone[1] == 0x6b6b6b6b);
        if (nr == SYS_getppid)
            CHECK(out.rax == getppid());
        else
            printf("%s: %ld\n", name, out.rax);
    }
}
int main(void) {
    check("plain", plain, SYS_getppid);
    check("jumped", jumped, SYS_getppid);
    check("target", target, SYS_getppid);
    check("relative", relative, SYS_getppid);
    check("refused", plain, 5000);
    check("refused", jumped, -1);
    check("error", plain, SYS_close);
    check("error", jumped, SYS_lseek);
    return DONE();
}

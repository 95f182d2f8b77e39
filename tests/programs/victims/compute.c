// covers: state in registers, stack, heap and data between calls
// A long computation whose state lives everywhere and whose output depends on all of it.
#include "check.h"
static unsigned long table[512];
static struct {
    unsigned long a, b, c;
} state = {1, 2, 3};
__attribute__((noinline)) static unsigned long stir(unsigned long *heap, unsigned long *stack, unsigned long x) {
    register unsigned long b asm("rbx") = x * 0x9e3779b97f4a7c15, c asm("r12") = x ^ 0x123456789, d asm("r13") = ~x, e asm("r14") = x << 7;
    for (int i = 0; i < 64; i++) {
        b = b * 6364136223846793005ul + heap[i & 255];
        c ^= (b >> 17) + table[(b >> 33) & 511];
        d += c * stack[i & 63];
        e ^= d << (i & 15);
        // The registers must be alive over the call.
        asm volatile("" : "+r"(b), "+r"(c), "+r"(d), "+r"(e));
        if (i % 16 == 0)
            syscall(SYS_getppid);
        heap[(i * 7) & 255] ^= e;
        stack[(i * 3) & 63] += b;
        table[i * 8] += c;
    }
    state.a += b;
    state.b ^= c;
    state.c += d ^ e;
    return b ^ c ^ d ^ e;
}
int main(void) {
    unsigned long *heap = sbrk(4096), stack[64], x = 1;
    for (int i = 0; i < 256; i++)
        heap[i] = i * 77;
    for (int i = 0; i < 64; i++)
        stack[i] = i * 33;
    for (int i = 0; i < 60; i++) {
        char line[128];
        x = stir(heap, stack, x);
        int n = sprintf(line, "%2d %016lx %016lx %016lx %016lx\n", i, x, state.a, state.b, state.c);
        CHECK(write(1, line, n) == n);
    }
    printf("%lx %lx %lx\n", sum(heap, 2048), sum(stack, sizeof stack), sum(table, sizeof table));
    return DONE();
}

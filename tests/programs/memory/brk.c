// covers: brk sbrk
// variants: pie no-pie static
// The program break goes up and down; new pages are zero.
#include "check.h"
int main(void) {
    setvbuf(stdout, (char[4096]){0}, _IOFBF, 4096);
    char *start = sbrk(0);
    char *p = sbrk(100000);
    SHOW(p == start);
    SHOW(sum(p, 100000));
    memset(p, 9, 100000);
    SHOW((char *)sbrk(0) - start);
    SHOW(brk(start + 10) == 0);
    SHOW(brk(start + 100000) == 0);
    // What lay on pages given back is zero again.
    size_t set = 0;
    for (char *q = (char *)(((uintptr_t)start + 10 + 4095) & -4096); q < start + 100000; q++)
        set += *q != 0;
    SHOW(set);
    SHOW(syscall(SYS_brk, 0) == (long)(start + 100000));
    SHOW(syscall(SYS_brk, start - (1 << 30)) == (long)(start + 100000));
    SHOW(syscall(SYS_brk, 1ul << 60) == (long)(start + 100000));
    SHOW(brk(start) == 0);
    SHOW(sbrk(64 << 20) == start);
    start[(64 << 20) - 1] = 1;
    return DONE();
}

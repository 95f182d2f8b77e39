// covers: brk
// Absurd ends of the heap leave everything as it is.
#include "check.h"
#include <sys/syscall.h>
int main(void) {
    long now = syscall(SYS_brk, 0);
    SHOW(syscall(SYS_brk, -1L) == now);
    SHOW(syscall(SYS_brk, 0xfffffffffffff001L) == now);
    SHOW(syscall(SYS_brk, 0x800000000000L) == now);
    SHOW(syscall(SYS_brk, 0) == now);
    return DONE();
}

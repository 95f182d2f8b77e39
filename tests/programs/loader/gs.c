// covers: arch_prctl ARCH_SET_GS
// The guest's own use of the GS base survives calls of every kind.
#include "check.h"
#include <asm/prctl.h>
static long slot[4] = {11, 22, 33, 44};
int main(void) {
    CALL(syscall(SYS_arch_prctl, ARCH_SET_GS, slot));
    for (int i = 0; i < 3; i++) {
        long value;
        getppid();
        syscall(SYS_getppid);
        asm volatile("mov %%gs:8, %0" : "=r"(value));
        SHOW(value);
    }
    unsigned long gs = 0;
    CALL(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
    SHOW(gs == (unsigned long)slot);
    return DONE();
}

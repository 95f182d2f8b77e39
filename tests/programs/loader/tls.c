// covers: arch_prctl set_tid_address
// variants: pie no-pie static static-pie
// Thread-local data of the main thread: initialised, zero and aligned.
#include "check.h"
#include <asm/prctl.h>
static __thread int initialised = 77;
static __thread char zero[3000];
static __thread long aligned __attribute__((aligned(64))) = 5;
int main(void) {
    SHOW(initialised);
    SHOW(sum(zero, sizeof zero));
    SHOW((uintptr_t)&aligned % 64);
    SHOW(aligned);
    initialised++;
    SHOW(initialised);
    unsigned long fs = 0, gs = 1;
    CALL(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
    SHOW(*(unsigned long *)fs == fs);
    CALL(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
    SHOW(gs);
    CALL(syscall(SYS_arch_prctl, 0x7777, 0));
    CALL(syscall(SYS_arch_prctl, ARCH_GET_FS, 8));
    return DONE();
}

// covers: int80
// variants: pie
// token: none
// The 32-bit entry: natively getpid answers; a runtime may refuse it in sight but must not misread it as a 64-bit call.
#include "check.h"
int main(void) {
    long result;
    // 20 is getpid of the 32-bit table and writev of the 64-bit one.
    asm volatile("int $0x80" : "=a"(result) : "a"(20), "b"(0), "c"(0), "d"(0) : "memory", "r8", "r9", "r10", "r11");
    SHOW(result == getpid() || result == -ENOSYS);
    return 0;
}

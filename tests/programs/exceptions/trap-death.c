// covers: SIGTRAP default int3
// signal: SIGTRAP
#include "check.h"
int main(void) {
    write(1, "before\n", 7);
    asm volatile("int3");
    return 0;
}

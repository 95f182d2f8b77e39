// covers: SIGSEGV default
// signal: SIGSEGV
// A write to a wild address ends the program by SIGSEGV; what was written before stays.
#include "check.h"
int main(void) {
    write(1, "before\n", 7);
    *(volatile char *)0x123456 = 1;
    write(1, "after\n", 6);
    return 0;
}

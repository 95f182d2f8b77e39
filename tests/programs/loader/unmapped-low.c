// covers: mmap address space
// variants: pie no-pie static
// Page 0 stays unmapped: a null pointer must fault under a runtime too.
// signal: SIGSEGV
#include "check.h"
int main(void) {
    write(1, "before\n", 7);
    return *(volatile int *)8;
}

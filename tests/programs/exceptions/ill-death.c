// covers: SIGILL default
// signal: SIGILL
#include "check.h"
int main(void) {
    write(1, "before\n", 7);
    asm volatile("ud2");
    return 0;
}

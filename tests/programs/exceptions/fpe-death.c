// covers: SIGFPE default
// signal: SIGFPE
#include "check.h"
int main(int argc, char **argv) {
    volatile int zero = argc - 1;
    write(1, "before\n", 7);
    return argc / zero;
}

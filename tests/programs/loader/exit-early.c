// covers: exit_group
// status: 41
// token: none
// variants: pie static
// A constructor ends the process; main never runs.
#include "check.h"
__attribute__((constructor)) static void leave(void) {
    write(1, "early\n", 6);
    _exit(41);
}
int main(void) { return DONE(); }

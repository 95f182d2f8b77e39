// covers: abort tgkill SIGABRT handler
// signal: SIGABRT
// The handler of SIGABRT runs first; abort kills all the same.
#include "check.h"
static void handler(int n) { write(1, "handler\n", 8); }
int main(void) {
    signal(SIGABRT, handler);
    abort();
}

// covers: abort tgkill SIGABRT
// signal: SIGABRT
// variants: pie static
#include "check.h"
int main(void) {
    write(1, "before\n", 7);
    abort();
}

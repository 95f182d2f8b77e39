// covers: kill SIGKILL
// signal: SIGKILL
#include "check.h"
int main(void) {
    write(1, "before\n", 7);
    kill(getpid(), SIGKILL);
    write(1, "after\n", 6);
    return 1;
}

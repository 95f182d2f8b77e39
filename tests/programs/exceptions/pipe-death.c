// covers: SIGPIPE default write
// signal: SIGPIPE
#include "check.h"
int main(void) {
    int ends[2];
    pipe(ends);
    close(ends[0]);
    write(1, "before\n", 7);
    write(ends[1], "x", 1);
    write(1, "after\n", 6);
    return 0;
}

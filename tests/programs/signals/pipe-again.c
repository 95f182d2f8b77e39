// covers: SIGPIPE raise inside its own handler
// signal: SIGPIPE
// token: none
// A handler of SIGPIPE that cleans up, restores the default and raises the signal again, as sort does.
#include "check.h"
static void clean(int n) {
    CHECK(write(1, "cleaned\n", 8) == 8);
    signal(n, SIG_DFL);
    raise(n);
}
int main(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    signal(SIGPIPE, clean);
    CALL(write(ends[1], "x", 1));
    return DONE();
}

// covers: kill SIGTERM SIGKILL
// signal: SIGTERM
#include "check.h"
int main(void) {
    CALL(kill(getpid(), 0));
    CALL(kill(getpid(), 99));
    CALL(kill(getpid(), SIGCHLD));
    CALL(kill(getpid(), SIGWINCH));
    CALL(kill(getpid(), SIGCONT));
    fflush(stdout);
    kill(getpid(), SIGTERM);
    puts("still here");
    return 1;
}

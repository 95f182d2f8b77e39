// covers: SIGPIPE EPIPE MSG_NOSIGNAL
// A write without a reader: ignored, caught, blocked, and without the signal.
#include "check.h"
#include <sys/socket.h>
static int caught;
static void handler(int n) { caught++; }
int main(void) {
    int ends[2], pair[2];
    CALL(pipe(ends));
    CALL(close(ends[0]));
    signal(SIGPIPE, SIG_IGN);
    CALL(write(ends[1], "x", 1));
    signal(SIGPIPE, handler);
    CALL(write(ends[1], "x", 1));
    SHOW(caught);
    CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CALL(close(pair[1]));
    CALL(send(pair[0], "x", 1, MSG_NOSIGNAL));
    SHOW(caught);
    CALL(send(pair[0], "x", 1, 0));
    SHOW(caught);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    CALL(sigprocmask(SIG_BLOCK, &set, NULL));
    CALL(write(ends[1], "x", 1));
    SHOW(caught);
    CALL(sigpending(&set));
    SHOW(sigismember(&set, SIGPIPE));
    CALL(sigprocmask(SIG_UNBLOCK, &set, NULL));
    SHOW(caught);
    return DONE();
}

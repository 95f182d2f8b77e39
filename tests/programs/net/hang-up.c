// covers: close of the last end
// When a program closes the last end of something, the other end knows at once, without waiting.
#include "check.h"
#include <arpa/inet.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
int main(void) {
    signal(SIGPIPE, SIG_IGN);
    int wrong = 0;
    for (int i = 0; i < 300; i++) {
        int ends[2], pair[2];
        char byte;
        CHECK(pipe2(ends, O_NONBLOCK) == 0);
        CHECK(close(ends[1]) == 0);
        wrong += read(ends[0], &byte, 1) != 0;
        CHECK(close(ends[0]) == 0);
        CHECK(pipe2(ends, O_NONBLOCK) == 0);
        CHECK(close(ends[0]) == 0);
        wrong += write(ends[1], "x", 1) != -1 || errno != EPIPE;
        CHECK(close(ends[1]) == 0);
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        CHECK(dup2(0, pair[1]) == pair[1]);
        struct pollfd p = {pair[0], POLLIN, 0};
        wrong += poll(&p, 1, 0) != 1;
        CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
        int a = open("lock", O_RDWR | O_CREAT, 0644), b = open("lock", O_RDWR);
        CHECK(flock(a, LOCK_EX) == 0);
        CHECK(close(a) == 0);
        wrong += flock(b, LOCK_EX | LOCK_NB) != 0;
        CHECK(close(b) == 0);
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof at;
        int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(bind(listener, (void *)&at, sizeof at) == 0 && listen(listener, 1) == 0);
        CHECK(getsockname(listener, (void *)&at, &length) == 0);
        CHECK(close(listener) == 0);
        wrong += connect(client, (void *)&at, sizeof at) != -1;
        CHECK(close(client) == 0);
    }
    SHOW(wrong);
    return DONE();
}

// covers: TCP loopback accept connect getsockopt SO_ERROR TCP_NODELAY
// A connection over the loopback interface, from a process to itself.
#include "check.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
int main(void) {
    int one = 1;
    socklen_t length;
    static char block[200000], back[200000];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, peer;
    CALL(socket(AF_INET, SOCK_STREAM, 0));
    CALL(setsockopt(3, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    CALL(bind(3, (struct sockaddr *)&at, sizeof at));
    CALL(listen(3, 5));
    length = sizeof at;
    CALL(getsockname(3, (struct sockaddr *)&at, &length));
    SHOW(at.sin_port != 0);
    CALL(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    int result = connect(4, (struct sockaddr *)&at, sizeof at);
    SHOW(result == 0 || errno == EINPROGRESS);
    struct pollfd p = {4, POLLOUT, 0};
    CALL(poll(&p, 1, 5000));
    SHOW(p.revents);
    length = sizeof one;
    CALL(getsockopt(4, SOL_SOCKET, SO_ERROR, &one, &length));
    SHOW(one);
    length = sizeof peer;
    CALL(accept(3, (struct sockaddr *)&peer, &length));
    SHOW(peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    SHOW(length);
    one = 1;
    CALL(setsockopt(5, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = i * 31 >> 3;
    size_t sent = 0, got = 0;
    while (got < sizeof block) {
        if (sent < sizeof block) {
            ssize_t n = send(4, block + sent, sizeof block - sent, MSG_NOSIGNAL);
            CHECK(n > 0 || errno == EAGAIN);
            if (n > 0)
                sent += n;
        }
        ssize_t n = recv(5, back + got, sizeof back - got, sent < sizeof block ? MSG_DONTWAIT : 0);
        CHECK(n > 0 || errno == EAGAIN);
        if (n > 0)
            got += n;
    }
    SHOW(memcmp(block, back, sizeof block));
    CALL(shutdown(4, SHUT_WR));
    CALL(recv(5, back, 10, 0));
    CALL(close(5));
    CALL(recv(4, back, 10, 0));
    // Nobody listens.
    CALL(close(3));
    CALL(socket(AF_INET, SOCK_STREAM, 0));
    CALL(connect(3, (struct sockaddr *)&at, sizeof at));
    return DONE();
}

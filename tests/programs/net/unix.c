// covers: socketpair socket bind listen accept4 connect sendto recvfrom shutdown getsockname getpeername getsockopt setsockopt
// UNIX sockets from a process to itself.
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>
int main(void) {
    int pair[2], value;
    socklen_t length;
    char text[64] = "";
    CALL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    CALL(fcntl(pair[1], F_GETFD));
    CALL(write(pair[0], "through a pair", 14));
    CALL(recv(pair[1], text, 7, MSG_PEEK));
    CALL(recv(pair[1], text, sizeof text, 0));
    puts(text);
    CALL(recv(pair[1], text, sizeof text, MSG_DONTWAIT));
    CALL(shutdown(pair[0], SHUT_WR));
    CALL(recv(pair[1], text, sizeof text, 0));
    CALL(shutdown(pair[0], 9));
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "socket"}, peer;
    CALL(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    CALL(accept4(5, NULL, NULL, 0));
    CALL(bind(5, (struct sockaddr *)&at, sizeof at));
    CALL(bind(5, (struct sockaddr *)&at, sizeof at));
    CALL(listen(5, 5));
    CALL(accept4(5, NULL, NULL, 0));
    CALL(socket(AF_UNIX, SOCK_STREAM, 0));
    CALL(connect(6, (struct sockaddr *)&at, sizeof at));
    length = sizeof peer;
    CALL(accept4(5, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC | SOCK_NONBLOCK));
    SHOW(length);
    CALL(fcntl(7, F_GETFD));
    CALL(send(6, "hello", 5, 0));
    memset(text, 0, sizeof text);
    CALL(recv(7, text, sizeof text, 0));
    puts(text);
    CALL(recv(7, text, sizeof text, 0));
    length = sizeof peer;
    CALL(getsockname(5, (struct sockaddr *)&peer, &length));
    puts(peer.sun_path);
    length = 4;
    CALL(getpeername(6, (struct sockaddr *)&peer, &length));
    SHOW(length);
    length = sizeof value;
    CALL(getsockopt(6, SOL_SOCKET, SO_TYPE, &value, &length));
    SHOW(value);
    struct ucred credentials;
    length = sizeof credentials;
    CALL(getsockopt(6, SOL_SOCKET, SO_PEERCRED, &credentials, &length));
    SHOW(credentials.uid == getuid());
    SHOW(length);
    value = 1;
    CALL(setsockopt(6, SOL_SOCKET, SO_PASSCRED, &value, sizeof value));
    CALL(setsockopt(6, SOL_SOCKET, 9999, &value, sizeof value));
    CALL(close(6));
    CALL(recv(7, text, sizeof text, 0));
    CALL(connect(99, (struct sockaddr *)&at, sizeof at));
    CALL(socket(77, 0, 0));
    CALL(unlink("socket"));
    return DONE();
}

// covers: UDP sendto recvfrom sendmmsg recvmmsg
// Datagrams over the loopback interface, singly and many at once.
#include "check.h"
#include <arpa/inet.h>
#include <sys/socket.h>
int main(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from;
    socklen_t length = sizeof at;
    char text[64] = "";
    CALL(socket(AF_INET, SOCK_DGRAM, 0));
    CALL(bind(3, (struct sockaddr *)&at, sizeof at));
    CALL(getsockname(3, (struct sockaddr *)&at, &length));
    CALL(socket(AF_INET, SOCK_DGRAM, 0));
    CALL(sendto(4, "one", 3, 0, (struct sockaddr *)&at, sizeof at));
    length = sizeof from;
    CALL(recvfrom(3, text, sizeof text, 0, (struct sockaddr *)&from, &length));
    SHOW(length);
    SHOW(from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    puts(text);
    CALL(send(4, "x", 1, 0));
    CALL(connect(4, (struct sockaddr *)&at, sizeof at));
    struct iovec v[6] = {{"aa", 2}, {"bbb", 3}, {"cccc", 4}, {"d", 1}, {"ee", 2}, {"f", 1}};
    struct mmsghdr m[3] = {{{.msg_iov = v, .msg_iovlen = 2}}, {{.msg_iov = v + 2, .msg_iovlen = 1}}, {{.msg_iov = v + 3, .msg_iovlen = 3}}};
    CALL(sendmmsg(4, m, 3, 0));
    for (int i = 0; i < 3; i++)
        SHOW(m[i].msg_len);
    char room[4][16] = {""};
    struct iovec w[4];
    struct sockaddr_in names[4];
    struct mmsghdr r[4] = {{{0}}};
    for (int i = 0; i < 4; i++) {
        w[i] = (struct iovec){room[i], 15};
        r[i].msg_hdr = (struct msghdr){.msg_iov = w + i, .msg_iovlen = 1, .msg_name = names + i, .msg_namelen = sizeof names[i]};
    }
    CALL(recvmmsg(3, r, 4, MSG_DONTWAIT, NULL));
    for (int i = 0; i < 3; i++)
        printf("%u [%s] %u %d\n", r[i].msg_len, room[i], r[i].msg_hdr.msg_namelen, names[i].sin_port == names[0].sin_port);
    CALL(recvmmsg(3, r, 4, MSG_DONTWAIT, NULL));
    CALL(recvmmsg(3, (void *)8, 4, MSG_DONTWAIT, NULL));
    CALL(send(4, "", 0, 0));
    CALL(recv(3, text, sizeof text, 0));
    return DONE();
}

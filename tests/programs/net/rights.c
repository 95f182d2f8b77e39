// covers: sendmsg recvmsg SCM_RIGHTS SCM_CREDENTIALS MSG_CMSG_CLOEXEC MSG_TRUNC
// Descriptors sent to itself: new numbers, the same files, in every replica.
#include "check.h"
#include <sys/socket.h>
#include <sys/uio.h>
static int pair[2];
static void pass(int *fds, int count) {
    char control[256] = "";
    struct iovec v[2] = {{"two ", 4}, {"parts", 5}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    CALL(sendmsg(pair[0], &m, 0));
}
static void take(int flags, size_t room, int *fds) {
    char control[256] = "", one[3] = "", two[16] = "";
    struct iovec v[2] = {{one, 2}, {two, 15}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2, .msg_control = control, .msg_controllen = room};
    CALL(recvmsg(pair[1], &m, flags));
    printf("[%s] [%s] flags %x control %zu\n", one, two, m.msg_flags, m.msg_controllen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        int n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        printf("type %d, %d descriptors:", c->cmsg_type, n);
        for (int i = 0; i < n; i++) {
            fds[i] = ((int *)CMSG_DATA(c))[i];
            printf(" %d", fds[i]);
        }
        puts("");
    }
}
int main(void) {
    char text[32] = "";
    int ends[2], fds[16];
    CALL(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    put_file("f", "content of a file");
    CALL(open("f", O_RDONLY));
    CALL(pipe(ends));
    pass((int[]){5, ends[0], ends[1]}, 3);
    CALL(close(5));
    take(0, 256, fds);
    CALL(read(fds[0], text, 7));
    puts(text);
    CALL(write(fds[2], "piped", 5));
    memset(text, 0, sizeof text);
    CALL(read(ends[0], text, sizeof text));
    puts(text);
    pass(fds, 2);
    take(MSG_CMSG_CLOEXEC, 256, fds);
    CALL(fcntl(fds[0], F_GETFD));
    CALL(lseek(fds[0], 0, SEEK_CUR));
    pass(fds, 2);
    take(0, CMSG_SPACE(4), fds);
    pass(fds, 1);
    take(0, 0, fds);
    pass((int[]){99}, 1);
    CALL(send(pair[0], "a long datagram", 15, 0));
    CALL(recv(pair[1], text, 4, MSG_TRUNC));
    for (int i = 3; i < 20; i++)
        if (fcntl(i, F_GETFD) != -1)
            printf("%d is open\n", i);
    return DONE();
}

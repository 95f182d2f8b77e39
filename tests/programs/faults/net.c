// covers: EFAULT recvmsg sendmsg recvfrom sendto poll select epoll accept getsockname socketpair
// Bad pointers in the calls around sockets and readiness.
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#define S(nr, ...) CALL(syscall(SYS_##nr, __VA_ARGS__))
int main(void) {
    char *bad = (char *)8, byte = 'b', *end = page_end();
    int pair[2];
    CALL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
    S(socketpair, AF_UNIX, SOCK_DGRAM, 0, bad);
    S(sendto, pair[0], bad, 5, 0, 0, 0);
    S(sendto, pair[0], &byte, 1, 0, bad, 10);
    S(sendmsg, pair[0], bad, 0);
    S(recvmsg, pair[1], bad, 0);
    struct iovec v = {bad, 5};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    S(sendmsg, pair[0], &m, 0);
    struct msghdr m2 = {.msg_iov = (void *)8, .msg_iovlen = 1};
    S(sendmsg, pair[0], &m2, 0);
    S(recvmsg, pair[1], &m2, 0);
    struct iovec good = {&byte, 1};
    struct msghdr m3 = {.msg_iov = &good, .msg_iovlen = 1, .msg_name = bad, .msg_namelen = 10};
    S(sendmsg, pair[0], &m3, 0);
    struct msghdr m4 = {.msg_iov = &good, .msg_iovlen = 1, .msg_control = bad, .msg_controllen = 32};
    S(sendmsg, pair[0], &m4, 0);
    CALL(send(pair[0], "a", 1, 0));
    CALL(send(pair[0], "b", 1, 0));
    S(recvfrom, pair[1], bad, 5, 0, 0, 0);
    S(recvfrom, pair[1], &byte, 1, 0, 0, 0);
    SHOW(byte);
    S(recvfrom, pair[1], &byte, 1, 0, 0, 0);
    S(getsockname, pair[0], bad, bad);
    S(getsockopt, pair[0], SOL_SOCKET, SO_TYPE, bad, bad);
    S(setsockopt, pair[0], SOL_SOCKET, SO_SNDBUF, bad, 4);
    S(accept4, pair[0], bad, bad, 0);
    S(bind, pair[0], bad, 10);
    S(connect, pair[0], bad, 10);
    S(poll, bad, 1, 0);
    S(poll, end, 1, 0);
    S(poll, bad, 0, 0);
    S(ppoll, bad, 1, bad, 0, 8);
    S(select, 1, bad, 0, 0, 0);
    S(select, 0, 0, 0, 0, bad);
    S(pselect6, 1, bad, 0, 0, 0, 0);
    struct pollfd *p = (struct pollfd *)(end - sizeof *p);
    *p = (struct pollfd){pair[0], POLLOUT, 0};
    S(poll, p, 1, 0);
    S(poll, p, 2, 0);
    int e = CALL(epoll_create1(0));
    S(epoll_ctl, e, EPOLL_CTL_ADD, pair[0], bad);
    struct epoll_event event = {EPOLLOUT, {.u64 = 7}};
    S(epoll_ctl, e, EPOLL_CTL_ADD, pair[0], &event);
    S(epoll_wait, e, bad, 1, 0);
    S(epoll_wait, e, &event, 0, 0);
    S(epoll_wait, e, &event, 1, 0);
    int t = CALL(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    S(timerfd_settime, t, 0, bad, 0);
    S(timerfd_gettime, t, bad);
    int n = CALL(eventfd(1, EFD_NONBLOCK));
    S(read, n, bad, 8);
    S(read, n, &event, 8);
    S(write, n, bad, 8);
    return DONE();
}

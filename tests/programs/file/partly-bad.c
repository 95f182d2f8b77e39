// covers: read readv preadv pread64 getdents64 recvfrom recvmsg recvmmsg stat EFAULT
// Buffers that end in a hole: what the kernel has filled before it noticed is seen, whatever the result says.
#include "check.h"
#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
// Shows a buffer before its hole; a difference between replicas shows in the digest of the write.
static void show(const char *end, size_t bytes) { SHOW(sum(end - bytes, bytes)); }
static char *clean(char *end) { return memset(end - 4096, '.', 4096), end; }
static void pipes(char *end) {
    static char much[9000];
    memset(much, 'm', sizeof much);
    int p[2];
    CHECK(pipe2(p, O_NONBLOCK) == 0);
    // One buffer of the pipe, which does not fit: nothing is taken away.
    CHECK(write(p[1], "0123456789", 10) == 10);
    clean(end);
    CALL(readv(p[0], (struct iovec[]){{end - 100, 4}, {end, 90}}, 2));
    show(end, 200);
    CALL(readv(p[0], (struct iovec[]){{end - 100, 4}, {end - 3, 90}}, 2));
    show(end, 200);
    CALL(read(p[0], end - 7, 100));
    show(end, 200);
    CALL(read(p[0], end, 100));
    CALL(read(p[0], end - 50, 3));
    show(end, 200);
    CALL(read(p[0], much, sizeof much));
    // Several: those before count, the last is filled in part.
    CHECK(write(p[1], much, sizeof much) == sizeof much);
    static char room[5000];
    clean(end);
    CALL(readv(p[0], (struct iovec[]){{room, 4090}, {end - 60, 60}, {NULL, 500}}, 3));
    SHOW(sum(room, sizeof room));
    show(end, 200);
    clean(end);
    CALL(readv(p[0], (struct iovec[]){{room, 3000}, {end - 20, 10}, {end - 10, 2000}}, 3));
    show(end, 200);
    CALL(readv(p[0], (struct iovec[]){{room, 5}, {room + 10, -1}}, 2));
    CALL(readv(p[0], (struct iovec *)end, 2));
    struct iovec *last = (struct iovec *)end - 1;
    *last = (struct iovec){room, 100};
    CALL(readv(p[0], last, 2));
    CALL(read(p[0], much, sizeof much));
    // Larger than what goes in one piece.
    CALL(read(p[0], end - 10, 1 << 20));
    CHECK(write(p[1], "some", 4) == 4);
    clean(end);
    CALL(read(p[0], end - 2, 1 << 20));
    show(end, 200);
    CALL(read(p[0], room, 1 << 20));
}
static void files(char *end) {
    put_file("f", "The quick brown fox jumps over the lazy dog.");
    CHECK(truncate("f", 20000) == 0);
    int fd = open("f", O_RDONLY);
    clean(end);
    CALL(read(fd, end - 10, 30));
    show(end, 200);
    CALL(pread(fd, end, 5000, 0));
    CALL(pread(fd, end - 30, 5000, 4));
    show(end, 200);
    CALL(preadv(fd, (struct iovec[]){{end - 20, 10}, {end, 10000}}, 2, 2));
    show(end, 200);
    CALL(lseek(fd, 0, SEEK_CUR));
    CHECK(mkdir("d", 0755) == 0);
    for (int i = 0; i < 40; i++) {
        char name[40];
        snprintf(name, sizeof name, "d/a-name-of-some-length-%d", i);
        put_file(name, "");
    }
    fd = open("d", O_RDONLY | O_DIRECTORY);
    for (size_t bytes = 10; bytes < 700; bytes += 97) {
        clean(end);
        // The order of the entries is the file system's affair.
        long n = syscall(SYS_getdents64, fd, end - bytes, 4000);
        CHECK(n == -1 || n <= (long)bytes);
        for (size_t i = 0; i < bytes; i++)
            CHECK(write(1, end - bytes + i, 0) == 0);
        int null = open("/dev/null", O_WRONLY);
        CHECK(write(null, end - bytes, bytes) == (ssize_t)bytes);
        CHECK(close(null) == 0);
    }
    clean(end);
    CALL(stat("f", (struct stat *)(end - 60)));
    CHECK(write(open("/dev/null", O_WRONLY), end - 60, 60) == 60);
    CALL(readlink("/proc/self/exe", end - 3, 100));
    CHECK(write(open("/dev/null", O_WRONLY), end - 3, 3) == 3);
    CALL(syscall(SYS_getcwd, end - 2, 100));
    CALL(ioctl(fd, FIONREAD, end - 2));
}
static void sockets(char *end) {
    int s[2];
    char room[100];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0);
    CHECK(write(s[1], "a stream of bytes", 17) == 17);
    clean(end);
    CALL(recv(s[0], end - 5, 50, 0));
    show(end, 100);
    struct iovec parts[] = {{room, 3}, {end - 9, 4}, {end, 20}};
    struct msghdr head = {.msg_iov = parts, .msg_iovlen = 3};
    CALL(recvmsg(s[0], &head, 0));
    SHOW(sum(room, 3));
    show(end, 100);
    CALL(recv(s[0], room, 100, 0));
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(write(s[1], "datagram", 8) == 8);
    clean(end);
    CALL(recvmsg(s[0], &head, 0));
    show(end, 100);
    struct mmsghdr many[2] = {{{.msg_iov = &(struct iovec){room, 50}, .msg_iovlen = 1}}, {head}};
    clean(end);
    CALL(recvmmsg(s[0], many, 1, 0, NULL));
    many[0].msg_hdr = head;
    CALL(recvmmsg(s[0], many, 1, 0, NULL));
    show(end, 100);
    CALL(recv(s[0], room, 100, 0));
    CALL(recv(s[0], room, 100, 0));
    // A name that does not fit where it shall go.
    int named = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "here-it-is"};
    CHECK(bind(other, (struct sockaddr *)&name, sizeof name) == 0);
    strcpy(name.sun_path, "the-sender");
    CHECK(bind(named, (struct sockaddr *)&name, sizeof name) == 0);
    strcpy(name.sun_path, "here-it-is");
    CHECK(sendto(named, "from", 4, 0, (struct sockaddr *)&name, sizeof name) == 4);
    socklen_t length = 60;
    clean(end);
    CALL(recvfrom(other, room, 100, 0, (struct sockaddr *)(end - 6), &length));
    show(end, 100);
    SHOW(sum(room, 4));
    length = 4;
    CALL(getsockopt(other, SOL_SOCKET, SO_TYPE, end - 2, &length));
    show(end, 100);
}
static void events(char *end) {
    int p[2];
    CHECK(pipe(p) == 0);
    CHECK(write(p[1], "x", 1) == 1);
    struct pollfd *set = (struct pollfd *)(end - 12);
    clean(end);
    set[0] = (struct pollfd){p[0], POLLIN, 0};
    CALL(poll(set, 2, 0));
    int e = epoll_create1(0);
    for (int i = 0; i < 2; i++)
        CHECK(epoll_ctl(e, EPOLL_CTL_ADD, p[i], &(struct epoll_event){EPOLLIN | EPOLLOUT, {.u64 = 7}}) == 0);
    clean(end);
    CALL(epoll_wait(e, (struct epoll_event *)(end - 17), 4, 0));
    show(end, 100);
    CALL(epoll_wait(e, (struct epoll_event *)(end - 5), 4, 0));
    show(end, 100);
}
int main(void) {
    char *end = page_end();
    pipes(end);
    files(end);
    sockets(end);
    events(end);
    return DONE();
}

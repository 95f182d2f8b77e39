// covers: poll ppoll select pselect6
// stdin: some input\n
// The older ways of asking what is ready.
#include "check.h"
#include <poll.h>
#include <sys/select.h>
#include <time.h>
int main(void) {
    int ends[2];
    CALL(pipe(ends));
    struct pollfd p[4] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}, {99, POLLIN, 0}, {-1, POLLIN, 7}};
    CALL(poll(p, 4, 0));
    for (int i = 0; i < 4; i++)
        printf("%x ", p[i].revents);
    puts("");
    CALL(write(ends[1], "x", 1));
    CALL(ppoll(p, 2, &(struct timespec){1, 0}, NULL));
    printf("%x %x\n", p[0].revents, p[1].revents);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CALL(ppoll(p, 1, &(struct timespec){0, 0}, &set));
    CALL(syscall(SYS_poll, p, 1000000000, 0));
    CALL(ppoll(p, 2, &(struct timespec){0, -1}, NULL));
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[0], &in);
    FD_SET(0, &in);
    FD_SET(ends[1], &out);
    struct timeval t = {1, 0};
    CALL(select(ends[1] + 1, &in, &out, NULL, &t));
    SHOW(FD_ISSET(ends[0], &in));
    SHOW(FD_ISSET(0, &in));
    SHOW(FD_ISSET(ends[1], &out));
    char byte[20];
    CALL(read(ends[0], byte, 1));
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    t = (struct timeval){0, 2000};
    CALL(select(ends[0] + 1, &in, NULL, NULL, &t));
    SHOW(FD_ISSET(ends[0], &in));
    SHOW(t.tv_usec);
    CALL(select(-1, NULL, NULL, NULL, &t));
    // Not open, but below 64: beyond the size of its table of descriptors the kernel does not look.
    close(60);
    FD_SET(60, &in);
    CALL(select(61, &in, NULL, NULL, &t));
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    CALL(pselect(ends[0] + 1, &in, NULL, NULL, &(struct timespec){0, 1000}, &set));
    CALL(pselect(0, NULL, NULL, NULL, &(struct timespec){0, 1000}, NULL));
    CALL(poll(NULL, 0, 2));
    return DONE();
}

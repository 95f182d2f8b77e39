// covers: epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd2
// Readiness with the pointers that the program gave, level and edge, from pipes and event counters.
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
static int things[4] = {10, 20, 30, 40};
static struct epoll_event events[8];
static void wait_for(int e, const char *what) {
    int n = epoll_wait(e, events, 8, 0);
    printf("%s: %d", what, n);
    int total = 0, mask = 0;
    for (int i = 0; i < n; i++) {
        total += *(int *)events[i].data.ptr;
        mask |= events[i].events;
    }
    printf(" things %d mask %x\n", total, mask);
}
static int add(int e, int fd, uint32_t mask, void *ptr) {
    struct epoll_event event = {mask, {.ptr = ptr}};
    return epoll_ctl(e, EPOLL_CTL_ADD, fd, &event);
}
int main(void) {
    int ends[2];
    uint64_t count = 3;
    CALL(epoll_create1(EPOLL_CLOEXEC));
    CALL(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    CALL(pipe2(ends, O_NONBLOCK));
    CALL(add(3, 4, EPOLLIN, things));
    CALL(add(3, 4, EPOLLIN, things));
    CALL(add(3, ends[0], EPOLLIN | EPOLLET, things + 1));
    CALL(add(3, ends[1], EPOLLOUT | EPOLLONESHOT, things + 2));
    CALL(add(3, 99, EPOLLIN, NULL));
    CALL(add(3, 3, EPOLLIN, NULL));
    put_file("f", "x");
    CALL(add(3, open("f", O_RDONLY), EPOLLIN, NULL));
    wait_for(3, "first");
    wait_for(3, "one shot is over");
    CALL(write(4, &count, 8));
    CALL(write(ends[1], "ab", 2));
    wait_for(3, "both");
    wait_for(3, "level stays, edge is over");
    CALL(write(ends[1], "c", 1));
    wait_for(3, "edge again");
    CALL(read(4, &count, 8));
    SHOW(count);
    CALL(read(4, &count, 8));
    wait_for(3, "counter empty");
    struct epoll_event change = {EPOLLOUT, {.ptr = things + 3}};
    CALL(epoll_ctl(3, EPOLL_CTL_MOD, ends[1], &change));
    wait_for(3, "changed");
    CALL(epoll_ctl(3, EPOLL_CTL_DEL, ends[1], NULL));
    CALL(epoll_ctl(3, EPOLL_CTL_DEL, ends[1], NULL));
    wait_for(3, "removed");
    CALL(epoll_wait(3, events, 8, 5));
    CALL(epoll_pwait(3, events, 8, 0, NULL));
    CALL(epoll_pwait2(3, events, 8, &(struct timespec){0, 1000000}, NULL));
    CALL(epoll_wait(3, events, -1, 0));
    CALL(epoll_wait(4, events, 1, 0));
    CALL(eventfd(5, EFD_SEMAPHORE));
    CALL(read(8, &count, 8));
    SHOW(count);
    CALL(read(8, &count, 7));
    close(ends[1]);
    wait_for(3, "hung up");
    CALL(syscall(SYS_epoll_create, 0));
    CALL(close(syscall(SYS_epoll_create, 1)));
    CALL(close(syscall(SYS_eventfd, 1)));
    return DONE();
}

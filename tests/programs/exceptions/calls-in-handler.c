// covers: calls and exceptions inside handlers
// A handler does calls, faults itself, and is interrupted by another.
#include "check.h"
#include <setjmp.h>
static sigjmp_buf inner;
static int steps;
static void segv(int n) {
    steps += 100;
    siglongjmp(inner, 1);
}
static void usr1(int n) {
    char text[8];
    int fd = open("f", O_RDONLY);
    CHECK(read(fd, text, 4) == 4 && close(fd) == 0);
    write(1, text, 4);
    if (!sigsetjmp(inner, 1))
        *(volatile int *)16 = 1;
    steps++;
    raise(SIGUSR2);
    write(1, "usr1 ends\n", 10);
}
static void usr2(int n) {
    steps += 10000;
    write(1, "usr2\n", 5);
}
int main(void) {
    put_file("f", "abc\n");
    signal(SIGSEGV, segv);
    signal(SIGUSR1, usr1);
    signal(SIGUSR2, usr2);
    for (int i = 0; i < 20; i++)
        raise(SIGUSR1);
    SHOW(steps);
    return DONE();
}

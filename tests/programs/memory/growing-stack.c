// covers: read into a stack page not yet touched
// A buffer below the part of the stack that is mapped so far: the kernel grows the stack for it.
#include "check.h"
__attribute__((noinline)) static long fill(int fd) {
    char room[600000];
    long n = read(fd, room, sizeof room);
    return n == sizeof room ? (long)sum(room, sizeof room) : n;
}
int main(void) {
    int fd = open("/dev/zero", O_RDONLY);
    SHOW(fill(fd));
    put_file("f", "short");
    fd = open("f", O_RDONLY);
    SHOW(fill(fd));
    return DONE();
}

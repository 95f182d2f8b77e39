// covers: read into a stack page not yet touched
// A buffer below the part of the stack that is mapped so far: the kernel grows the stack for it.
#include "check.h"
__attribute__((noinline)) static long fill(int fd) {
    char room[600000];
    // A read may be short, as the kernel allows.
    long n, total = 0;
    while ((n = read(fd, room + total, sizeof room - total)) > 0)
        total += n;
    return n == 0 ? total + (long)sum(room, total) : n;
}
int main(void) {
    int fd = open("/dev/zero", O_RDONLY);
    SHOW(fill(fd));
    put_file("f", "short");
    fd = open("f", O_RDONLY);
    SHOW(fill(fd));
    return DONE();
}

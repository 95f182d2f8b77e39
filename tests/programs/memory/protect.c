// covers: mprotect pkey_mprotect
// Rights of pages, seen through calls that touch them.
#include "check.h"
int main(void) {
    CALL(open("/dev/zero", O_RDONLY));
    CALL(open("/dev/null", O_WRONLY));
    char *p = mmap(NULL, 4 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    CHECK(munmap(p + 3 * 4096, 4096) == 0);
    CALL(read(3, p, 1));
    CALL(mprotect(p, 4096, PROT_READ | PROT_WRITE));
    CALL(read(3, p, 1));
    CALL(read(3, p, 5000));
    CALL(mprotect(p + 4096, 8192, PROT_NONE));
    char pipe_byte;
    int ends[2];
    CALL(pipe(ends));
    CALL(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    CALL(write(ends[1], p + 4096, 200));
    CALL(read(ends[0], &pipe_byte, 1));
    CALL(mprotect(p + 1, 4096, PROT_READ));
    CALL(mprotect(p, 4 * 4096, PROT_READ));
    CALL(mprotect((void *)0x1000, 4096, PROT_READ));
    CALL(mprotect(p, 0, PROT_READ));
    CALL(mprotect(p, 4096, 0x1000));
    CALL(mprotect(p, 3 * 4096, PROT_READ | PROT_WRITE));
    memset(p, 5, 3 * 4096);
    SHOW(sum(p, 3 * 4096));
    return DONE();
}

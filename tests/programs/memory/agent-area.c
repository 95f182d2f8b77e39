// covers: munmap mprotect mmap MAP_FIXED address space of the runtime
// token: DONE
// Aims at the address range that a runtime may keep for itself: it must survive, and calls must go on working.
#include "check.h"
#define AREA ((char *)0x3a0000000000)
int main(void) {
    // Natively the area is free, and these succeed; a runtime refuses them. Neither may end the program.
    for (long at = 0; at < 0x100000000; at += 0x1000000) {
        munmap(AREA + at, 0x1000000);
        mprotect(AREA + at, 0x1000000, PROT_NONE);
        madvise(AREA + at, 0x1000000, MADV_DONTNEED);
        mremap(AREA + at, 4096, 8192, MREMAP_MAYMOVE);
    }
    munmap(AREA - 0x1000000, 0x102000000);
    mprotect(AREA, 0x100000000, PROT_NONE);
    mmap(AREA, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mmap(AREA + 0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    // An address that is only a hint is no reason to fail.
    CHECK(mmap(AREA, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    CHECK(getppid() == getppid());
    CHECK(write(1, "", 0) == 0);
    // A call may not read or write there either.
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0);
    for (long at = 0; at < 0x40000000; at += 0x1000000) {
        if (at == 0 || at == 0x10000000)
            continue;
        CHECK(write(fd, AREA + at, 16) == -1 && errno == EFAULT);
        CHECK(pread(fd, AREA + at, 0, 0) <= 0);
    }
    // Nor may it go on into it from below.
    char *below = AREA - 0x3000;
    CHECK(mmap(below, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == below);
    memset(below, 'b', 0x2000);
    CALL(pwrite(fd, below, 0x5000, 0));
    CALL(pwrite(fd, AREA - 0x1000, 16, 0));
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(write(ends[1], below, 0x2000) == 0x2000);
    CALL(read(ends[0], AREA - 0x1010, 100));
    CHECK(mremap(below, 0x2000, 0x10000, 0) == MAP_FAILED || below[0x2000] == 0);
    CHECK(getppid() == getppid());
    return DONE();
}

// covers: madvise mincore mlock munlock mlockall msync
// Advice about pages, and what is resident.
#include "check.h"
int main(void) {
    char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    memset(p, 7, 4 * 4096);
    CALL(madvise(p, 4096, MADV_DONTNEED));
    SHOW(p[0]);
    SHOW(p[4096]);
    CALL(madvise(p, 4 * 4096, MADV_WILLNEED));
    CALL(madvise(p, 4 * 4096, MADV_SEQUENTIAL));
    CALL(madvise(p, 4096, 4711));
    CALL(madvise(p + 1, 4096, MADV_DONTNEED));
    CALL(madvise((void *)0x10000, 4096, MADV_DONTNEED));
    memset(p, 1, 4 * 4096);
    unsigned char resident[4] = "";
    CALL(mincore(p, 4 * 4096, resident));
    SHOW((resident[0] & resident[3]) & 1);
    CALL(mincore(p + 1, 4096, resident));
    CALL(mincore(p, 4096, (void *)8));
    CALL(mincore((void *)0x10000, 4096, resident));
    CALL(mlock(p, 4096));
    CALL(munlock(p, 4096));
    CALL(munlockall());
    CALL(msync(p, 4096, MS_SYNC));
    CALL(msync((void *)0x10000, 4096, MS_SYNC));
    put_file("f", "content of the file");
    CALL(open("f", O_RDONLY));
    char *of_file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, 3, 0);
    CHECK(of_file != MAP_FAILED);
    of_file[0] = 'C';
    CALL(madvise(of_file, 4096, MADV_FREE));
    puts(of_file);
    CALL(madvise(of_file, 4096, MADV_DONTNEED));
    puts(of_file);
    return DONE();
}

// covers: mmap munmap MAP_FIXED MAP_FIXED_NOREPLACE
// Maps of every kind and the errors of mmap; which addresses are free is the kernel's business and not printed.
#include "check.h"
static long map(void *at, size_t n, int prot, int flags, int fd, off_t off) {
    char *p = mmap(at, n, prot, flags, fd, off);
    return p == MAP_FAILED ? -1 : 0;
}
int main(void) {
    put_file("f", "file content here");
    CALL(open("f", O_RDWR));
    char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    SHOW(sum(p, 3 * 4096));
    strcpy(p, "anonymous");
    puts(p);
    CALL(munmap(p + 4096, 4096));
    CHECK(mmap(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, 3, 0) == p + 4096);
    puts(p + 4096);
    CALL(map(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    CALL(munmap(p + 4096, 4096));
    CALL(map(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    CALL(map(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL(map(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0));
    CALL(map(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0));
    CALL(map(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 17));
    CALL(map(p + 1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    CALL(map(NULL, 1ul << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CALL(munmap(p + 1, 4096));
    CALL(munmap(p, 0));
    CALL(open(".", O_RDONLY));
    CALL(map(NULL, 4096, PROT_READ, MAP_PRIVATE, 4, 0));
    CALL(open("f", O_WRONLY));
    CALL(map(NULL, 4096, PROT_READ, MAP_PRIVATE, 5, 0));
    // A private map of a file: writes stay here; a map outlives its descriptor.
    char *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, 3, 0);
    CHECK(q != MAP_FAILED);
    CALL(close(3));
    memcpy(q, "FILE", 4);
    puts(q);
    SHOW(sum(q + 17, 4096 - 17));
    char *again = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("f", O_RDONLY), 0);
    CHECK(again != MAP_FAILED);
    puts(again);
    char *low = mmap((void *)0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    SHOW(low);
    char *hint = mmap((void *)0x20000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(hint);
    char *in32 = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    SHOW((uintptr_t)in32 < 1u << 31);
    CALL(map(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    CALL(map(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
    CALL(map(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_STACK, -1, 0));
    return DONE();
}

// covers: mremap
// Maps grow in place, move with their content, and shrink.
#include "check.h"
int main(void) {
    char *p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    for (int i = 0; i < 16; i++)
        memset(p + i * 4096, i + 1, 4096);
    unsigned long before = sum(p, 4 * 4096);
    CHECK(mremap(p, 16 * 4096, 4 * 4096, 0) == p);
    SHOW(sum(p, 4 * 4096) == before);
    char *q = mremap(p, 4 * 4096, 8 * 4096, 0);
    SHOW(q == p || errno == ENOMEM);
    q = mremap(p, 4 * 4096, 4000 * 4096, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    SHOW(sum(q, 4 * 4096) == before);
    q[3999 * 4096] = 1;
    char *target = mmap(NULL, 4 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(q, 4 * 4096, 4 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    SHOW(sum(target, 4 * 4096) == before);
    SHOW(mremap(target, 4096, 0, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
    SHOW(mremap(target + 1, 4096, 4096, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
    SHOW(mremap((void *)0x10000, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
    char *big = realloc(malloc(1 << 20), 64 << 20);
    memset(big, 3, 64 << 20);
    SHOW(big[(64 << 20) - 1]);
    return DONE();
}

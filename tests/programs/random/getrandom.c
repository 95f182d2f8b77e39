// covers: getrandom AT_RANDOM /dev/urandom
// Random bytes are not equal twice, and all replicas must see the same ones: they are written out, so a difference
// between replicas would stop the run.
#include "check.h"
#include <sys/auxv.h>
#include <sys/random.h>
int main(void) {
    unsigned char a[32], b[32];
    CALL(getrandom(a, 32, 0));
    CALL(getrandom(b, 32, GRND_NONBLOCK));
    SHOW(memcmp(a, b, 32) != 0);
    int null = open("/dev/null", O_WRONLY);
    CALL(write(null, a, 32));
    CALL(write(null, b, 32));
    CALL(write(null, (void *)getauxval(AT_RANDOM), 16));
    int fd = open("/dev/urandom", O_RDONLY);
    CALL(read(fd, b, 32));
    SHOW(memcmp(a, b, 32) != 0);
    CALL(write(null, b, 32));
    static char big[1 << 20];
    ssize_t n = getrandom(big, sizeof big, 0);
    SHOW(n > 0);
    CHECK(write(null, big, n) == n);
    CALL(getrandom(a, 0, 0));
    CALL(getrandom(a, 1, 0x80));
    // Addresses are the same in all replicas too: they go out here, though not into the output that is compared.
    void *stack = &fd, *heap = malloc(10), *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *all[] = {stack, heap, map, (void *)main, (void *)printf};
    CALL(write(null, all, sizeof all));
    return DONE();
}

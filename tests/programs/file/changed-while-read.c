// covers: pread64 pwrite64 read
// A file that the program itself changes between reads of whole megabytes.
#include "check.h"
static char buffer[256 << 10];
int main(void) {
    CALL(open("f", O_RDWR | O_CREAT, 0644));
    unsigned long h = 0;
    for (int round = 0; round < 40; round++) {
        memset(buffer, round, sizeof buffer);
        CHECK(pwrite(3, buffer, sizeof buffer, 0) == sizeof buffer);
        CHECK(lseek(3, 0, SEEK_SET) == 0);
        size_t have = 0;
        while (have < sizeof buffer) {
            ssize_t n = read(3, buffer + have, sizeof buffer - have);
            CHECK(n > 0);
            have += n;
        }
        h = h * 31 + sum(buffer, sizeof buffer);
        if (round % 10 == 9)
            CHECK(ftruncate(3, 0) == 0);
    }
    printf("%lx\n", h);
    return DONE();
}

// covers: readv writev preadv pwritev preadv2 pwritev2 pread64 pwrite64
// Reads and writes at positions and through vectors.
#include "check.h"
#include <sys/uio.h>
int main(void) {
    char a[5] = "", b[9] = "", c[4] = "";
    struct iovec out[] = {{"hello ", 6}, {NULL, 0}, {"wide world", 10}};
    struct iovec in[] = {{a, 4}, {b, 8}, {c, 3}};
    CALL(open("f", O_RDWR | O_CREAT, 0644));
    CALL(writev(3, out, 3));
    CALL(writev(3, out, 0));
    CALL(writev(3, out, -1));
    CALL(writev(3, out, 2000));
    CALL(lseek(3, 0, SEEK_SET));
    CALL(readv(3, in, 3));
    printf("[%s] [%s] [%s]\n", a, b, c);
    CALL(readv(3, in, 3));
    printf("[%s]\n", a);
    CALL(readv(3, in, 3));
    CALL(pwritev(3, out, 3, 4));
    CALL(preadv(3, in, 3, 2));
    printf("[%s] [%s] [%s]\n", a, b, c);
    CALL(lseek(3, 0, SEEK_CUR));
    CALL(preadv(3, in, 3, -1));
    CALL(pwrite(3, "PW", 2, 100));
    CALL(pread(3, b, 8, 98));
    SHOW(sum(b, 8));
    CALL(pread(3, b, 8, 1000));
    CALL(pread(3, b, 8, -5));
    CALL(pread(3, b, 0, 0));
    CALL(lseek(3, 0, SEEK_SET));
    CALL(preadv2(3, in, 3, -1, 0));
    CALL(lseek(3, 0, SEEK_CUR));
    CALL(preadv2(3, in, 2, 5, RWF_HIPRI));
    CALL(preadv2(3, in, 2, 5, 0x40000000));
    CALL(pwritev2(3, out, 1, -1, RWF_APPEND));
    CALL(lseek(3, 0, SEEK_CUR));
    CALL(pwritev2(3, out, 1, 0, RWF_DSYNC));
    int ends[2];
    CALL(pipe(ends));
    CALL(pwrite(ends[1], "x", 1, 0));
    CALL(pread(ends[0], a, 1, 0));
    CALL(writev(ends[1], out, 3));
    CALL(readv(ends[0], in, 3));
    printf("[%s] [%s] [%s]\n", a, b, c);
    struct iovec negative[] = {{a, 1}, {b, (size_t)-1}};
    CALL(readv(3, negative, 2));
    CALL(write(ends[1], "in the pipe", 11));
    CALL(readv(ends[0], negative, 2));
    printf("[%s]\n", a);
    CALL(read(ends[0], b, 8));
    struct iovec many[1024];
    for (int i = 0; i < 1024; i++)
        many[i] = (struct iovec){i % 2 ? "x" : "yz", i % 2 ? 1 : 2};
    CALL(writev(3, many, 1024));
    CALL(writev(3, many, 1025));
    return DONE();
}

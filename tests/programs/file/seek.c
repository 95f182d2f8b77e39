// covers: lseek SEEK_DATA SEEK_HOLE O_APPEND
// Positions, holes and appending.
#include "check.h"
int main(void) {
    CALL(open("f", O_RDWR | O_CREAT, 0644));
    CALL(write(3, "0123456789", 10));
    CALL(lseek(3, 4, SEEK_SET));
    CALL(lseek(3, -2, SEEK_CUR));
    CALL(lseek(3, -3, SEEK_CUR));
    CALL(lseek(3, -1, SEEK_END));
    CALL(lseek(3, 1l << 40, SEEK_SET));
    CALL(lseek(3, 0, 77));
    CALL(lseek(77, 0, SEEK_SET));
    CALL(lseek(3, 100, SEEK_DATA));
    CALL(lseek(3, 0, SEEK_HOLE));
    CALL(pwrite(3, "z", 1, 1 << 20));
    CALL(lseek(3, 0, SEEK_DATA));
    CALL(open("f", O_WRONLY | O_APPEND));
    CALL(write(4, "tail", 4));
    CALL(lseek(4, 0, SEEK_CUR));
    CALL(lseek(4, 0, SEEK_SET));
    CALL(write(4, "more", 4));
    CALL(lseek(4, 0, SEEK_CUR));
    int ends[2];
    CALL(pipe(ends));
    CALL(lseek(ends[0], 0, SEEK_SET));
    return DONE();
}

// covers: read lseek positions
// stdin: first line\nsecond line\nthird line\n
// Positions move once per read, however many replicas there are.
#include "check.h"
int main(void) {
    char text[32] = "";
    CALL(read(0, text, 11));
    fputs(text, stdout);
    CALL(lseek(0, 0, SEEK_CUR));
    CALL(dup(0));
    memset(text, 0, sizeof text);
    CALL(read(3, text, 12));
    fputs(text, stdout);
    CALL(open("/proc/self/fd/0", O_RDONLY));
    CALL(lseek(4, 0, SEEK_CUR));
    memset(text, 0, sizeof text);
    CALL(read(0, text, sizeof text));
    fputs(text, stdout);
    CALL(read(0, text, sizeof text));
    fflush(stdout);
    // A write and a read at the same time on one position.
    CALL(open("f", O_RDWR | O_CREAT, 0644));
    for (int i = 0; i < 50; i++) {
        char line[16];
        int n = sprintf(line, "line %d\n", i);
        CHECK(write(5, line, n) == n);
        CHECK(lseek(5, -n, SEEK_CUR) >= 0);
        CHECK(read(5, text, n) == n && !memcmp(text, line, n));
    }
    CALL(lseek(5, 0, SEEK_CUR));
    return DONE();
}

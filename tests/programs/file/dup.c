// covers: dup dup2 dup3 fcntl F_DUPFD F_DUPFD_CLOEXEC
// Duplicates share a position; numbers are the lowest free ones.
#include "check.h"
int main(void) {
    char byte[4] = "";
    put_file("f", "abcdefghij");
    CALL(open("f", O_RDONLY));
    CALL(dup(3));
    CALL(read(4, byte, 3));
    puts(byte);
    CALL(read(3, byte, 3));
    puts(byte);
    CALL(dup2(3, 10));
    CALL(dup2(3, 3));
    CALL(dup2(77, 10));
    CALL(dup2(77, 77));
    CALL(dup2(3, -1));
    CALL(dup3(3, 3, 0));
    CALL(dup3(3, 12, O_CLOEXEC));
    CALL(dup3(3, 13, 1));
    CALL(fcntl(12, F_GETFD));
    CALL(fcntl(10, F_GETFD));
    CALL(fcntl(3, F_DUPFD, 9));
    CALL(fcntl(3, F_DUPFD_CLOEXEC, 5));
    CALL(fcntl(5, F_GETFD));
    CALL(fcntl(3, F_DUPFD, -1));
    CALL(fcntl(3, F_DUPFD, 1 << 28));
    CALL(close(4));
    CALL(dup(3));
    CALL(read(10, byte, 3));
    puts(byte);
    CALL(lseek(12, 0, SEEK_CUR));
    CALL(close(3));
    CALL(read(10, byte, 3));
    CALL(open("f", O_RDONLY));
    CALL(dup2(1, 20));
    fflush(stdout);
    CALL(write(20, "through 20\n", 11));
    CALL(dup2(3, 0));
    CALL(read(0, byte, 3));
    puts(byte);
    CALL(fcntl(3, 9999));
    CALL(fcntl(99, F_GETFL));
    return DONE();
}

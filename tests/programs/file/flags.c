// covers: fcntl F_SETFL F_GETFL F_SETFD F_SETPIPE_SZ F_GETPIPE_SZ
// Flags of a descriptor and of the file behind it.
#include "check.h"
int main(void) {
    int ends[2];
    CALL(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    SHOW(ends[0]);
    SHOW(ends[1]);
    char byte;
    CALL(read(ends[0], &byte, 1));
    CALL(fcntl(ends[0], F_GETFL));
    CALL(fcntl(ends[0], F_GETFD));
    CALL(fcntl(ends[0], F_SETFD, 0));
    CALL(fcntl(ends[0], F_GETFD));
    CALL(fcntl(ends[1], F_GETPIPE_SZ));
    CALL(fcntl(ends[1], F_SETPIPE_SZ, 4096));
    static char big[8192];
    CALL(write(ends[1], big, 8192));
    CALL(write(ends[1], big, 1));
    CALL(fcntl(ends[0], F_SETFL, 0));
    CALL(fcntl(ends[0], F_GETFL));
    CALL(read(ends[0], big, 8192));
    CALL(open("f", O_RDWR | O_CREAT, 0644));
    CALL(fcntl(5, F_SETFL, O_APPEND));
    CALL(write(5, "one", 3));
    CALL(lseek(5, 0, SEEK_SET));
    CALL(write(5, "two", 3));
    CALL(fcntl(5, F_GETFL));
    CALL(fcntl(5, F_GETOWN));
    CALL(pipe2(ends, 0x1234));
    CALL(pipe((int *)8));
    return DONE();
}

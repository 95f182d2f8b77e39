// covers: sendto recvfrom
// Messages to and from what is no socket are refused, and nothing is written or taken.
#include "check.h"
#include <sys/socket.h>
int main(void) {
    int ends[2];
    char byte;
    CALL(pipe2(ends, O_NONBLOCK));
    CALL(send(ends[1], "x", 1, 0));
    CALL(send(ends[1], "x", 1, MSG_NOSIGNAL));
    CALL(read(ends[0], &byte, 1));
    CALL(write(ends[1], "y", 1));
    CALL(recv(ends[0], &byte, 1, 0));
    CALL(read(ends[0], &byte, 1));
    int file = open("file", O_RDWR | O_CREAT, 0600);
    CALL(send(file, "x", 1, 0));
    CALL(lseek(file, 0, SEEK_END));
    CALL(send(99, "x", 1, 0));
    return DONE();
}

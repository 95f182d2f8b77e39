// covers: open openat creat close
// Flags of open, and the errors of paths.
#include "check.h"
int main(void) {
    char byte;
    CALL(open("none", O_RDONLY));
    CALL(open("made", O_WRONLY | O_CREAT | O_EXCL, 0640));
    CALL(open("made", O_WRONLY | O_CREAT | O_EXCL, 0640));
    CALL(write(3, "abcdef", 6));
    CALL(read(3, &byte, 1));
    CALL(close(3));
    CALL(close(3));
    CALL(open("made", O_RDONLY));
    CALL(write(3, "x", 1));
    CALL(close(3));
    CALL(open("made", O_RDWR | O_TRUNC));
    CALL(lseek(3, 0, SEEK_END));
    CALL(close(3));
    CALL(creat("created", 0600));
    CALL(close(3));
    CALL(mkdir("folder", 0755));
    CALL(open("folder", O_WRONLY));
    CALL(open("folder", O_RDONLY | O_DIRECTORY));
    CALL(openat(3, "inside", O_WRONLY | O_CREAT, 0644));
    CALL(openat(3, "../made", O_RDONLY));
    CALL(openat(99, "inside", O_RDONLY));
    CALL(openat(99, "made/x", O_RDONLY));
    CALL(openat(5, "x", O_RDONLY));
    CALL(symlink("made", "link"));
    CALL(open("link", O_RDONLY | O_NOFOLLOW));
    CALL(open("link", O_PATH | O_NOFOLLOW));
    CALL(symlink("loop", "loop"));
    CALL(open("loop", O_RDONLY));
    CALL(open("", O_RDONLY));
    CALL(open("made/x", O_RDONLY));
    CALL(open("made", O_RDONLY | O_DIRECTORY));
    static char longest[5000];
    memset(longest, 'a', 4999);
    CALL(open(longest, O_RDONLY));
    longest[300] = 0;
    CALL(open(longest, O_RDONLY));
    CALL(open("made", O_RDONLY | O_CLOEXEC));
    CALL(fcntl(7, F_GETFD));
    CALL(fcntl(3, F_GETFD));
    CALL(open("made", O_RDWR | O_NONBLOCK | O_APPEND));
    CALL(fcntl(8, F_GETFL));
    CALL(open("/dev/null", O_RDWR));
    CALL(open("/dev/full", O_WRONLY));
    CALL(write(10, "x", 1));
    CALL(open("/dev/zero", O_RDONLY));
    CALL(read(11, &byte, 1));
    return DONE();
}

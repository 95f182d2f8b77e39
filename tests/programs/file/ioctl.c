// covers: ioctl FIONREAD FIONBIO FIOCLEX TCGETS TIOCGWINSZ
// Requests that files, pipes and non-terminals answer.
#include "check.h"
#include <sys/ioctl.h>
#include <termios.h>
int main(void) {
    int ends[2], n = -1;
    struct termios t;
    struct winsize w;
    put_file("f", "0123456789");
    CALL(open("f", O_RDONLY));
    CALL(pipe(ends));
    CALL(write(ends[1], "abcde", 5));
    CALL(ioctl(ends[0], FIONREAD, &n));
    SHOW(n);
    CALL(ioctl(3, FIONREAD, &n));
    SHOW(n);
    CALL(ioctl(ends[0], FIOCLEX));
    CALL(fcntl(ends[0], F_GETFD));
    CALL(ioctl(ends[0], FIONCLEX));
    CALL(fcntl(ends[0], F_GETFD));
    n = 1;
    CALL(ioctl(ends[0], FIONBIO, &n));
    SHOW((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
    CALL(ioctl(3, TCGETS, &t));
    CALL(ioctl(3, TIOCGWINSZ, &w));
    CALL(isatty(3));
    CALL(ioctl(99, TCGETS, &t));
    CALL(ioctl(3, FIONREAD, (void *)8));
    return DONE();
}

// Says a word and then does calls for ever; ends by itself only when its standard input ends. Not a case of its own.
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
    write(1, "ready\n", 6);
    struct pollfd in = {0, POLLIN, 0};
    for (;;) {
        for (int i = 0; i < 100; i++)
            syscall(SYS_getppid);
        if (argc > 1 && !strcmp(argv[1], "silent")) {
            char byte;
            if (read(0, &byte, 1) <= 0)
                return 0;
        } else if (argc > 1 && !strcmp(argv[1], "spin")) {
            for (;;)
                asm volatile("");
        } else if (poll(&in, 1, 1) == 1) {
            char byte;
            if (read(0, &byte, 1) <= 0)
                return 0;
        }
    }
}

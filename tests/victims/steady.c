// Says a word and then does calls for ever; ends by itself only when its standard input ends. Not a case of its own.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static volatile int rung;
static void ring(int signal) {
    rung += signal != 0;
}
// Takes a record lock and sets a timer, waits for the end of its input, and says whether it still has both.
static int holds(void) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10};
    struct itimerval every = {{0, 50000}, {0, 50000}};
    int file = open("lock", O_RDWR | O_CREAT, 0600);
    char byte;
    signal(SIGALRM, ring);
    if (fcntl(file, F_SETLK, &lock) || setitimer(ITIMER_REAL, &every, NULL))
        return 1;
    write(1, "ready\n", 6);
    while (read(0, &byte, 1) < 0)
        ;
    int before = rung;
    for (int i = 0; i < 300; i++)
        poll(NULL, 0, 1);
    write(1, rung > before ? "rings\n" : "quiet\n", 6);
    if (fork() == 0) {
        write(1, fcntl(file, F_SETLK, &lock) ? "taken\n" : "free\n", 6);
        _exit(0);
    }
    while (wait(NULL) < 0)
        ;
    return 0;
}
// Prints a sum of the strings at the end of the stack.
static int sums(const char *first) {
    unsigned long sum = 0;
    char **last = environ;
    while (last[1])
        last++;
    for (const char *at = first; at < *last + strlen(*last); at++)
        sum = sum * 31 + (unsigned char)*at;
    char digits[17] = {0};
    for (int i = 0; i < 16; i++)
        digits[i] = "0123456789abcdef"[sum >> 4 * i & 15];
    write(1, digits, 16);
    return 0;
}
int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "holds"))
        return holds();
    write(1, "ready\n", 6);
    if (argc > 1 && !strcmp(argv[1], "writes")) {
        // After a word of input, fifty lines, each a call of its own.
        char byte;
        for (int i = read(0, &byte, 1); i <= 50; i++)
            write(1, "a line\n", 7);
        return 0;
    }
    struct pollfd in = {0, POLLIN, 0};
    if (argc > 1 && !strcmp(argv[1], "reads")) {
        static char bytes[65536];
        int file = open("/dev/zero", O_RDONLY);
        usleep(200000);
        for (int i = 0; i < 400; i++)
            read(file, bytes, sizeof bytes);
        usleep(100000);
        write(1, "read\n", 5);
    }
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
                return argc > 1 && (!strcmp(argv[1], "sums") || !strcmp(argv[1], "reads")) ? sums(argv[0]) : 0;
        }
    }
}

// Works for a while in one of several ways and prints what it has found, the same at every run. Not a case of its own.
//
//   table N        N lines, each computed from a table; the first one says where table and code lie
//   busy N         the same with a hundred times the work for each line, and no pause
//   slow N         the same with a sixth of a second of work for each
//   large M        touches M MiB again and again until its input ends
//   descriptors    opens 200 descriptors, waits for a byte of input, and looks at each of them
//   forks N        N children that write a line each, one after the other
//   execs N        executes itself N times, with a line each
//   asks N         N lines, each a sum of a hundred answers of the kernel
//   pipe N         one write of N KiB to standard output
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#define FAIL(what) return fprintf(stderr, "%s: %s (%d)\n", what, strerror(errno), __LINE__), 1

static unsigned long words[8192];
__attribute__((noinline)) static unsigned long turn(unsigned long x) {
    for (int i = 0; i < 8192; i++) {
        words[i] = (words[i] ^ x) * 6364136223846793005ul + 1442695040888963407ul;
        x += words[i] >> 17;
    }
    return x;
}
static int table(int lines, int turns) {
    unsigned long x = 1;
    printf("%p %p\n", (void *)words, (void *)turn);
    for (int i = 0; i < lines; i++) {
        for (int j = 0; j < turns; j++)
            x = turn(x);
        printf("%d %016lx\n", i, x);
        if (turns == 1)
            poll(NULL, 0, 5);
    }
    return 0;
}
static int large(size_t mebibytes) {
    struct pollfd in = {0, POLLIN, 0};
    size_t bytes = mebibytes << 20;
    char *memory = malloc(bytes);
    if (!memory)
        FAIL("malloc");
    memset(memory, 1, bytes);
    printf("ready\n");
    while (poll(&in, 1, 1) == 0)
        for (size_t at = 0; at < bytes; at += 65536)
            memory[at]++;
    printf("%d\n", memory[0] != 0);
    return 0;
}

#define KINDS 5
static int opened[200];
// One of five kinds, each with something to be known by; its second descriptor, if it has one, is `other`.
static int open_one(int number, int *other) {
    char name[32], text[32];
    int two[2], length = sprintf(text, "descriptor %d", number);
    *other = -1;
    switch (number % KINDS) {
    case 0:
    case 1:
        sprintf(name, "file-%d", number);
        two[0] = open(name, O_RDWR | O_CREAT | O_TRUNC | (number % KINDS ? O_APPEND : 0), 0600);
        return two[0] < 0 || write(two[0], text, length) != length || lseek(two[0], number % 7, SEEK_SET) < 0 ? -1 : two[0];
    case 2:
        if (pipe(two) || write(two[1], text, length) != length)
            return -1;
        *other = two[1];
        return two[0];
    case 3:
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, two) || write(two[1], text, length) != length)
            return -1;
        *other = two[1];
        return two[0];
    default:
        return eventfd(number, EFD_NONBLOCK | EFD_CLOEXEC);
    }
}
static int is_right(int number, int fd) {
    char text[32] = "", seen[32] = "";
    unsigned long count = 0;
    int length = sprintf(text, "descriptor %d", number), from = number % 7;
    switch (number % KINDS) {
    case 0:
    case 1:
        return lseek(fd, 0, SEEK_CUR) == from && read(fd, seen, sizeof seen) == length - from && !strcmp(seen, text + from) &&
               !(fcntl(fd, F_GETFL) & O_APPEND) == !(number % KINDS);
    case 2:
    case 3:
        return read(fd, seen, sizeof seen) == length && !strcmp(seen, text);
    default:
        return read(fd, &count, sizeof count) == 8 && count == (unsigned long)number && fcntl(fd, F_GETFD) == FD_CLOEXEC;
    }
}
static int descriptors(void) {
    int others[200], right = 0;
    char byte;
    for (int i = 0; i < 200; i++)
        if ((opened[i] = open_one(i, &others[i])) < 0)
            FAIL("opening");
    printf("ready\n");
    // More than one call to wait in: a leader is lost in one, and the next ones are its successor's.
    for (int i = 0; i < 2; i++)
    {
        while (read(0, &byte, 1) < 0)
            ;
        printf("byte %d\n", i);
    }
    for (int i = 0; i < 200; i++)
        if (is_right(i, opened[i]))
            right++;
        else
            printf("descriptor %d is wrong\n", i);
    for (int i = 0; i < 200; i++)
        if (close(opened[i]) || (others[i] >= 0 && close(others[i])))
            FAIL("close");
    printf("%d right, next %d\n", right, dup(0));
    return 0;
}
static int asks(int lines) {
    for (int i = 0; i < lines; i++) {
        long sum = 0;
        for (int j = 0; j < 100; j++)
            sum = sum * 3 + getpriority(PRIO_PROCESS, 0);
        printf("%d %lx\n", i, sum);
    }
    return 0;
}
static int forks(int count) {
    int status, sum = 0;
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0)
            FAIL("fork");
        if (child == 0) {
            printf("child %d\n", i);
            exit(i & 63);
        }
        if (waitpid(child, &status, 0) != child)
            FAIL("waitpid");
        sum += WEXITSTATUS(status);
    }
    printf("sum %d\n", sum);
    return 0;
}
static int execs(char **argv, int left) {
    char text[16], *args[] = {argv[0], argv[1], text, NULL};
    printf("program %d\n", left);
    if (left == 0)
        return 0;
    sprintf(text, "%d", left - 1);
    execv("/proc/self/exe", args);
    FAIL("execv");
}
static int one_write(size_t kibibytes) {
    size_t bytes = kibibytes << 10;
    unsigned *memory = malloc(bytes);
    if (!memory)
        FAIL("malloc");
    for (size_t i = 0; i < bytes / 4; i++)
        memory[i] = (unsigned)i * 2654435761u;
    for (size_t done = 0; done < bytes;) {
        ssize_t got = write(1, (char *)memory + done, bytes - done);
        if (got < 0 && errno != EINTR)
            FAIL("write");
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}
int main(int argc, char **argv) {
    int number = argc > 2 ? atoi(argv[2]) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2)
        return 2;
    switch (argv[1][0]) {
    case 't':
        return table(number, 1);
    case 'a':
        return asks(number);
    case 's':
        return table(number, 12000);
    case 'b':
        return table(number, 100);
    case 'l':
        return large((size_t)number);
    case 'd':
        return descriptors();
    case 'f':
        return forks(number);
    case 'e':
        return execs(argv, number);
    default:
        return one_write((size_t)number);
    }
}

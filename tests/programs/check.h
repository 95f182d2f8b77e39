// What every program uses: a call with its result and errno on a line, a claim that must hold, the last token.
// Only what is equal in every run may be printed: no address, process id or time of day.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// Prints the result of a call, and the name of errno if it is -1.
#define CALL(...) check_print(#__VA_ARGS__, (long)(__VA_ARGS__))

static inline long check_print(const char *text, long result) {
    int error = errno;
    if (result == -1)
        printf("%s = -1 %s\n", text, strerrorname_np(error));
    else
        printf("%s = %ld\n", text, result);
    return result;
}

// Prints a number.
#define SHOW(...) printf("%s is %ld\n", #__VA_ARGS__, (long)(__VA_ARGS__))

// Ends the program with status 99 if the claim does not hold.
#define CHECK(...)                                                                                       \
    do {                                                                                                 \
        if (!(__VA_ARGS__)) {                                                                            \
            printf("line %d: %s does not hold, errno %s\n", __LINE__, #__VA_ARGS__, strerrorname_np(errno)); \
            fflush(stdout);                                                                              \
            _exit(99);                                                                                   \
        }                                                                                                \
    } while (0)

// The last line.
#define DONE() (puts("DONE"), fflush(stdout), 0)

// Two pages of which the second cannot be touched; returns the end of the first.
static inline char *page_end(void) {
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    CHECK(munmap(at + 4096, 4096) == 0);
    return at + 4096;
}

// A file with the given content.
static inline void put_file(const char *name, const char *content) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0);
    CHECK(write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    CHECK(close(fd) == 0);
}

// FNV-1a over bytes, to show much data in a few.
static inline unsigned long sum(const void *data, size_t length) {
    const unsigned char *p = data;
    unsigned long h = 0xcbf29ce484222325;
    for (size_t i = 0; i < length; i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

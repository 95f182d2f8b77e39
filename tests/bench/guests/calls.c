/* What a system call costs, seen from inside a guest.
 *
 * usage: calls FILE WINDOWS PERCENT [CASE...]
 *
 * For each case: WINDOWS windows of a fixed number of calls (scaled by PERCENT), the clock read once before and once
 * after each window, and a line "name median min max calls" in nanoseconds per call. With 0 windows it prints nothing:
 * the difference of two runs is the cost seen from outside. FILE has at least 16 MiB and is only read. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum { BIG = 64 * 1024, MAX_WINDOWS = 1000 };

static char buffer[BIG] __attribute__((aligned(4096)));
static const char *path;
static int file, zero, null;
static void *page;

static void do_getppid(void) { getppid(); }
static void do_getpriority(void) { getpriority(PRIO_PROCESS, 0); }
static void do_clock(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
}
static void do_read_1(void) { if (read(zero, buffer, 1) != 1) abort(); }
static void do_pread_4k(void) { if (pread(file, buffer, 4096, 0) != 4096) abort(); }
static void do_pread_64k(void) { if (pread(file, buffer, BIG, 0) != BIG) abort(); }
static void do_read_64k(void) { if (read(file, buffer, BIG) != BIG) abort(); }
static void do_write_1(void) { if (write(null, buffer, 1) != 1) abort(); }
static void do_write_4k(void) { if (write(null, buffer, 4096) != 4096) abort(); }
static void do_write_64k(void) { if (write(null, buffer, BIG) != BIG) abort(); }
static void do_open_close(void) {
    int fd = open("/dev/null", O_RDONLY);
    if (fd < 0 || close(fd) != 0) abort();
}
static void do_access(void) { if (access(path, R_OK) != 0) abort(); }
static void do_madvise(void) { if (madvise(page, 4096, MADV_NORMAL) != 0) abort(); }

/* A call site that cannot be replaced by a five-byte jump: both the call and the instruction after it are targets of
 * jumps, so neither may end up in the middle of another instruction. */
static void do_signal_path(void) {
    long result = SYS_getppid;
    __asm__ volatile("test %%rax, %%rax\n"
                     "jz 2f\n"
                     "jmp 1f\n"
                     "ud2\n"
                     "1: syscall\n"
                     "2: jmp 3f\n"
                     "ud2\n"
                     "3:\n"
                     : "+a"(result)
                     :
                     : "rcx", "r11", "memory");
    if (result < 0) abort();
}

/* The way compilers read the counter, which the agent patches as it does calls. */
static void do_rdtsc(void) {
    static volatile unsigned long long ticks;
    ticks = __rdtsc();
}

static const struct {
    const char *name;
    void (*call)(void);
    int calls;
} cases[] = {
    {"getppid", do_getppid, 2000},        {"getpriority", do_getpriority, 2000},
    {"clock_gettime", do_clock, 2000},    {"read 1 B", do_read_1, 2000},
    {"pread 4 KiB", do_pread_4k, 1000},   {"pread 64 KiB", do_pread_64k, 200}, {"read 64 KiB", do_read_64k, 200},
    {"write 1 B", do_write_1, 2000},      {"write 4 KiB", do_write_4k, 1000},  {"write 64 KiB", do_write_64k, 200},
    {"open+close", do_open_close, 500},   {"access", do_access, 1000},        {"madvise", do_madvise, 2000},
    {"signal path", do_signal_path, 500}, {"rdtsc", do_rdtsc, 2000},
};

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int chosen(const char *name, int argc, char **argv) {
    if (argc <= 4) return 1;
    for (int i = 4; i < argc; i++)
        if (strcmp(name, argv[i]) == 0) return 1;
    return 0;
}

int main(int argc, char **argv) {
    static double samples[MAX_WINDOWS];
    if (argc < 4) return 2;
    path = argv[1];
    int windows = atoi(argv[2]), percent = atoi(argv[3]);
    if (windows > MAX_WINDOWS) windows = MAX_WINDOWS;
    file = open(path, O_RDONLY);
    zero = open("/dev/zero", O_RDONLY);
    null = open("/dev/null", O_WRONLY);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (file < 0 || zero < 0 || null < 0 || page == MAP_FAILED) return 3;
    memset(buffer, 'x', sizeof buffer);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        if (!chosen(cases[c].name, argc, argv)) continue;
        int calls = cases[c].calls * percent / 100;
        if (calls < 1) calls = 1;
        for (int w = -1; w < windows; w++) { /* window -1 warms up */
            if (lseek(file, 0, SEEK_SET) != 0) return 4;
            double begin = now_ns();
            for (int i = 0; i < calls; i++) cases[c].call();
            if (w >= 0) samples[w] = (now_ns() - begin) / calls;
        }
        if (windows == 0) continue;
        qsort(samples, windows, sizeof samples[0], compare);
        printf("%s\t%.1f\t%.1f\t%.1f\t%d\n", cases[c].name, samples[windows / 2], samples[0], samples[windows - 1], calls);
    }
    return 0;
}

/* What touching memory costs, seen from inside a guest.
 *
 * usage: touch MIB SWEEPS small|huge|plain
 *
 * Maps MIB of private memory, asks for small pages, for huge ones, or for nothing, writes a word to every 4 KiB page once
 * (the kernel finds and clears the page) and then SWEEPS times more, in an order that no prefetcher follows. Prints
 * nanoseconds per page of the first and of the later sweeps, and how many KiB came as huge pages. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, HUGE = 2 << 20 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

/* KiB of huge pages in the mapping that contains an address. */
static long huge_kib(const char *address) {
    FILE *maps = fopen("/proc/self/smaps", "r");
    if (!maps) return -1;
    char line[512];
    long kib = 0;
    int inside = 0;
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3)
            inside = start <= (uintptr_t)address && (uintptr_t)address < end;
        else if (inside && sscanf(line, "AnonHugePages: %ld", &kib) == 1)
            break;
    }
    fclose(maps);
    return kib;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    size_t bytes = strtoul(argv[1], NULL, 10) << 20, pages = bytes / PAGE;
    int sweeps = atoi(argv[2]);
    char *memory = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || pages == 0) return 1;
    memory += HUGE - (uintptr_t)memory % HUGE;
    if (!strcmp(argv[3], "small")) madvise(memory, bytes, MADV_NOHUGEPAGE);
    if (!strcmp(argv[3], "huge")) madvise(memory, bytes, MADV_HUGEPAGE);
    double begin = now();
    for (size_t page = 0; page < pages; page++) *(volatile uint64_t *)(memory + page * PAGE) = page;
    double filled = now();
    /* A step without a common factor with the number of pages visits every page once. */
    size_t step = pages / 2 | 1, place = 0;
    for (int sweep = 0; sweep < sweeps; sweep++)
        for (size_t page = 0; page < pages; page++) {
            place = (place + step + 2) % pages;
            *(volatile uint64_t *)(memory + place * PAGE + page % 64 * 64) += page;
        }
    double end = now();
    printf("%.2f\t%.2f\t%ld\n", (filled - begin) / pages, sweeps ? (end - filled) / pages / sweeps : 0, huge_kib(memory));
    return 0;
}

// covers: many small calls
// A long mix of calls, so that rings of the log wrap many times.
#include "check.h"
#include <time.h>
int main(void) {
    unsigned long h = 0;
    char text[4096];
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    CHECK(fd == 3);
    for (int i = 0; i < 20000; i++) {
        struct timespec t;
        struct stat s;
        switch (i % 7) {
        case 0: CHECK(syscall(SYS_clock_gettime, 1, &t) == 0); break;
        case 1: CHECK(pwrite(3, &i, 4, i % 4096) == 4); break;
        case 2: CHECK(fstat(3, &s) == 0); h = h * 31 + s.st_size; break;
        case 3: h = h * 31 + pread(3, text, i % 4096, i % 100); break;
        case 4: CHECK(getppid() > 0); break;
        case 5: CHECK(access("none", F_OK) == -1); break;
        case 6: CHECK(mprotect((void *)((uintptr_t)text & -4096), 4096, PROT_READ | PROT_WRITE) == 0); break;
        }
    }
    printf("%lx\n", h);
    return DONE();
}

// covers: write pipe2 fork
// One large write into a pipe whose reader takes its time: the kernel copies the bytes while the writer sleeps.
#include "check.h"
#include <sys/wait.h>
enum { SIZE = 2 << 20 };
static unsigned char bytes[SIZE];
int main(void) {
    int ends[2], status;
    for (int i = 0; i < SIZE; i++)
        bytes[i] = i * 2654435761u >> 24;
    CHECK(pipe(ends) == 0);
    if (fork() == 0) {
        unsigned char part[4096];
        unsigned long sum = 1;
        ssize_t got;
        close(ends[1]);
        while ((got = read(ends[0], part, sizeof part)) > 0) {
            for (ssize_t i = 0; i < got; i++)
                sum = (sum ^ part[i]) * 1099511628211ul;
        }
        printf("%lx\n", sum);
        fflush(stdout);
        _exit(0);
    }
    close(ends[0]);
    CHECK(write(ends[1], bytes, SIZE) == SIZE);
    close(ends[1]);
    CHECK(wait(&status) > 0 && status == 0);
    return DONE();
}

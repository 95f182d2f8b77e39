// covers: mmap MAP_SHARED MAP_ANONYMOUS fork
// Memory that parent and child share, used by one after the other.
#include "check.h"
#include <sys/wait.h>
int main(void) {
    int *cell = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(cell != MAP_FAILED && own != MAP_FAILED);
    *cell = *own = 1;
    pid_t child = fork();
    if (child == 0) {
        *cell += 10;
        *own += 10;
        _exit(*own);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    SHOW(WEXITSTATUS(status));
    SHOW(*cell);
    SHOW(*own);
    return DONE();
}

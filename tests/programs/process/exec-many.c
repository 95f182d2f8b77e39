// covers: execve often
// args: 0
// Sixty programs in a row, with memory mapped in each.
#include "check.h"
int main(int argc, char **argv) {
    int n = atoi(argv[1]);
    if (n == 60)
        return DONE();
    char text[16], *args[] = {argv[0], text, NULL};
    sprintf(text, "%d", n + 1);
    memset(malloc(1 << 20), 1, 1 << 20);
    CHECK(mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    execv(argv[0], args);
    return 1;
}

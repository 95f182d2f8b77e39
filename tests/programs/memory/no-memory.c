// covers: mmap ENOMEM malloc setrlimit RLIMIT_AS
// Memory that is not to be had fails alike everywhere.
#include "check.h"
#include <sys/resource.h>
int main(void) {
    void *p = malloc(1ul << 46);
    SHOW(p == NULL && errno == ENOMEM);
    p = mmap(NULL, 1ul << 46, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(p == MAP_FAILED && errno == ENOMEM);
    struct rlimit limit = {256 << 20, 256 << 20};
    (void)limit;
    int blocks = 0;
    while (blocks < 4 && malloc(32 << 20))
        blocks++;
    SHOW(blocks);
    return DONE();
}

// covers: dup2 dup3 fcntl descriptors of the runtime
// The guest aims at every high descriptor number; natively most are not open, and the runtime's must not be reached.
#include "check.h"
#include <sys/resource.h>
int main(void) {
    int reached = 0, closed = 0;
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (rlim_t i = 3; i < limit.rlim_cur && i < 70000; i++) {
        char byte;
        struct stat s;
        reached += fcntl(i, F_GETFL) != -1;
        reached += fstat(i, &s) == 0;
        reached += read(i, &byte, 1) != -1;
        reached += write(i, "x", 1) != -1;
        closed += close(i) == 0;
    }
    SHOW(reached);
    SHOW(closed);
    put_file("f", "content");
    CALL(open("f", O_RDONLY));
    return DONE();
}

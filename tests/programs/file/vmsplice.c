// covers: vmsplice
// Pages given to a pipe: natively they arrive; a runtime may refuse, because they would stay shared, but only with ENOSYS.
#include "check.h"
#include <sys/uio.h>
int main(void) {
    char text[64] = "";
    int ends[2];
    CHECK(pipe(ends) == 0);
    struct iovec v[] = {{"vm", 2}, {"splice", 6}};
    if (vmsplice(ends[1], v, 2, 0) == -1)
        CHECK(errno == ENOSYS || errno == EPERM);
    else
        CHECK(read(ends[0], text, sizeof text) == 8 && !strcmp(text, "vmsplice"));
    return DONE();
}

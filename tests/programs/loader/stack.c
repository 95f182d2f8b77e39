// covers: stack growth
// variants: pie static
// The stack grows on demand to megabytes, and its limit is as inherited.
#include "check.h"
#include <sys/resource.h>
static long deep(int level) {
    volatile char room[4096];
    memset((char *)room, level, sizeof room);
    return level ? deep(level - 1) + room[17] : 0;
}
int main(void) {
    SHOW(deep(1500));
    struct rlimit limit;
    CALL(getrlimit(RLIMIT_STACK, &limit));
    SHOW(limit.rlim_cur);
    return DONE();
}

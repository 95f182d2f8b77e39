// covers: getrlimit setrlimit prlimit64 RLIMIT_NOFILE RLIMIT_CORE RLIMIT_FSIZE
// Limits as inherited; a lower number of descriptors binds, and the runtime's own do not count.
#include "check.h"
#include <sys/resource.h>
int main(void) {
    struct rlimit l;
    for (int i = 0; i < 16; i++) {
        CHECK(getrlimit(i, &l) == 0);
        if (i != RLIMIT_SIGPENDING && i != RLIMIT_NPROC)
            printf("limit %d: %lx %lx\n", i, l.rlim_cur, l.rlim_max);
    }
    CALL(getrlimit(99, &l));
    CALL(getrlimit(RLIMIT_NOFILE, &l));
    l.rlim_cur = 20;
    CALL(setrlimit(RLIMIT_NOFILE, &l));
    CALL(getrlimit(RLIMIT_NOFILE, &l));
    SHOW(l.rlim_cur);
    int n = 0;
    while (dup(0) >= 0)
        n++;
    SHOW(n);
    CALL(open("f", O_CREAT | O_RDWR, 0644));
    int ends[2];
    CALL(pipe(ends));
    CALL(dup2(0, 20));
    CALL(close(7));
    CALL(open("f", O_CREAT | O_RDWR, 0644));
    CALL(fcntl(0, F_DUPFD, 20));
    struct rlimit old, new = {100, 200};
    CALL(prlimit(0, RLIMIT_NOFILE, &new, &old));
    SHOW(old.rlim_cur);
    CALL(dup(0));
    CALL(dup2(0, 99));
    CALL(dup2(0, 100));
    CALL(prlimit(0, RLIMIT_NOFILE, &(struct rlimit){50, 40}, NULL));
    CALL(sysconf(_SC_OPEN_MAX));
    CALL(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}));
    CALL(getrlimit(RLIMIT_CORE, &l));
    SHOW(l.rlim_max);
    // Behind the output that is buffered so far, so that it is not cut itself.
    signal(SIGXFSZ, SIG_IGN);
    CALL(setrlimit(RLIMIT_FSIZE, &(struct rlimit){100000, 100000}));
    CALL(pwrite(7, "twelve bytes", 12, 99994));
    CALL(pwrite(7, "x", 1, 100000));
    CALL(ftruncate(7, 100001));
    return DONE();
}

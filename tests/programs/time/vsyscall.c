// covers: vsyscall gettimeofday time getcpu
// needs: vsyscall
// The old fixed page: three calls at fixed addresses, still emulated by the kernel.
#include "check.h"
#include <sys/time.h>
int main(void) {
    int (*old_gettimeofday)(struct timeval *, void *) = (void *)0xffffffffff600000;
    time_t (*old_time)(time_t *) = (void *)0xffffffffff600400;
    struct timeval a, b;
    for (int i = 0; i < 10; i++) {
        CHECK(gettimeofday(&a, NULL) == 0);
        CHECK(old_gettimeofday(&b, NULL) == 0);
        CHECK(b.tv_sec * 1000000ll + b.tv_usec >= a.tv_sec * 1000000ll + a.tv_usec);
        time_t seconds = 0, result = old_time(&seconds);
        CHECK(result == seconds && result >= a.tv_sec - 1);
    }
    return DONE();
}

/* The smallest guest worth replicating: it asks the kernel for something that differs between processes (its process
 * id, the time, random bytes) and tells whether it got it, then writes one line. */
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    unsigned char random[8];
    struct timespec now;
    if (getrandom(random, sizeof random, 0) != sizeof random || clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return 1;
    }
    printf("hello from process %d at %lld, random", (int)getpid(), (long long)now.tv_sec);
    for (size_t i = 0; i < sizeof random; i++) {
        printf(" %02x", random[i]);
    }
    printf("\n");
    return 0;
}

// covers: SIGTERM default action while the program is busy without calls
// signal: SIGTERM
// token: none
// A signal that ends a program ends one that makes no calls, too.
#include "check.h"
int main(void) {
    fflush(stdout);
    pid_t busy = getpid();
    if (fork() == 0) {
        usleep(50000);
        kill(busy, SIGTERM);
        _exit(0);
    }
    for (volatile unsigned long i = 0;; i++)
        ;
}

// covers: futex set_robust_list get_robust_list membarrier
// Futexes of a single thread: wake nobody, compare, time out.
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <time.h>
int main(void) {
    int word = 5;
    CALL(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    CALL(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 4, NULL, NULL, 0));
    CALL(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 5, &(struct timespec){0, 1000000}, NULL, 0));
    CALL(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 5, &(struct timespec){1, 0}, NULL, -1));
    CALL(syscall(SYS_futex, (int *)8, FUTEX_WAIT, 5, NULL, NULL, 0));
    CALL(syscall(SYS_futex, (char *)&word + 1, FUTEX_WAIT, 5, NULL, NULL, 0));
    CALL(syscall(SYS_futex, &word, 99, 5, NULL, NULL, 0));
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    pthread_mutex_lock(&lock);
    SHOW(pthread_cond_timedwait(&never, &lock, &t));
    SHOW(pthread_mutex_trylock(&lock));
    void *head;
    size_t length;
    CALL(syscall(SYS_get_robust_list, 0, &head, &length));
    SHOW(length);
    return DONE();
}

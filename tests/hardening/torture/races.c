// Threads that change the same variables: volatile without a lock, atomic, and under a lock. None of it is a fault.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { THREADS = 4, ROUNDS = 100000 };
static volatile int raced;
static atomic_long counted;
static long locked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        if (raced-- == 1) raced = 7;
        counted += i & 3;
        pthread_mutex_lock(&lock);
        locked++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("%ld %ld\n", (long)counted, locked);
    return 0;
}

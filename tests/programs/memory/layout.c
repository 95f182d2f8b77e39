// covers: mmap MAP_32BIT munmap mremap setrlimit RLIMIT_STACK RLIMIT_AS SIGSEGV si_code
// Where the kernel puts mappings, as far as it does not matter: replicas pass the addresses on, so they must be equal.
#include "check.h"
#include <setjmp.h>
#include <sys/resource.h>
static void *map(size_t bytes, int flags) {
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    CHECK(at != MAP_FAILED);
    *(char *)at = 1;
    return at;
}
// Addresses that an odd hole would change.
static void some(void) {
    char *all[3];
    for (int i = 0; i < 3; i++)
        all[i] = map(4096 << 4 * i, 0);
    for (int i = 0; i < 3; i++)
        CHECK(munmap(all[i], 4096 << 4 * i) == 0);
}
static void low(void) {
    char *all[40];
    for (int i = 0; i < 40; i++) {
        all[i] = map(4096 * (1 + i * 7), MAP_32BIT);
        CHECK((uintptr_t)all[i] < 1ul << 31);
    }
    for (int i = 0; i < 40; i += 2)
        CHECK(munmap(all[i], 4096 * (1 + i * 7)) == 0);
    char *again = map(100000, MAP_32BIT);
    CHECK((uintptr_t)again < 1ul << 31);
    CHECK(mmap(NULL, 3ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0) == MAP_FAILED);
}
// High up, where programs seldom map anything.
static void high(void) {
    char *wanted = (char *)0x7e0000000000;
    CHECK(map(4096, 0) != NULL);
    CHECK(mmap(wanted, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == wanted);
    memset(wanted, 7, 1 << 20);
    some();
    CHECK(munmap(wanted + (1 << 19), 1 << 18) == 0);
    some();
    char *moved = mremap(wanted, 1 << 18, 1 << 22, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED && moved[100] == 7);
    some();
    CHECK(munmap(wanted, 1 << 20) == 0);
    some();
}
static sigjmp_buf back;
static volatile int code;
static void handler(int n, siginfo_t *info, void *context) {
    code = info->si_code;
    siglongjmp(back, 1);
}
__attribute__((noinline)) static long deep(long n) {
    volatile char room[4000];
    room[n % 4000] = n;
    return n ? deep(n - 1) + (room[n % 4000] == (char)n) : 0;
}
__attribute__((noinline)) static long into_stack(int fd, size_t bytes) {
    char room[bytes];
    long n, total = 0;
    while ((n = read(fd, room + total, bytes - total)) > 0)
        total += n;
    return n == 0 ? total + (long)sum(room, total) : n;
}
static void stack(void) {
    struct rlimit was, now;
    CHECK(getrlimit(RLIMIT_STACK, &was) == 0);
    now = was;
    now.rlim_cur = 64 << 20;
    CALL(setrlimit(RLIMIT_STACK, &now));
    SHOW(deep(10000));
    SHOW(into_stack(open("/dev/zero", O_RDONLY), 20 << 20));
    CHECK(getrlimit(RLIMIT_STACK, &now) == 0);
    SHOW(now.rlim_cur);
    CHECK(prlimit(0, RLIMIT_STACK, &was, &now) == 0);
    SHOW(now.rlim_cur);
    CALL(prlimit(0, RLIMIT_STACK, &(struct rlimit){2, 1}, NULL));
}
static void space(void) {
    struct rlimit limit;
    CALL(getrlimit(RLIMIT_AS, &limit));
    SHOW(limit.rlim_cur == RLIM_INFINITY);
    limit.rlim_cur = 1 << 30;
    CALL(setrlimit(RLIMIT_AS, &limit));
    CALL(getrlimit(RLIMIT_AS, &limit));
    SHOW(limit.rlim_cur);
    CHECK(mmap(NULL, 2ul << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED);
    SHOW(errno == ENOMEM);
    map(64 << 20, 0);
    CALL(syscall(SYS_getrlimit, RLIMIT_AS, 0));
    CALL(syscall(SYS_setrlimit, RLIMIT_AS, 0));
    CALL(syscall(SYS_prlimit64, 0, RLIMIT_AS, NULL, NULL));
}
int main(void) {
    some();
    low();
    high();
    stack();
    space();
    stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
    CHECK(sigaltstack(&other, NULL) == 0);
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &a, NULL) == 0);
    if (sigsetjmp(back, 1) == 0)
        deep(1000000);
    SHOW(code == SEGV_MAPERR);
    if (sigsetjmp(back, 1) == 0)
        *(volatile char *)0x7d0000000000 = 1;
    SHOW(code == SEGV_MAPERR);
    return DONE();
}

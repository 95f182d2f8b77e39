// covers: SIGSEGV stack overflow SA_ONSTACK
// Endless recursion is caught on the alternate stack.
#include "check.h"
#include <setjmp.h>
#include <sys/resource.h>
static sigjmp_buf back;
static void handler(int n) { siglongjmp(back, 1); }
__attribute__((noinline)) static int recurse(int n) {
    volatile char room[1000];
    room[n % 1000] = n;
    return recurse(n + 1) + room[0];
}
int main(void) {
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    CALL(sigaltstack(&stack, NULL));
    struct sigaction a = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    CALL(sigaction(SIGSEGV, &a, NULL));
    if (sigsetjmp(back, 1) == 0)
        recurse(0);
    else
        puts("caught");
    return DONE();
}

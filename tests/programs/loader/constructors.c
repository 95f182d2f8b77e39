// covers: init_array fini_array atexit ifunc
// variants: pie no-pie static static-pie
// Constructors with arguments before main, in order; destructors and atexit after it.
#include "check.h"
__attribute__((constructor(101))) static void one(int argc, char **argv, char **env) {
    printf("constructor 101 with %d arguments, %s\n", argc, argv[argc] == NULL && env == argv + argc + 1 ? "in place" : "lost");
}
__attribute__((constructor(102))) static void two(void) { puts("constructor 102"); }
__attribute__((destructor)) static void last(void) { puts("DONE"); }
static void leaving(void) { puts("atexit"); }
int main(void) {
    atexit(leaving);
    puts("main");
    return 0;
}

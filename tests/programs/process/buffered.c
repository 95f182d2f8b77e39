// covers: exit_group stdio
// token: the end
// What is buffered goes out at exit, once, in order.
#include "check.h"
static void last(void) { fputs("the end\n", stdout); }
int main(void) {
    atexit(last);
    for (int i = 0; i < 20000; i++)
        printf("line %d\n", i);
    fprintf(stderr, "to standard error\n");
    return 0;
}

// covers: execve of other programs
// token: through echo
// A different program: all of the old one is gone.
#include "check.h"
int main(void) {
    char *args[] = {"echo", "through echo", NULL}, *env[] = {NULL};
    puts("before");
    fflush(stdout);
    execve("/bin/echo", args, env);
    return 1;
}

// covers: execve script
// token: script done
// A script by exec: interpreter, its one argument, the path, the rest.
#include "check.h"
int main(void) {
    put_file("s", "#!/bin/sh -e\necho \"$0 $1 $2 $#\"\ntest -e /proc/self/exe\necho script done\n");
    CHECK(chmod("s", 0755) == 0);
    char *args[] = {"ignored", "one word", "two", NULL}, *env[] = {"PATH=/usr/bin:/bin", NULL};
    execve("./s", args, env);
    return 1;
}

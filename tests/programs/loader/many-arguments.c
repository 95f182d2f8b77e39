// covers: execve argv
// Two megabytes would be refused; 100 kilobytes of arguments and environment arrive whole.
#include "check.h"
int main(int argc, char **argv, char **envp) {
    if (argc == 1) {
        static char *args[2002], *env[502];
        args[0] = argv[0];
        for (int i = 1; i < 2001; i++) {
            args[i] = malloc(64);
            sprintf(args[i], "argument number %d and some more letters", i);
        }
        for (int i = 0; i < 501; i++) {
            env[i] = malloc(64);
            sprintf(env[i], "VARIABLE_%d=value %d", i, i * i);
        }
        env[501] = NULL;
        CALL(execve(argv[0], args, env));
        return 1;
    }
    unsigned long h = 0;
    for (int i = 1; i < argc; i++)
        h = h * 31 + sum(argv[i], strlen(argv[i]));
    int count = 0;
    for (char **e = envp; *e; e++, count++)
        h = h * 31 + sum(*e, strlen(*e));
    SHOW(argc);
    SHOW(count);
    printf("%lx\n", h);
    return DONE();
}

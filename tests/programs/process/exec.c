// covers: execve execveat fexecve
// variants: pie static no-pie
// env: STAGE=0
// The program replaces itself again and again, with other arguments and another environment; descriptors, folder,
// umask, ignored signals and the mask stay, handlers and close-on-exec descriptors do not.
#include "check.h"
static void handler(int n) {}
static void facts(void) {
    struct sigaction a;
    sigset_t mask;
    sigprocmask(0, NULL, &mask);
    sigaction(SIGUSR1, NULL, &a);
    printf("usr1 %s,", a.sa_handler == SIG_DFL ? "default" : a.sa_handler == SIG_IGN ? "ignored" : "handled");
    sigaction(SIGUSR2, NULL, &a);
    printf(" usr2 %s,", a.sa_handler == SIG_DFL ? "default" : a.sa_handler == SIG_IGN ? "ignored" : "handled");
    mode_t m = umask(0);
    umask(m);
    char cwd[4096], *last = strrchr(getcwd(cwd, sizeof cwd), '/');
    printf(" term blocked %d, umask %o, in %s, descriptors", sigismember(&mask, SIGTERM), m, strcmp(last, "/d") ? "." : last);
    for (int i = 0; i < 30; i++)
        if (fcntl(i, F_GETFD) != -1)
            printf(" %d", i);
    puts("");
}
int main(int argc, char **argv) {
    int stage = atoi(getenv("STAGE"));
    char next[16], first[32], pid[32];
    sprintf(next, "STAGE=%d", stage + 1);
    printf("stage %d: %d arguments, last %s, extra %s\n", stage, argc, argc > 1 ? argv[argc - 1] : "none", getenv("EXTRA") ?: "none");
    facts();
    if (getenv("OLD"))
        SHOW(atoi(getenv("OLD")) == getpid());
    sprintf(pid, "OLD=%d", getpid());
    sprintf(first, "argument %d", stage);
    char *env[] = {next, pid, stage % 2 ? "EXTRA=odd" : NULL, NULL};
    char *args[] = {argv[0], first, "more", NULL};
    char exe[4096] = "";
    CHECK(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
    fflush(stdout);
    switch (stage) {
    case 0:
        signal(SIGUSR1, handler);
        signal(SIGUSR2, SIG_IGN);
        umask(027);
        mkdir("d", 0755);
        CHECK(chdir("d") == 0);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        CHECK(open("kept", O_CREAT | O_RDWR, 0666) == 3);
        CHECK(open("closed", O_CREAT | O_RDWR | O_CLOEXEC, 0666) == 4);
        CHECK(fcntl(3, F_DUPFD, 20) == 20 && fcntl(3, F_DUPFD_CLOEXEC, 25) == 25);
        execve(exe, args, env);
        break;
    case 1:
        CHECK(write(3, "stage one\n", 10) == 10);
        execve("/proc/self/exe", args, env);
        break;
    case 2:
        fexecve(open(exe, O_RDONLY | O_CLOEXEC), args, env);
        break;
    case 3:
        syscall(SYS_execveat, AT_FDCWD, exe, args, env, 0);
        break;
    case 4:
        // Failures, after which the program goes on.
        CALL(execve("none", args, env));
        CALL(execve(".", args, env));
        put_file("text", "plain text");
        CALL(execve("text", args, env));
        CALL(chmod("text", 0755));
        CALL(execve("text", args, env));
        put_file("empty", "");
        CALL(chmod("empty", 0755));
        CALL(execve("empty", args, env));
        put_file("script", "#!/none/such\n");
        CALL(chmod("script", 0755));
        CALL(execve("script", args, env));
        put_file("cut", "\177ELF\2\1\1");
        CALL(chmod("cut", 0755));
        CALL(execve("cut", args, env));
        CALL(execve("text/none", args, env));
        CALL(execve("", args, env));
        facts();
        CALL(lseek(3, 0, SEEK_CUR));
        fflush(stdout);
        execve(exe, args, env);
        break;
    default:
        CHECK(lseek(3, 0, SEEK_CUR) == 10);
        return DONE();
    }
    printf("stage %d: exec failed: %s\n", stage, strerrorname_np(errno));
    return 1;
}

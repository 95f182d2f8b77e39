// covers: execve fork wait4 execve-of-own-program
// A process executes while it has children, and still can wait for them; /proc/self/exe starts the program anew.
#include "check.h"
#include <sys/wait.h>
int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    int status;
    if (argc > 1 && !strcmp(argv[1], "again")) {
        pid_t before = atoi(argv[2]), child = atoi(argv[3]);
        SHOW(getpid() == before);
        CHECK(waitpid(child, &status, 0) == child);
        SHOW(WEXITSTATUS(status));
        CALL(wait(NULL));
        return DONE();
    }
    pid_t child = fork();
    if (child == 0)
        _exit(12);
    char own[20], other[20];
    snprintf(own, sizeof own, "%d", getpid());
    snprintf(other, sizeof other, "%d", child);
    execl("/proc/self/exe", argv[0], "again", own, other, NULL);
    return 1;
}

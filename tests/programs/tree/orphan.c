// covers: fork exit_group getppid pipe
// A process outlives its parent, and goes on in order.
#include "check.h"
#include <sys/wait.h>
#include <time.h>
int main(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t middle = fork();
    if (middle == 0) {
        pid_t own = getpid();
        if (fork() == 0) {
            while (getppid() == own)
                nanosleep(&(struct timespec){0, 1000000}, NULL);
            CHECK(write(ends[1], "alone", 5) == 5);
            _exit(3);
        }
        _exit(5);
    }
    close(ends[1]);
    int status;
    CHECK(waitpid(middle, &status, 0) == middle);
    SHOW(WEXITSTATUS(status));
    char text[10] = "";
    CALL(read(ends[0], text, 9));
    puts(text);
    CALL(read(ends[0], text, 9));
    CALL(wait(NULL));
    return DONE();
}

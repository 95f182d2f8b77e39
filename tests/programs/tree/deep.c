// covers: fork wait4
// A tree three deep and three wide, with its sums handed up by exit status; many processes one after the other.
#include "check.h"
#include <sys/wait.h>
static int grow(int depth) {
    if (depth == 0)
        return 1;
    int sum = 1, status;
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(grow(depth - 1));
    }
    while (wait(&status) > 0)
        sum += WEXITSTATUS(status);
    return sum;
}
int main(void) {
    SHOW(grow(3));
    int sum = 0, status;
    for (int i = 0; i < 300; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(i & 63);
        CHECK(waitpid(child, &status, 0) == child);
        sum += WEXITSTATUS(status);
    }
    SHOW(sum);
    return DONE();
}

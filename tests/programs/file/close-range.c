// covers: close_range close
// Closing everything: what the runtime keeps open must survive, and must not be seen.
#include "check.h"
#include <linux/close_range.h>
#include <dirent.h>
int main(void) {
    for (int i = 3; i < 20; i++)
        CHECK(dup(0) == i);
    CALL(close_range(5, 10, 0));
    CALL(fcntl(7, F_GETFD));
    CALL(fcntl(11, F_GETFD));
    CALL(close_range(12, 14, CLOSE_RANGE_CLOEXEC));
    CALL(fcntl(13, F_GETFD));
    CALL(close_range(14, 12, 0));
    CALL(close_range(3, 30, 0x80));
    CALL(close_range(3, ~0u, 0));
    CALL(fcntl(3, F_GETFD));
    // Programs close all numbers up to the limit before they become daemons.
    int closed = 0;
    for (int i = 3; i < 70000; i++)
        closed += close(i) == 0;
    SHOW(closed);
    for (int i = 0; i < 1100; i++)
        if (i > 2 && fcntl(i, F_GETFD) != -1)
            printf("descriptor %d is seen\n", i);
    CALL(dup(0));
    CALL(open("after", O_CREAT | O_WRONLY, 0644));
    CALL(write(4, "still works\n", 12));
    DIR *d = opendir("/proc/self/fd");
    CHECK(d);
    struct dirent *e;
    while ((e = readdir(d)))
        puts(e->d_name);
    return DONE();
}

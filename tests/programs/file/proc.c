// covers: open /proc/self
// Own facts from /proc: names, links, limits.
#include "check.h"
static void show(const char *path) {
    char text[8192];
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    ssize_t n = read(fd, text, sizeof text - 1);
    CHECK(n >= 0);
    text[n] = 0;
    for (ssize_t i = 0; i < n; i++)
        if (!text[i])
            text[i] = ' ';
    printf("%s: %s\n", path, strchr(text, '/') && !strncmp(path, "/proc/self/cmd", 14) ? strrchr(text, '/') : text);
    close(fd);
}
int main(void) {
    show("/proc/self/comm");
    show("/proc/self/cmdline");
    char link[4096], cwd[4096];
    ssize_t n = readlink("/proc/self/cwd", link, sizeof link - 1);
    CHECK(n > 0);
    link[n] = 0;
    SHOW(strcmp(link, getcwd(cwd, sizeof cwd)));
    n = readlink("/proc/self/fd/1", link, sizeof link - 1);
    CHECK(n > 0);
    n = readlink("/proc/self", link, sizeof link - 1);
    CHECK(n > 0);
    link[n] = 0;
    SHOW(atoi(link) == getpid());
    show("/proc/sys/kernel/ostype");
    return DONE();
}

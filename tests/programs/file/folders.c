// covers: getdents64 chdir fchdir getcwd
// Listing folders and moving between them.
#include "check.h"
#include <dirent.h>
static int by_name(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
static void list(const char *path) {
    DIR *d = opendir(path);
    CHECK(d);
    char *names[2000];
    int n = 0;
    struct dirent *e;
    while ((e = readdir(d)))
        names[n++] = strdup(e->d_name);
    qsort(names, n, sizeof *names, by_name);
    printf("%s: %d\n", path, n);
    for (int i = 0; i < n; i += n > 20 ? 97 : 1)
        printf(" %s", names[i]);
    puts("");
    rewinddir(d);
    SHOW(readdir(d) != NULL);
    closedir(d);
}
int main(void) {
    char start[4096], now[4096], name[64];
    CHECK(getcwd(start, sizeof start));
    CALL(mkdir("many", 0755));
    for (int i = 0; i < 1200; i++) {
        sprintf(name, "many/a-file-with-number-%d", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0644);
        CHECK(fd >= 0 && close(fd) == 0);
    }
    list("many");
    list(".");
    CALL(mkdir("many/deep", 0755));
    CALL(chdir("many/deep"));
    CHECK(getcwd(now, sizeof now));
    SHOW(strncmp(start, now, strlen(start)));
    puts(now + strlen(start));
    CALL(chdir(".."));
    CALL(open(".", O_RDONLY));
    CALL(chdir("/"));
    CALL(syscall(SYS_getcwd, now, 4096));
    CALL(fchdir(3));
    CHECK(getcwd(now, sizeof now));
    puts(now + strlen(start));
    CALL(chdir("a-file-with-number-1"));
    CALL(chdir("none"));
    CALL(fchdir(99));
    CALL(syscall(SYS_getcwd, now, 3));
    CALL(syscall(SYS_getcwd, now, 0));
    CALL(syscall(SYS_getdents64, 3, now, 10));
    CALL(syscall(SYS_getdents64, 0, now, 4096));
    CALL(open("a-file-with-number-1", O_RDONLY));
    CALL(syscall(SYS_getdents64, 4, now, 4096));
    CALL(chdir("deep"));
    CALL(rmdir("../deep"));
    CALL(syscall(SYS_getcwd, now, 4096));
    CALL(open("x", O_CREAT | O_RDWR, 0600));
    return DONE();
}

// covers: mmap MAP_SHARED msync munmap
// A writable shared map of a file: either refused at once with an errno, or the file has the bytes afterwards.
#include "check.h"
int main(void) {
    static char page[8192];
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    CHECK(write(fd, page, sizeof page) == sizeof page);
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        CHECK(errno == ENODEV || errno == ENOSYS || errno == EACCES || errno == EPERM || errno == ENOTSUP || errno == EINVAL);
        // The program does without, as many do: the file must end up the same.
        CHECK(pwrite(fd, "written through a map", 21, 100) == 21);
        CHECK(pwrite(fd, "second", 6, 5000) == 6);
    } else {
        memcpy(p + 100, "written through a map", 21);
        CHECK(msync(p, 8192, MS_SYNC) == 0);
        char text[22] = "";
        CHECK(pread(fd, text, 21, 100) == 21);
        CHECK(!strcmp(text, "written through a map"));
        memcpy(p + 5000, "second", 6);
        CHECK(munmap(p, 8192) == 0);
    }
    CALL(pread(fd, page, sizeof page, 0));
    printf("%lx\n", sum(page, sizeof page));
    return DONE();
}

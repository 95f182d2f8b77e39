// covers: mmap MAP_SHARED read-only anonymous
// Shared maps that nobody else writes: read-only ones of a file, and anonymous ones.
#include "check.h"
int main(void) {
    put_file("f", "shared file content");
    CALL(open("f", O_RDONLY));
    char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0);
    CHECK(p != MAP_FAILED);
    puts(p);
    char *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
    SHOW(q == MAP_FAILED && errno == EACCES);
    char *a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(a != MAP_FAILED);
    strcpy(a + 4090, "over the page");
    puts(a + 4090);
    SHOW(a[0]);
    a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0);
    SHOW(a == MAP_FAILED && errno == EINVAL);
    a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CALL(munmap(a, 8192));
    CALL(munmap(p, 4096));
    return DONE();
}

// covers: EFAULT buffers that end in a hole
// A buffer of which only the first bytes are there: as much is moved as the kernel moves.
#include "check.h"
#include <sys/uio.h>
int main(void) {
    char *end = page_end();
    int ends[2];
    put_file("f", "0123456789abcdef");
    CALL(open("f", O_RDWR));
    memcpy(end - 4, "WXYZ", 4);
    CALL(pwrite(3, end - 4, 4, 0));
    // The last bytes of a page are enough for a path, a structure, a name.
    strcpy(end - 2, "f");
    CALL(open(end - 2, O_RDONLY));
    CALL(access(end - 2, F_OK));
    struct stat *s = (struct stat *)(end - sizeof *s);
    CALL(stat("f", s));
    SHOW(s->st_size);
    CALL(stat("f", (struct stat *)(end - sizeof *s + 8)));
    memset(end - 100, 'p', 100);
    CALL(open(end - 100, O_RDONLY));
    CALL(pipe((int *)(end - 8)));
    CALL(pipe((int *)(end - 4)));
    CALL(read(3, end - 16, 16));
    printf("%.16s\n", end - 16);
    CALL(pipe(ends));
    struct iovec v[2] = {{end - 3, 3}, {"ok", 2}};
    CALL(writev(ends[1], v, 2));
    struct iovec *at_end = (struct iovec *)(end - sizeof *at_end);
    *at_end = (struct iovec){"one", 3};
    CALL(writev(ends[1], at_end, 1));
    CALL(writev(ends[1], at_end, 2));
    CALL(writev(ends[1], (struct iovec *)8, 1));
    struct iovec hole[2] = {{(char *)8, 5}, {"after", 5}};
    CALL(writev(ends[1], hole, 2));
    CALL(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    char back[64] = "";
    CALL(read(ends[0], back, sizeof back));
    CALL(readv(3, (struct iovec *)8, 1));
    CALL(getcwd(end - 1, 1) == NULL);
    char **vector = (char **)(end - 8);
    *vector = "x";
    CALL(execve("none", vector, NULL));
    return DONE();
}

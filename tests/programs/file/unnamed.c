// covers: O_TMPFILE memfd_create linkat F_ADD_SEALS F_GET_SEALS
// Files without a name.
#include "check.h"
int main(void) {
    char text[32] = "";
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    if (fd >= 0) {
        CALL(write(fd, "temporary", 9));
        CALL(pread(fd, text, sizeof text, 0));
        puts(text);
        char path[64];
        sprintf(path, "/proc/self/fd/%d", fd);
        CALL(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
        close(fd);
    }
    CALL(memfd_create("mem", MFD_ALLOW_SEALING | MFD_CLOEXEC));
    CALL(write(3, "in memory", 9));
    CALL(ftruncate(3, 4096));
    CALL(fcntl(3, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    CALL(fcntl(3, F_GET_SEALS));
    CALL(ftruncate(3, 8192));
    CALL(pread(3, text, 9, 0));
    puts(text);
    char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0);
    SHOW(map != MAP_FAILED);
    if (map != MAP_FAILED)
        puts(map);
    CALL(memfd_create("bad", 0x8000));
    CALL(memfd_create((char *)8, 0));
    return DONE();
}

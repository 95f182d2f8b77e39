// covers: flock fcntl F_SETLK F_GETLK F_OFD_SETLK
// Locks of a file, as far as one process can see them.
#include "check.h"
#include <sys/file.h>
int main(void) {
    put_file("f", "0123456789");
    CALL(open("f", O_RDWR));
    CALL(open("f", O_RDWR));
    CALL(flock(3, LOCK_EX));
    CALL(flock(4, LOCK_EX | LOCK_NB));
    CALL(flock(3, LOCK_UN));
    CALL(flock(4, LOCK_SH | LOCK_NB));
    CALL(flock(3, LOCK_SH | LOCK_NB));
    CALL(flock(3, 77));
    CALL(flock(99, LOCK_SH));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
    CALL(fcntl(3, F_SETLK, &lock));
    lock.l_type = F_RDLCK;
    CALL(fcntl(4, F_GETLK, &lock));
    SHOW(lock.l_type == F_UNLCK);
    CALL(fcntl(3, F_SETLKW, &lock));
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CALL(fcntl(3, F_OFD_SETLK, &lock));
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CALL(fcntl(4, F_OFD_SETLK, &lock));
    CALL(fcntl(4, F_OFD_GETLK, &lock));
    SHOW(lock.l_type);
    SHOW(lock.l_pid);
    lock.l_type = 77;
    CALL(fcntl(4, F_SETLK, &lock));
    CALL(fcntl(4, F_SETLK, (void *)8));
    return DONE();
}

// covers: fallocate posix_fadvise fsync fdatasync sync_file_range syncfs readahead
// Space of a file, and asking for it to be on disk.
#include "check.h"
int main(void) {
    CALL(open("f", O_RDWR | O_CREAT, 0644));
    CALL(fallocate(3, 0, 0, 10000));
    CALL(lseek(3, 0, SEEK_END));
    CALL(fallocate(3, FALLOC_FL_KEEP_SIZE, 0, 50000));
    CALL(lseek(3, 0, SEEK_END));
    CALL(fallocate(3, 0, -1, 5));
    CALL(fallocate(3, 0, 0, 0));
    CALL(fallocate(99, 0, 0, 5));
    CALL(posix_fallocate(3, 10000, 1));
    CALL(posix_fadvise(3, 0, 0, POSIX_FADV_SEQUENTIAL));
    CALL(posix_fadvise(3, 0, 0, 77));
    CALL(fsync(3));
    CALL(fdatasync(3));
    CALL(fsync(99));
    CALL(syncfs(3));
    CALL(sync_file_range(3, 0, 0, SYNC_FILE_RANGE_WRITE));
    CALL(readahead(3, 0, 4096));
    return DONE();
}

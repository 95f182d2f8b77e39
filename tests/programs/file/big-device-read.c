// covers: read of devices
// One read larger than a record of the log: devices fill the whole buffer, in every replica.
#include "check.h"
int main(void) {
    static char buffer[700000];
    int fd = open("/dev/zero", O_RDONLY);
    memset(buffer, 1, sizeof buffer);
    SHOW(read(fd, buffer, sizeof buffer));
    long sum = 0;
    for (size_t i = 0; i < sizeof buffer; i++)
        sum += buffer[i];
    SHOW(sum);
    SHOW(pread(fd, buffer, 300000, 5));
    fd = open("/dev/urandom", O_RDONLY);
    SHOW(read(fd, buffer, 400000));
    // Equal in all replicas, or the digest of this write differs.
    int null = open("/dev/null", O_WRONLY);
    SHOW(write(null, buffer, 400000));
    memset(buffer, 2, sizeof buffer);
    fd = open("grows", O_RDWR | O_CREAT | O_TRUNC, 0600);
    SHOW(read(fd, buffer, 10));
    SHOW(write(fd, buffer, 600000));
    lseek(fd, 0, SEEK_SET);
    SHOW(read(fd, buffer, 600000));
    return DONE();
}

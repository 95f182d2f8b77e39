// covers: read pread64 readv write large
// Reads and writes of a megabyte and more, from files and through pipes.
#include "check.h"
#include <sys/uio.h>
#define SIZE (3 << 20)
static char data[SIZE], back[SIZE + 10];
int main(void) {
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (i * 2654435761u) >> 11;
    CALL(open("big", O_RDWR | O_CREAT, 0644));
    CALL(write(3, data, SIZE));
    CALL(lseek(3, 0, SEEK_SET));
    ssize_t got, total = 0;
    while ((got = read(3, back + total, 1 << 20)) > 0)
        total += got;
    SHOW(total);
    SHOW(memcmp(data, back, SIZE));
    // One read may be short, as the kernel allows, but never wrong.
    memset(back, 0, sizeof back);
    got = pread(3, back, SIZE, 0);
    SHOW(got > 0 && memcmp(data, back, got) == 0);
    CALL(lseek(3, 0, SEEK_CUR));
    got = pread(3, back, SIZE, SIZE - 100000);
    SHOW(got > 0 && got <= 100000 && memcmp(data + SIZE - 100000, back, got) == 0);
    memset(back, 0, sizeof back);
    CALL(lseek(3, 5, SEEK_SET));
    struct iovec v[3] = {{back, 500000}, {back + 500000, 1}, {back + 500001, 700000}};
    got = readv(3, v, 3);
    SHOW(got > 0 && memcmp(data + 5, back, got) == 0);
    SHOW(lseek(3, 0, SEEK_CUR) == 5 + got);
    int ends[2];
    CALL(pipe(ends));
    CALL(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20));
    size_t sent = 0;
    while (sent < SIZE) {
        size_t part = SIZE - sent < 1 << 20 ? SIZE - sent : 1 << 20;
        CHECK(write(ends[1], data + sent, part) == (ssize_t)part);
        for (size_t have = 0; have < part; have += got) {
            got = read(ends[0], back + sent + have, part - have);
            CHECK(got > 0);
        }
        sent += part;
    }
    SHOW(memcmp(data, back, SIZE));
    // A file that ends in the middle of the buffer.
    CALL(lseek(3, SIZE - 70000, SEEK_SET));
    total = 0;
    while ((got = read(3, back + total, 200000)) > 0)
        total += got;
    SHOW(total);
    CALL(open("/dev/zero", O_RDONLY));
    got = read(6, back, 1 << 20);
    SHOW(got > 0 && back[got - 1] == 0);
    return DONE();
}

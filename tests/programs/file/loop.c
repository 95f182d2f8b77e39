// covers: ioctl LOOP_CTL_GET_FREE LOOP_CONFIGURE LOOP_GET_STATUS64 LOOP_SET_STATUS64 LOOP_CLR_FD
// needs: root /dev/loop-control
// A file as a block device, as mount(8) sets it up; others may take a free device in between.
#include "check.h"
#include <linux/loop.h>
#include <sys/ioctl.h>
int main(void) {
    char name[32], byte[512];
    int file, device, result;
    struct loop_info64 info;
    put_file("f", "what the device has");
    CHECK(truncate("f", 65536) == 0 && (file = open("f", O_RDWR)) >= 0);
    int control = open("/dev/loop-control", O_RDWR);
    CHECK(control >= 0);
    do {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        CHECK(number >= 0);
        snprintf(name, sizeof name, "/dev/loop%d", number);
        CHECK((device = open(name, O_RDWR | O_CLOEXEC)) >= 0);
        struct loop_config config = {.fd = file, .info.lo_flags = LO_FLAGS_READ_ONLY};
        strcpy((char *)config.info.lo_file_name, "the file");
        result = ioctl(device, LOOP_CONFIGURE, &config);
        CHECK(result == 0 || errno == EBUSY);
    } while (result && close(device) == 0);
    CALL(ioctl(device, LOOP_GET_STATUS64, &info));
    printf("%s, flags %x\n", info.lo_file_name, info.lo_flags);
    CALL(read(device, byte, sizeof byte));
    puts(byte);
    info.lo_offset = 512;
    CALL(ioctl(device, LOOP_SET_STATUS64, &info));
    CALL(lseek(device, 0, SEEK_END));
    CALL(ioctl(device, LOOP_GET_STATUS64, 8));
    CALL(ioctl(device, LOOP_SET_FD, file));
    CALL(ioctl(device, LOOP_CLR_FD));
    CALL(ioctl(device, LOOP_GET_STATUS64, &info));
    CALL(ioctl(control, LOOP_SET_CAPACITY));
    return DONE();
}

// covers: copy_file_range sendfile splice tee
// Bytes moved inside the kernel.
#include "check.h"
#include <sys/sendfile.h>
int main(void) {
    char text[64];
    put_file("from", "some text that is to be moved about");
    CALL(open("from", O_RDONLY));
    CALL(open("to", O_RDWR | O_CREAT, 0644));
    CALL(copy_file_range(3, NULL, 4, NULL, 10, 0));
    off64_t in = 5, out = 20;
    CALL(copy_file_range(3, &in, 4, &out, 8, 0));
    SHOW(in);
    SHOW(out);
    CALL(copy_file_range(3, NULL, 4, NULL, 10, 7));
    CALL(lseek(3, 0, SEEK_CUR));
    off_t at = 2;
    CALL(sendfile(4, 3, &at, 6));
    SHOW(at);
    CALL(sendfile(4, 3, NULL, 100));
    CALL(sendfile(4, 3, NULL, 100));
    CALL(sendfile(99, 3, NULL, 100));
    int a[2], b[2];
    CALL(pipe(a));
    CALL(pipe(b));
    in = 0;
    CALL(splice(3, &in, a[1], NULL, 12, 0));
    SHOW(in);
    CALL(tee(a[0], b[1], 100, 0));
    CALL(splice(a[0], NULL, 4, NULL, 100, 0));
    CALL(splice(a[0], NULL, 4, NULL, 100, SPLICE_F_NONBLOCK));
    CALL(splice(3, NULL, 4, NULL, 100, 0));
    memset(text, 0, sizeof text);
    CALL(read(b[0], text, sizeof text));
    puts(text);
    return DONE();
}

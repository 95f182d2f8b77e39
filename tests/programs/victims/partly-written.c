// covers: write EFAULT buffers that end in a hole
// Of a buffer that ends in a hole, the kernel writes what is there: these bytes must be compared as all others.
#include "check.h"
int main(void) {
    char *end = page_end();
    for (int length = 1; length < 300; length += 23) {
        for (int i = 1; i <= length; i++)
            end[-i] = 'a' + (i + length) % 26;
        CHECK(write(1, end - length, length + 1 + length % 90) == length);
        CHECK(write(1, "\n", 1) == 1);
    }
    return DONE();
}

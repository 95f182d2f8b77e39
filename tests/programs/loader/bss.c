// covers: bss brk
// variants: pie no-pie static static-pie
// Zeroes behind the data, to the end of the last page and over many pages.
#include "check.h"
char first = 1;
static char small[100];
static char large[50 << 20];
char data[5000] = {1, 2, 3};
extern char end[], edata[];
int main(void) {
    for (char *p = edata; (uintptr_t)p % 4096; p++)
        CHECK(p >= end || *p == 0 || p < small);
    size_t set = 0;
    for (size_t i = 0; i < sizeof large; i++)
        set += large[i];
    SHOW(set);
    for (size_t i = 0; i < sizeof small; i++)
        set += small[i];
    SHOW(set);
    memset(large, 7, sizeof large);
    SHOW(sum(large, sizeof large));
    SHOW(sum(data, sizeof data));
    // The rest of the last page is there and zero: ld.so's first allocator relies on it.
    char *rest = end, *page = (char *)(((uintptr_t)end + 4095) & -4096);
    for (; rest < page; rest++)
        CHECK(*rest == 0);
    return DONE();
}

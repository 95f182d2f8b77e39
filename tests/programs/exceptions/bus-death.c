// covers: SIGBUS default
// signal: SIGBUS
// A page of a map behind the end of its file.
#include "check.h"
int main(void) {
    put_file("f", "short");
    char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, open("f", O_RDONLY), 0);
    write(1, p, 5);
    return *(volatile char *)(p + 5000);
}

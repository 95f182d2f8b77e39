// covers: mmap PROT_EXEC mprotect syscall instruction in written code
// Code made at run time, with a system call in it, called many times; then changed and called again.
#include "check.h"
int main(void) {
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    // mov $SYS_getppid,%eax; syscall; cmp $-4096,%rax; ret
    const unsigned char getppid_code[] = {0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0xc3};
    memcpy(page, getppid_code, sizeof getppid_code);
    long (*code)(void) = (void *)page;
    for (int i = 0; i < 1000; i++)
        CHECK(code() == getppid());
    // The program reads its own code: it must look as it was written (or be so again).
    page[1] = 39; // getpid
    for (int i = 0; i < 10; i++)
        CHECK(code() == getpid());
    // Written elsewhere and then made executable.
    unsigned char *later = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(later, getppid_code, sizeof getppid_code);
    CALL(mprotect(later, 4096, PROT_READ | PROT_EXEC));
    code = (void *)later;
    for (int i = 0; i < 10; i++)
        CHECK(code() == getppid());
    CALL(mprotect(later, 4096, PROT_READ | PROT_WRITE));
    memcpy(later, getppid_code, sizeof getppid_code);
    later[1] = 39;
    CALL(mprotect(later, 4096, PROT_READ | PROT_EXEC));
    for (int i = 0; i < 10; i++)
        CHECK(code() == getpid());
    // A call as the very last instruction of a page whose successor is not mapped.
    unsigned char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const unsigned char at_end[] = {0xb8, 110, 0, 0, 0, 0xeb, 0x01, 0xc3, 0x0f, 0x05};
    // layout: mov; jmp +1 over a ret; syscall at the end of the page; the next page holds a ret
    memcpy(two + 4096 - sizeof at_end, at_end, sizeof at_end);
    two[4096] = 0xc3;
    CALL(mprotect(two, 8192, PROT_READ | PROT_EXEC));
    code = (void *)(two + 4096 - sizeof at_end);
    for (int i = 0; i < 10; i++)
        CHECK(code() == getppid());
    return DONE();
}

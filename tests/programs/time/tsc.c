// covers: rdtsc rdtscp
// variants: pie static
// The time stamp counter rises, however it is read, and keeps registers.
#include "check.h"
#include <x86intrin.h>
int main(void) {
    unsigned long last = __rdtsc();
    unsigned int aux;
    for (int i = 0; i < 1000; i++) {
        unsigned long now = i % 2 ? __rdtsc() : __rdtscp(&aux);
        CHECK(now > last);
        last = now;
    }
    SHOW(last > 1000);
    long rbx = 5, r11 = 7, rcx = 9, rax, rdx;
    register long r_r11 asm("r11") = r11;
    asm volatile("stc; rdtsc; jc 1f; ud2; 1:" : "=a"(rax), "=d"(rdx), "+b"(rbx), "+r"(r_r11), "+c"(rcx)::"cc");
    SHOW(rbx);
    SHOW(r_r11);
    SHOW(rcx);
    SHOW(rdx < 1l << 32 && rax < 1l << 32);
    // Where the instruction stands does not matter.
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, "\x0f\x31\xc3", 3);
    unsigned int (*code)(void) = (void *)page;
    code();
    return DONE();
}

// covers: xmm ymm mxcsr x87 over calls and handlers
// needs: avx
// flags: -mavx
// Vector registers, their control word and the x87 stack survive calls and handlers that use them all.
#include "check.h"
#include <immintrin.h>
static char in[16][32] __attribute__((aligned(32))), out[16][32] __attribute__((aligned(32)));
static void fill(int seed) {
    for (int i = 0; i < 512; i++)
        ((char *)in)[i] = i * 7 + seed;
}
#define LOAD                                                                                                       \
    "vmovdqa (%0),%%ymm0; vmovdqa 32(%0),%%ymm1; vmovdqa 64(%0),%%ymm2; vmovdqa 96(%0),%%ymm3;"                      \
    "vmovdqa 128(%0),%%ymm4; vmovdqa 160(%0),%%ymm5; vmovdqa 192(%0),%%ymm6; vmovdqa 224(%0),%%ymm7;"                \
    "vmovdqa 256(%0),%%ymm8; vmovdqa 288(%0),%%ymm9; vmovdqa 320(%0),%%ymm10; vmovdqa 352(%0),%%ymm11;"              \
    "vmovdqa 384(%0),%%ymm12; vmovdqa 416(%0),%%ymm13; vmovdqa 448(%0),%%ymm14; vmovdqa 480(%0),%%ymm15;"
#define STORE                                                                                                      \
    "vmovdqa %%ymm0,(%1); vmovdqa %%ymm1,32(%1); vmovdqa %%ymm2,64(%1); vmovdqa %%ymm3,96(%1);"                      \
    "vmovdqa %%ymm4,128(%1); vmovdqa %%ymm5,160(%1); vmovdqa %%ymm6,192(%1); vmovdqa %%ymm7,224(%1);"                \
    "vmovdqa %%ymm8,256(%1); vmovdqa %%ymm9,288(%1); vmovdqa %%ymm10,320(%1); vmovdqa %%ymm11,352(%1);"              \
    "vmovdqa %%ymm12,384(%1); vmovdqa %%ymm13,416(%1); vmovdqa %%ymm14,448(%1); vmovdqa %%ymm15,480(%1);"
#define SAVED                                                                                                      \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",       \
        "xmm13", "xmm14", "xmm15", "memory"
static volatile double noise = 1;
static void handler(int n) {
    asm volatile("vzeroall" ::: SAVED);
    for (int i = 1; i < 20; i++)
        noise = noise * 1.5 / i;
    asm volatile("fninit");
    _mm_setcsr(0x7f80);
    syscall(SYS_getppid);
}
int main(void) {
    signal(SIGUSR1, handler);
    signal(SIGILL, SIG_DFL);
    long buffer[64] = {0};
    struct {
        const char *name;
        long nr, a, b, c;
    } calls[] = {
        {"getppid", SYS_getppid, 0, 0, 0},
        {"write", SYS_write, 1, (long)"", 0},
        {"clock_gettime", SYS_clock_gettime, 1, (long)buffer, 0},
        {"open", SYS_open, (long)"none", 0, 0},
        {"stat", SYS_stat, (long)".", (long)buffer, 0},
        {"bad pointer", SYS_stat, (long)".", 8, 0},
        {"refused", 5000, 0, 0, 0},
        {"getrandom", SYS_getrandom, (long)buffer, 100, 0},
        {"handler", SYS_kill, getpid(), SIGUSR1, 0},
    };
    unsigned short control = 0x27f;
    asm volatile("fldcw %0; fldpi; fld1" ::"m"(control));
    _mm_setcsr(0x1f80 | 0x2000);
    for (int round = 0; round < 4; round++)
        for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
            fill(round * 16 + i);
            long rax = calls[i].nr;
            char(*from)[32] = in, (*to)[32] = out;
            asm volatile(LOAD "syscall;" STORE
                         : "+r"(from), "+r"(to), "+a"(rax)
                         : "D"(calls[i].a), "S"(calls[i].b), "d"(calls[i].c)
                         : "rcx", "r11", SAVED);
            if (memcmp(in, out, sizeof in))
                printf("%s: a vector register has changed\n", calls[i].name);
            if (_mm_getcsr() != (0x1f80 | 0x2000))
                printf("%s: the control word became %x\n", calls[i].name, _mm_getcsr());
        }
    _mm_setcsr(0x1f80);
    long double one, pi;
    unsigned short now;
    asm volatile("fstpt %0" : "=m"(one));
    asm volatile("fstpt %0" : "=m"(pi));
    asm volatile("fnstcw %0" : "=m"(now));
    printf("%.1Lf %.15Lf %x\n", one, pi, now);
    return DONE();
}

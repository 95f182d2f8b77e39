// Division by constants of every width and sign, odd, even, with factors of all forms; scalars and vectors.
#include <stdint.h>
#include <stdio.h>
#define DIVIDE(T, N, K) \
    __attribute__((noinline)) static T quotient_##N(T x) { return x / (T)(K); } \
    __attribute__((noinline)) static T remainder_##N(T x) { return x % (T)(K); }
DIVIDE(uint32_t, u7, 7) DIVIDE(uint32_t, u3, 3) DIVIDE(uint32_t, u641, 641) DIVIDE(uint32_t, u14, 14) DIVIDE(uint32_t, u_max, 0xfffffffb)
DIVIDE(int32_t, s7, 7) DIVIDE(int32_t, s_7, -7) DIVIDE(int32_t, s3, 3) DIVIDE(int32_t, s_min, -2147483647) DIVIDE(int32_t, s8, 8) DIVIDE(int32_t, s_8, -8)
DIVIDE(uint64_t, w7, 7) DIVIDE(uint64_t, w10, 10) DIVIDE(uint64_t, w28, 28) DIVIDE(uint64_t, w_big, 1000000007) DIVIDE(int64_t, l7, 7) DIVIDE(int64_t, l_10, -10)
DIVIDE(uint16_t, h7, 7) DIVIDE(int16_t, h10, 10) DIVIDE(uint8_t, b7, 7) DIVIDE(int8_t, b5, 5)
static uint32_t words[1024];
static int32_t numbers[1024];
static uint16_t halves[1024];

int main(void) {
    uint64_t digest = 1469598103934665603u, x = 88172645463325252u;
#define ADD(v) digest = (digest ^ (uint64_t)(v)) * 1099511628211u
#define BOTH(N) ADD(quotient_##N(x)); ADD(remainder_##N(x));
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        if (i < 64) x = (uint64_t)(i - 32);
        BOTH(u7) BOTH(u3) BOTH(u641) BOTH(u14) BOTH(u_max) BOTH(s7) BOTH(s_7) BOTH(s3) BOTH(s_min) BOTH(s8) BOTH(s_8)
        BOTH(w7) BOTH(w10) BOTH(w28) BOTH(w_big) BOTH(l7) BOTH(l_10) BOTH(h7) BOTH(h10) BOTH(b7) BOTH(b5)
        words[i & 1023] = x, numbers[i & 1023] = x >> 3, halves[i & 1023] = x >> 9;
    }
    for (int i = 0; i < 1024; i++) {
        words[i] = words[i] % 13u + words[i] / 7;
        numbers[i] = numbers[i] / 11 - numbers[i] % 5;
        halves[i] = halves[i] / 10 + halves[i] % 7;
    }
    for (int i = 0; i < 1024; i++) { ADD(words[i]); ADD(numbers[i]); ADD(halves[i]); }
    printf("%llx\n", (unsigned long long)digest);
}

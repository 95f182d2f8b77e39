// CRC-32 with a table: one long chain of dependent loads.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t table[256];
static uint8_t data[65536];

static void fill(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    uint32_t s = 1;
    for (unsigned i = 0; i < sizeof data; i++) data[i] = (s = s * 1664525u + 1013904223u) >> 24;
}

__attribute__((noinline)) static uint32_t crc(const uint8_t *p, unsigned n, uint32_t c) {
    c = ~c;
    while (n--) c = table[(c ^ *p++) & 255] ^ (c >> 8);
    return ~c;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 10;
    fill();
    uint32_t c = 0;
    for (int i = 0; i < rounds; i++) c = crc(data, sizeof data, c);
    printf("%08x\n", c);
    return 0;
}

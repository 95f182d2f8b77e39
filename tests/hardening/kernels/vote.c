// What a supervisor does: digests of requests of three replicas, and a majority.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#define N 512
struct request { uint64_t number, arguments[6], seen; };
static struct request requests[3][N];
static uint64_t tally[4];

static uint64_t digest(const struct request *r, uint64_t chain) {
    uint64_t h = chain ^ r->number * 0x9E3779B97F4A7C15u;
    for (int i = 0; i < 6; i++) {
        h ^= r->arguments[i];
        h *= 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    return h;
}

__attribute__((noinline)) static int vote(const uint64_t *d) {
    if (d[0] == d[1]) return d[1] == d[2] ? 3 : 2;
    if (d[0] == d[2]) return 1;
    return d[1] == d[2] ? 0 : -1;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 200;
    uint64_t s = 3;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 6; k++) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            for (int r = 0; r < 3; r++) requests[r][i].number = i % 334, requests[r][i].arguments[k] = s >> 16;
        }
    for (int i = 0; i < N; i += 37) requests[i % 3][i].arguments[i % 6] ^= 1;
    uint64_t chain = 0, bad = 0;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < N; i++) {
            uint64_t d[3];
            for (int r = 0; r < 3; r++) d[r] = digest(&requests[r][i], chain);
            int v = vote(d);
            if (v < 0) bad++;
            else tally[v]++;
            uint64_t winner = v == 0 ? d[1] : d[0];
            for (int r = 0; r < 3; r++) requests[r][i].seen = winner;
            chain = chain * 31 + winner;
        }
    printf("%016llx %llu %llu %llu %llu %llu\n", (unsigned long long)chain, (unsigned long long)bad, (unsigned long long)tally[0],
           (unsigned long long)tally[1], (unsigned long long)tally[2], (unsigned long long)tally[3]);
    return 0;
}

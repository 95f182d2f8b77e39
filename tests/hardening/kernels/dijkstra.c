// Shortest ways with a binary heap.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#define V 2048
#define D 8
struct edge { uint32_t to, weight; };
struct item { uint64_t far; uint32_t node; };
static struct edge edges[V][D];
static uint64_t far_[V];
static struct item heap[V * D + 1];
static unsigned size;

static void push(uint64_t far, uint32_t node) {
    unsigned i = size++;
    while (i && heap[(i - 1) / 2].far > far) heap[i] = heap[(i - 1) / 2], i = (i - 1) / 2;
    heap[i].far = far, heap[i].node = node;
}

static struct item pop(void) {
    struct item top = heap[0], last = heap[--size];
    unsigned i = 0;
    for (;;) {
        unsigned c = 2 * i + 1;
        if (c >= size) break;
        if (c + 1 < size && heap[c + 1].far < heap[c].far) c++;
        if (heap[c].far >= last.far) break;
        heap[i] = heap[c], i = c;
    }
    heap[i] = last;
    return top;
}

__attribute__((noinline)) static uint64_t run(uint32_t from) {
    for (int i = 0; i < V; i++) far_[i] = UINT64_MAX;
    far_[from] = 0, size = 0, push(0, from);
    while (size) {
        struct item it = pop();
        if (it.far > far_[it.node]) continue;
        for (int k = 0; k < D; k++) {
            struct edge e = edges[it.node][k];
            if (it.far + e.weight < far_[e.to]) far_[e.to] = it.far + e.weight, push(far_[e.to], e.to);
        }
    }
    uint64_t h = 0;
    for (int i = 0; i < V; i++) h = h * 0x9E3779B97F4A7C15u + far_[i];
    return h;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    uint32_t s = 7;
    for (int i = 0; i < V; i++)
        for (int k = 0; k < D; k++) {
            s = s * 1664525u + 1013904223u;
            edges[i][k].to = (s >> 8) % V, edges[i][k].weight = (s >> 4) % 1000 + 1;
        }
    uint64_t h = 0;
    for (int i = 0; i < rounds; i++) h ^= run(i * 97 % V);
    printf("%016llx\n", (unsigned long long)h);
    return 0;
}

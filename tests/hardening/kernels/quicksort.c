// Recursive sorting: branches that nobody can predict, and calls.
#include <stdio.h>
#include <stdlib.h>

static void sort(int *a, int l, int r) {
    if (l >= r) return;
    int p = a[l + (r - l) / 2], i = l, j = r;
    while (i <= j) {
        while (a[i] < p) i++;
        while (p < a[j]) j--;
        if (i <= j) {
            int t = a[i];
            a[i++] = a[j];
            a[j--] = t;
        }
    }
    sort(a, l, j);
    sort(a, i, r);
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 50000;
    int *a = malloc(n * sizeof *a);
    unsigned s = 1, h = 0;
    for (int i = 0; i < n; i++) a[i] = (s = s * 1103515245u + 12345u) >> 8;
    sort(a, 0, n - 1);
    for (int i = 0; i < n; i++) h = h * 31 + a[i];
    printf("%u\n", h);
    free(a);
    return 0;
}

// Multiplication of matrices of doubles: vectors and floating point.
#include <stdio.h>
#include <stdlib.h>
#define N 96
static double a[N][N], b[N][N], c[N][N];

__attribute__((noinline)) static void multiply(void) {
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            double f = a[i][k];
            for (int j = 0; j < N; j++) c[i][j] += f * b[k][j];
        }
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) a[i][j] = (i * 7 + j) % 13 / 13.0, b[i][j] = (i + j * 5) % 17 / 17.0;
    for (int i = 0; i < rounds; i++) multiply();
    double s = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) s += c[i][j] * ((i ^ j) % 3 + 1);
    printf("%.17g\n", s);
    return 0;
}

// covers: fork pipe dup2 close read write
// A pipeline of three processes, and end of file when the last writer is gone.
#include "check.h"
#include <ctype.h>
#include <sys/wait.h>
static pid_t stage(int in, int out, int other, int shift) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child)
        return child;
    close(other);
    char byte;
    while (read(in, &byte, 1) == 1) {
        byte = byte == '\n' ? byte : byte + shift;
        CHECK(write(out, &byte, 1) == 1);
    }
    _exit(shift);
}
int main(void) {
    int first[2], second[2], third[2], status;
    CHECK(pipe(first) == 0 && pipe(second) == 0);
    pid_t one = stage(first[0], second[1], first[1], 1);
    close(first[0]);
    close(second[1]);
    CHECK(pipe(third) == 0);
    pid_t two = fork();
    if (two == 0) {
        close(first[1]);
        char text[100];
        size_t used = 0;
        ssize_t got;
        while ((got = read(second[0], text + used, sizeof text - used)) > 0)
            used += got;
        for (size_t i = 0; i < used; i++)
            text[i] = toupper(text[i]);
        CHECK(write(third[1], text, used) == (ssize_t)used);
        _exit(2);
    }
    close(second[0]);
    close(third[1]);
    CHECK(write(first[1], "gdkkn\n", 6) == 6);
    close(first[1]);
    char text[100];
    ssize_t got = read(third[0], text, sizeof text);
    printf("%.*s", (int)got, text);
    CALL(read(third[0], text, sizeof text));
    CHECK(waitpid(one, &status, 0) == one);
    SHOW(WEXITSTATUS(status));
    CHECK(waitpid(two, &status, 0) == two);
    SHOW(WEXITSTATUS(status));
    return DONE();
}

// covers: setrlimit getrlimit prlimit64 kill
// Limits that end or restrict a process: CPU time with and without a handler, descriptors up to the hard limit,
// address space.
#include "check.h"
#include <sys/resource.h>
#include <sys/wait.h>

static volatile sig_atomic_t up;
static void on_time(int signal) {
    (void)signal;
    up = 1;
}

// A child that uses CPU time without and with calls until something ends it.
static void spend(rlim_t soft, rlim_t hard, int calls, int handler) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct rlimit limit = {soft, hard};
        CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0);
        CHECK(setrlimit(RLIMIT_CPU, &limit) == 0);
        CHECK(getrlimit(RLIMIT_CPU, &limit) == 0 && limit.rlim_cur == soft && limit.rlim_max == hard);
        if (handler)
            signal(SIGXCPU, on_time);
        for (unsigned long n = 0; !up; n++)
            if (calls && n % 100000 == 0)
                getppid();
        _exit(17);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status))
        printf("exit %d\n", WEXITSTATUS(status));
    else
        printf("signal %d\n", WTERMSIG(status));
}

int main(void) {
    spend(1, 1, 0, 0);
    spend(1, 5, 1, 1);

    struct rlimit limit = {20, 40}, now;
    CALL(setrlimit(RLIMIT_NOFILE, &limit));
    CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0);
    SHOW(now.rlim_cur == 20 && now.rlim_max == 40);
    int last = 0;
    for (int fd; (fd = open("/dev/null", O_RDONLY)) >= 0;)
        last = fd;
    SHOW(errno == EMFILE);
    SHOW(last);
    limit.rlim_cur = 41;
    CALL(setrlimit(RLIMIT_NOFILE, &limit));
    // Children have it, too, and can be made although all numbers are taken.
    fflush(stdout);
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0);
        _exit(now.rlim_max);
    }
    CHECK(waitpid(child, &status, 0) == child);
    SHOW(WEXITSTATUS(status));
    // A limit of address space is what was asked for, and a process beyond it can still fork.
    limit.rlim_cur = limit.rlim_max = 1000 << 10;
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
        CHECK(getrlimit(RLIMIT_AS, &now) == 0 && now.rlim_cur == 1000 << 10 && now.rlim_max == 1000 << 10);
        CHECK(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
        pid_t inner = fork();
        CHECK(inner >= 0);
        if (inner == 0)
            _exit(23);
        CHECK(waitpid(inner, &status, 0) == inner);
        _exit(WEXITSTATUS(status));
    }
    CHECK(waitpid(child, &status, 0) == child);
    SHOW(WEXITSTATUS(status));
    return DONE();
}

// covers: clone clone3 waitid pidfd_open pidfd_send_signal poll
// Descriptors of processes: made by clone and clone3 under the lowest number, closed on exec, not inherited by the child;
// poll, waitid and signals by them, for children that run, have ended, and were waited for; and for the program itself.
#include "check.h"
#include <linux/sched.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

// As a libc does it: in a container there may be no clone3.
static long made(int *fd, unsigned long flags) {
    struct clone_args args = {.flags = CLONE_PIDFD | flags, .pidfd = (uint64_t)(uintptr_t)fd, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    return pid >= 0 || errno != ENOSYS ? pid : syscall(SYS_clone, CLONE_PIDFD | flags | SIGCHLD, 0, fd, 0, 0);
}

static int is_refused(void *args, size_t size, int error) {
    return syscall(SYS_clone3, args, size) == -1 && (errno == error || errno == ENOSYS);
}

static long made_by_clone(int *fd) {
    return syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, fd, 0, 0);
}

// POLLHUP depends on whether the process has been waited for: its replicas have.
static int is_ready(int fd, int timeout) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = poll(&p, 1, timeout);
    return ready == 1 ? p.revents & POLLIN : ready;
}

static long signal_by(int fd, int signal, siginfo_t *info) {
    return syscall(SYS_pidfd_send_signal, fd, signal, info, 0);
}

// Waits by the descriptor and shows what is said.
static void wait_by(int fd, pid_t pid, int options) {
    siginfo_t info = {0};
    int result = waitid(P_PIDFD, fd, &info, options);
    CALL(result);
    CHECK(result != 0 || info.si_pid == pid || info.si_pid == 0);
    printf("pid %s, code %d, status %d\n", info.si_pid ? "is its" : "is 0", info.si_code, info.si_status);
}

static volatile sig_atomic_t seen, value;
static void handler(int signal, siginfo_t *info, void *context) {
    (void)context;
    seen = signal;
    value = info->si_value.sival_int;
}

int main(void) {
    int fd = -1, status, gate[2];
    CHECK(pipe2(gate, O_CLOEXEC) == 0);
    // A child that ends at once.
    pid_t pid = made(&fd, 0);
    if (pid == 0)
        _exit(fcntl(5, F_GETFD) == -1 ? 5 : 6);
    CHECK(pid > 0);
    SHOW(fd);
    CALL(fcntl(fd, F_GETFD));
    SHOW(is_ready(fd, -1));
    wait_by(fd, pid, WEXITED | WNOHANG | WNOWAIT);
    CALL(signal_by(fd, SIGUSR1, NULL));
    wait_by(fd, pid, WEXITED);
    wait_by(fd, pid, WEXITED);
    CALL(signal_by(fd, 0, NULL));
    CALL(close(fd));
    // One that runs until it is told, by clone.
    pid = made_by_clone(&fd);
    if (pid == 0) {
        char byte;
        close(gate[1]);
        _exit(read(gate[0], &byte, 1) == 0 ? 7 : 8);
    }
    CHECK(pid > 0);
    SHOW(fd);
    SHOW(is_ready(fd, 0));
    wait_by(fd, pid, WEXITED | WNOHANG);
    CALL(signal_by(fd, 0, NULL));
    CALL(signal_by(fd, SIGSTOP, NULL));
    wait_by(fd, pid, WSTOPPED);
    CALL(signal_by(fd, SIGCONT, NULL));
    wait_by(fd, pid, WCONTINUED);
    CHECK(close(gate[1]) == 0);
    wait_by(fd, pid, WEXITED);
    CALL(waitpid(pid, &status, 0));
    CALL(close(fd));
    // Death by signals.
    int signals[] = {SIGTERM, SIGKILL};
    for (int i = 0; i < 2; i++) {
        CHECK((pid = made(&fd, 0)) >= 0);
        if (pid == 0)
            for (;;)
                pause();
        CALL(signal_by(fd, signals[i], NULL));
        SHOW(is_ready(fd, -1));
        CHECK(waitpid(pid, &status, 0) == pid);
        SHOW(status);
        CALL(close(fd));
    }
    // A descriptor opened afterwards, one that does not wait, a copy under another number.
    CHECK((pid = fork()) >= 0);
    if (pid == 0)
        for (;;)
            pause();
    fd = syscall(SYS_pidfd_open, pid, O_NONBLOCK);
    SHOW(fd);
    wait_by(fd, pid, WEXITED);
    int copy = dup(fd);
    CALL(signal_by(copy, SIGKILL, NULL));
    SHOW(is_ready(copy, -1));
    wait_by(copy, pid, WEXITED);
    CALL(close(copy));
    CALL(close(fd));
    // Folders of /proc, which count as descriptors for signals only.
    char folder[32];
    CHECK((pid = fork()) >= 0);
    if (pid == 0)
        for (;;)
            pause();
    snprintf(folder, sizeof folder, "/proc/%d", pid);
    CHECK((fd = open(folder, O_DIRECTORY)) >= 0);
    wait_by(fd, pid, WEXITED | WNOHANG);
    CALL(signal_by(fd, SIGTERM, NULL));
    CHECK(waitpid(pid, &status, 0) == pid);
    SHOW(status);
    CALL(close(fd));
    CHECK((fd = open("/proc", O_DIRECTORY)) >= 0);
    CALL(signal_by(fd, 0, NULL));
    CALL(close(fd));
    // The program itself.
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    fd = syscall(SYS_pidfd_open, getpid(), 0);
    CALL(signal_by(fd, SIGUSR1, NULL));
    SHOW(seen);
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE, .si_value.sival_int = 42};
    CALL(signal_by(fd, SIGUSR1, &info));
    SHOW(value);
    CALL(signal_by(fd, SIGUSR2, &info));
    CALL(signal_by(fd, 0, NULL));
    CALL(signal_by(fd, 99, NULL));
    wait_by(fd, 0, WEXITED);
    CALL(close(fd));
    seen = 0;
    CHECK((fd = open("/proc/self", O_DIRECTORY)) >= 0);
    CALL(signal_by(fd, SIGUSR1, NULL));
    SHOW(seen);
    CALL(close(fd));
    // What is refused.
    CALL(signal_by(0, 0, NULL));
    CALL(signal_by(900, 0, NULL));
    wait_by(0, 0, WEXITED);
    CALL(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0));
    CALL(made((int *)8, 0));
    struct clone_args args = {.exit_signal = 1000};
    CHECK(is_refused(&args, sizeof args, EINVAL));
    CHECK(is_refused(&args, 8, EINVAL));
    CHECK(is_refused((void *)8, sizeof args, EFAULT));
    // With no number left no child is made.
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 64;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    fflush(stdout);
    int last = -1, next;
    while ((next = dup(0)) >= 0)
        last = next;
    CHECK(errno == EMFILE);
    CALL(made(&fd, 0));
    CALL(waitpid(-1, &status, WNOHANG));
    // With some left, it is the lowest.
    for (int i = 0; i < 4; i++)
        CHECK(close(last - i) == 0);
    CHECK((pid = made(&fd, CLONE_VFORK)) >= 0);
    if (pid == 0)
        _exit(0);
    CHECK(fd == last - 3);
    wait_by(fd, pid, WEXITED);
    return DONE();
}

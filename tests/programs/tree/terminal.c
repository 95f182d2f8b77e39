// covers: setsid ioctl(TIOCSCTTY) ioctl(TIOCNOTTY) ioctl(TIOCSPGRP) ioctl(TIOCGPGRP) wait4
// flags: -lutil
// A session of its own on a pseudo-terminal: its keys interrupt and stop the foreground job, /dev/tty is it.
#include "check.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

static int from_shell, to_shell;
// Waits for the byte that the other side sends when it has got so far.
static void hear(int fd, char wanted) {
    char byte;
    while (read(fd, &byte, 1) == 1)
        if (byte == wanted)
            return;
    CHECK(!"the other side has gone");
}

// What a shell does for one job: a process group in the foreground, and what became of it.
static void job(int in, int out) {
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN);
        CHECK(tcsetpgrp(0, getpid()) == 0);
        CHECK(write(out, "j", 1) == 1);
        for (;;)
            usleep(1000);
    }
    setpgid(child, child);
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    char word = WIFSTOPPED(status) ? 's' : 'e';
    CHECK(write(out, &word, 1) == 1);
    CHECK(write(out, &(char){'0' + (WIFSTOPPED(status) ? WSTOPSIG(status) : WTERMSIG(status))}, 1) == 1);
    if (WIFSTOPPED(status)) {
        hear(in, 'k');
        CHECK(kill(-child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    }
    CHECK(tcsetpgrp(0, getpid()) == 0);
}

int main(void) {
    int master, slave, up[2], down[2], status;
    CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    CHECK(pipe(up) == 0 && pipe(down) == 0);
    fflush(stdout);
    pid_t shell = fork();
    CHECK(shell >= 0);
    if (shell == 0) {
        close(master);
        CHECK(setsid() == getpid());
        CHECK(ioctl(slave, TIOCSCTTY, 0) == 0);
        CHECK(dup2(slave, 0) == 0);
        signal(SIGTTOU, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        int tty = open("/dev/tty", O_RDWR);
        CHECK(tty >= 0 && tcgetpgrp(tty) == getpid() && tcgetsid(tty) == getpid());
        job(down[0], up[1]);
        job(down[0], up[1]);
        CHECK(ioctl(tty, TIOCNOTTY) == 0);
        CHECK(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
        _exit(5);
    }
    from_shell = up[0], to_shell = down[1];
    char word[2];
    hear(from_shell, 'j');
    CHECK(write(master, "\003", 1) == 1);
    CHECK(read(from_shell, word, 1) == 1 && read(from_shell, word + 1, 1) == 1);
    printf("%c%d\n", word[0], word[1] - '0');
    hear(from_shell, 'j');
    CHECK(write(master, "\032", 1) == 1);
    CHECK(read(from_shell, word, 1) == 1 && read(from_shell, word + 1, 1) == 1);
    printf("%c%d\n", word[0], word[1] - '0');
    CHECK(write(to_shell, "k", 1) == 1);
    CHECK(waitpid(shell, &status, 0) == shell);
    SHOW(WEXITSTATUS(status));
    return DONE();
}

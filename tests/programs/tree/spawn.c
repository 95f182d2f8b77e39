// covers: vfork clone execve posix_spawn close-on-exec
// Starting programs: by vfork, by posix_spawn with its report of errors, with descriptors that close.
#include "check.h"
#include <spawn.h>
#include <sys/wait.h>
extern char **environ;
static int end_of(pid_t child) {
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
int main(void) {
    pid_t child;
    setvbuf(stdout, NULL, _IONBF, 0);
    char *hello[] = {"sh", "-c", "echo spawned $1; exit 4", "sh", "well", NULL};
    int started = posix_spawn(&child, "/bin/sh", NULL, NULL, hello, environ);
    SHOW(end_of(child));
    SHOW(started);
    char *none[] = {"nothing", NULL};
    CALL(posix_spawn(&child, "/no/such/program", NULL, NULL, none, environ));
    CALL(posix_spawnp(&child, "no-such-program", NULL, NULL, none, environ));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "out", O_WRONLY | O_CREAT, 0644);
    CALL(posix_spawn(&child, "/bin/sh", &actions, NULL, hello, environ));
    SHOW(end_of(child));
    posix_spawn_file_actions_addopen(&actions, 5, "no/such/folder", O_RDONLY, 0);
    CALL(posix_spawn(&child, "/bin/sh", &actions, NULL, hello, environ));
    child = vfork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "echo vforked; exit 6", NULL);
        _exit(1);
    }
    SHOW(end_of(child));
    child = vfork();
    if (child == 0) {
        execl("/no/such/program", "sh", NULL);
        _exit(errno == ENOENT ? 7 : 1);
    }
    SHOW(end_of(child));
    int closing = open("/dev/null", O_RDONLY | O_CLOEXEC), open_on = open("/dev/null", O_RDONLY);
    char script[200];
    snprintf(script, sizeof script, "[ -e /proc/self/fd/%d ] && echo left open; [ -e /proc/self/fd/%d ] || echo closed", open_on, closing);
    child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", script, NULL);
        _exit(1);
    }
    SHOW(end_of(child));
    return DONE();
}

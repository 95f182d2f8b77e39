// covers: inotify_init1 inotify_add_watch inotify_rm_watch
// Watching a folder.
#include "check.h"
#include <sys/inotify.h>
int main(void) {
    char buffer[4096] __attribute__((aligned(8)));
    CALL(mkdir("d", 0755));
    CALL(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    CALL(inotify_add_watch(3, "d", IN_CREATE | IN_DELETE | IN_MOVE | IN_CLOSE_WRITE));
    CALL(inotify_add_watch(3, "none", IN_CREATE));
    CALL(read(3, buffer, sizeof buffer));
    put_file("d/one", "x");
    CALL(rename("d/one", "d/two"));
    CALL(unlink("d/two"));
    ssize_t n = CALL(read(3, buffer, sizeof buffer));
    for (char *p = buffer; p < buffer + n;) {
        struct inotify_event *e = (void *)p;
        printf("watch %d mask %x %s\n", e->wd, e->mask, e->len ? e->name : "");
        p += sizeof *e + e->len;
    }
    CALL(inotify_rm_watch(3, 1));
    CALL(inotify_rm_watch(3, 1));
    CALL(read(3, buffer, sizeof buffer));
    CALL(read(3, buffer, 4));
    return DONE();
}

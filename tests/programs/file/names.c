// covers: rename renameat2 link linkat symlink readlink unlink unlinkat mkdir rmdir
// Names come, move and go.
#include "check.h"
int main(void) {
    char text[64] = "";
    put_file("a", "content of a");
    CALL(link("a", "b"));
    CALL(link("none", "c"));
    CALL(link("a", "b"));
    CALL(symlink("a", "s"));
    CALL(symlink("gone", "dangling"));
    CALL(readlink("s", text, sizeof text));
    puts(text);
    CALL(readlink("dangling", text, 2));
    CALL(readlink("a", text, sizeof text));
    CALL(readlink("s", text, 0));
    CALL(rename("b", "moved"));
    CALL(rename("none", "x"));
    CALL(mkdir("d", 0700));
    CALL(mkdir("d", 0700));
    CALL(mkdir("none/d", 0700));
    CALL(rename("moved", "d/moved"));
    CALL(rename("a", "d"));
    CALL(rename("d", "a"));
    CALL(renameat2(AT_FDCWD, "a", AT_FDCWD, "s", RENAME_NOREPLACE));
    CALL(renameat2(AT_FDCWD, "a", AT_FDCWD, "s", RENAME_EXCHANGE));
    CALL(readlink("a", text, sizeof text));
    CALL(rmdir("d"));
    CALL(unlink("d"));
    CALL(unlink("none"));
    CALL(open("d", O_RDONLY | O_DIRECTORY));
    CALL(unlinkat(3, "moved", 0));
    CALL(mkdirat(3, "sub", 0755));
    CALL(symlinkat("target", 3, "link"));
    CALL(linkat(AT_FDCWD, "s", 3, "hard", 0));
    CALL(linkat(AT_FDCWD, "a", 3, "hard2", AT_SYMLINK_FOLLOW));
    CALL(renameat(3, "sub", AT_FDCWD, "top"));
    CALL(unlinkat(AT_FDCWD, "top", AT_REMOVEDIR));
    CALL(unlinkat(AT_FDCWD, "top", 0x55));
    CALL(mknod("fifo", S_IFIFO | 0600, 0));
    CALL(mkfifoat(3, "fifo", 0640));
    // An open file outlives its name.
    CALL(open("s", O_RDONLY));
    CALL(unlink("s"));
    memset(text, 0, sizeof text);
    CALL(read(4, text, sizeof text));
    puts(text);
    return DONE();
}

// covers: setxattr getxattr listxattr removexattr fsetxattr fgetxattr flistxattr fremovexattr lgetxattr
// Extended attributes, in all three forms.
#include "check.h"
#include <sys/xattr.h>
int main(void) {
    char value[64], list[256];
    put_file("f", "x");
    CALL(open("f", O_RDWR));
    CALL(setxattr("f", "user.colour", "green", 5, 0));
    CALL(setxattr("f", "user.colour", "red", 3, XATTR_CREATE));
    CALL(fsetxattr(3, "user.size", "17", 2, XATTR_REPLACE));
    CALL(fsetxattr(3, "user.size", "17", 2, 0));
    memset(value, 0, sizeof value);
    CALL(getxattr("f", "user.colour", value, sizeof value));
    puts(value);
    CALL(getxattr("f", "user.colour", NULL, 0));
    CALL(getxattr("f", "user.colour", value, 2));
    CALL(getxattr("f", "user.none", value, sizeof value));
    CALL(fgetxattr(3, "user.size", value, sizeof value));
    CALL(lgetxattr("f", "user.size", value, sizeof value));
    CALL(listxattr("f", list, sizeof list));
    CALL(flistxattr(3, NULL, 0));
    CALL(listxattr("f", list, 3));
    CALL(removexattr("f", "user.size"));
    CALL(fremovexattr(3, "user.size"));
    CALL(listxattr("f", list, sizeof list));
    CALL(setxattr("f", "nonsense", "x", 1, 0));
    CALL(setxattr("none", "user.x", "x", 1, 0));
    return DONE();
}

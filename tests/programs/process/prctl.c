// covers: prctl PR_SET_NAME PR_GET_NAME PR_SET_DUMPABLE PR_SET_NO_NEW_PRIVS personality
// Small settings of a process.
#include "check.h"
#include <sys/personality.h>
#include <sys/prctl.h>
int main(void) {
    char name[17] = "";
    CALL(prctl(PR_GET_NAME, name));
    puts(name);
    CALL(prctl(PR_SET_NAME, "another name that is too long"));
    CALL(prctl(PR_GET_NAME, name));
    puts(name);
    SHOW(prctl(PR_GET_DUMPABLE));
    CALL(prctl(PR_SET_DUMPABLE, 0));
    SHOW(prctl(PR_GET_DUMPABLE));
    CALL(prctl(PR_SET_DUMPABLE, 7));
    SHOW(prctl(PR_GET_TIMERSLACK));
    CALL(prctl(PR_GET_PDEATHSIG, &(int){0}));
    SHOW(prctl(PR_GET_KEEPCAPS));
    CALL(personality(0xffffffff));
    CALL(prctl(99999, 0));
    int how = 0;
    CALL(prctl(PR_GET_TSC, &how));
    SHOW(how);
    return DONE();
}

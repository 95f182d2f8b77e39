// covers: exit_group status above 255
// status: 52
// token: none
// Only the low eight bits of a status arrive.
#include "check.h"
int main(void) { syscall(SYS_exit_group, 0x1234); }

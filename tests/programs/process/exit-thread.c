// covers: exit
// status: 17
// token: none
// exit of the only thread ends the process.
#include "check.h"
int main(void) { syscall(SYS_exit, 17); }

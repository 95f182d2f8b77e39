// covers: exit_group status 1
// status: 1
// token: none
#include "check.h"
int main(void) { return 1; }

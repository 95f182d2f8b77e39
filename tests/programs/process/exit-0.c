// covers: exit_group status 0
// status: 0
// token: none
#include "check.h"
int main(void) { return 0; }

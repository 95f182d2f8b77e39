// covers: exit_group status 128
// status: 128
// token: none
#include "check.h"
int main(void) { return 128; }

// covers: exit_group status 255
// status: 255
// token: none
#include "check.h"
int main(void) { return 255; }

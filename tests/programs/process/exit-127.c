// covers: exit_group status 127
// status: 127
// token: none
#include "check.h"
int main(void) { return 127; }

// covers: exit_group status 42
// status: 42
// token: none
#include "check.h"
int main(void) { return 42; }

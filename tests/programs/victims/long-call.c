// covers: a call that lasts longer than the deadline of the runtime
// Waiting for the outside world is no fault, however long it takes.
#include "check.h"
#include <poll.h>
int main(void) {
    CALL(poll(NULL, 0, 1500));
    return DONE();
}

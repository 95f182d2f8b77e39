// covers: shmget shmat shmdt shmctl
// System V shared memory: natively it works; a runtime that keeps replicas apart may refuse it, in sight.
#include "check.h"
#include <sys/ipc.h>
#include <sys/shm.h>
int main(void) {
    int id = shmget(IPC_PRIVATE, 8192, 0600);
    if (id == -1) {
        CHECK(errno == ENOSYS || errno == EPERM || errno == EACCES);
    } else {
        char *p = shmat(id, NULL, 0);
        if (p == (void *)-1) {
            CHECK(errno == ENOSYS || errno == EPERM || errno == EACCES);
        } else {
            strcpy(p, "in shared memory");
            CHECK(!strcmp(p, "in shared memory"));
            CHECK(shmdt(p) == 0);
        }
        CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    }
    return DONE();
}

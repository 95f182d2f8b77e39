// covers: msgget msgsnd msgrcv msgctl semget semop semctl semtimedop
// System V queues and semaphores of one's own.
#include "check.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <time.h>
int main(void) {
    struct {
        long type;
        char text[64];
    } m = {3, "a message"};
    int q = msgget(IPC_PRIVATE, 0600);
    CHECK(q >= 0);
    CALL(msgsnd(q, &m, 10, 0));
    m.type = 5;
    CALL(msgsnd(q, &m, 4, IPC_NOWAIT));
    memset(&m, 0, sizeof m);
    CALL(msgrcv(q, &m, 64, 5, 0));
    SHOW(m.type);
    puts(m.text);
    CALL(msgrcv(q, &m, 3, 0, 0));
    CALL(msgrcv(q, &m, 3, 0, MSG_NOERROR));
    SHOW(m.type);
    CALL(msgrcv(q, &m, 64, 0, IPC_NOWAIT));
    CALL(msgrcv(q, (void *)8, 64, 0, IPC_NOWAIT));
    struct msqid_ds ds;
    CALL(msgctl(q, IPC_STAT, &ds));
    SHOW(ds.msg_qnum);
    CALL(msgctl(q, IPC_RMID, NULL));
    CALL(msgsnd(q, &m, 4, 0));
    int s = semget(IPC_PRIVATE, 2, 0600);
    CHECK(s >= 0);
    CALL(semctl(s, 0, SETVAL, 3));
    CALL(semctl(s, 0, GETVAL));
    struct sembuf ops[2] = {{0, -2, 0}, {1, 4, 0}};
    CALL(semop(s, ops, 2));
    CALL(semctl(s, 0, GETVAL));
    CALL(semctl(s, 1, GETVAL));
    ops[0].sem_flg = IPC_NOWAIT;
    CALL(semop(s, ops, 1));
    ops[0].sem_flg = 0;
    CALL(semtimedop(s, ops, 1, &(struct timespec){0, 1000000}));
    CALL(semop(s, (void *)8, 1));
    CALL(semctl(s, 0, IPC_RMID));
    CALL(semctl(s, 0, GETVAL));
    return DONE();
}

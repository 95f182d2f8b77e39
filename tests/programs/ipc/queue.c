// covers: mq_open mq_unlink mq_timedsend mq_timedreceive mq_getsetattr
// flags: -lrt
// A POSIX queue.
#include "check.h"
#include <mqueue.h>
#include <time.h>
int main(void) {
    char name[64], text[128] = "";
    sprintf(name, "/rcb-test-%d", getpid());
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64};
    mqd_t q = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr);
    CHECK(q >= 0);
    CALL(mq_send(q, "low", 4, 1));
    CALL(mq_send(q, "high", 5, 9));
    unsigned priority;
    CALL(mq_receive(q, text, sizeof text, &priority));
    SHOW(priority);
    puts(text);
    CALL(mq_getattr(q, &attr));
    SHOW(attr.mq_curmsgs);
    CALL(mq_receive(q, text, 3, NULL));
    CALL(mq_receive(q, text, sizeof text, NULL));
    CALL(mq_receive(q, text, sizeof text, NULL));
    CALL(mq_timedsend(q, "x", 2, 0, &(struct timespec){1, 0}));
    CALL(mq_close(q));
    CALL(mq_unlink(name));
    CALL(mq_unlink(name));
    return DONE();
}

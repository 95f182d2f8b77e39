//! Calls between processes beyond files and sockets: futexes, System V objects, message queues, keys.
//!
//! Objects that carry messages are used once for all replicas; memory shared with other processes is refused,
//! because what stands in it would change between two looks.

use crate::family::{futex, msgctl, semctl};
use crate::row::prelude::*;

const SHARED: &str = "memory shared with other processes changes outside the agreed order";
const KEYS: &str = "keyrings belong to one process and are not kept in step";
const NOTIFY: &str = "what is registered belongs to one process and would be lost with it";
const FUTEX2: &str = "waiting for several addresses needs threads";

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    refused(29, "shmget", &[Int, Int, Int], ENOSYS, SHARED),
    refused(30, "shmat", &[Int, Addr, Int], ENOSYS, SHARED),
    refused(31, "shmctl", &[Int, Int, Addr], ENOSYS, SHARED),
    output(64, "semget", &[Int, Int, Flags(flags::IPC_GET)]),
    output(65, "semop", &[Int, In(Times { arg: 2, size: 6 }), Int]).blocking(),
    output(66, "semctl", &[Int, Int, Int, Addr])
        .with(&semctl::FAMILY)
        .but("GETALL and SETALL, whose length is that of the set, are missing"),
    refused(67, "shmdt", &[Addr], ENOSYS, SHARED),
    output(68, "msgget", &[Int, Flags(flags::IPC_GET)]),
    output(69, "msgsnd", &[Int, In(Len::Msg { arg: 2 }), Int, Flags(flags::MSG_QUEUE)]).blocking(),
    taking(70, "msgrcv", &[Int, Out(Len::MsgResult { cap: 2 }), Int, Int, Flags(flags::MSG_QUEUE)]).blocking(),
    output(71, "msgctl", &[Int, Int, Addr]).with(&msgctl::FAMILY),
    handled(202, "futex", &[Addr, Flags(flags::FUTEX), Int], Local, Handler::Futex)
        .blocking()
        .with(&futex::FAMILY)
        .but("priority inheritance is missing"),
    output(220, "semtimedop", &[Int, In(Times { arg: 2, size: 6 }), Int, In(TIME)]).blocking(),
    output(240, "mq_open", &[Path, Flags(flags::OPEN), Int, In(MQ_ATTR)]).makes(Makes::Result(Cloexec::Always)),
    output(241, "mq_unlink", &[Path]),
    output(242, "mq_timedsend", &[Fd, In(Len::Arg(2)), Int, Int, In(TIME)]).blocking(),
    taking(243, "mq_timedreceive", &[Fd, Out(Len::Result { cap: 2 }), Int, Out(INT), In(TIME)]).blocking(),
    refused(244, "mq_notify", &[Fd, In(SIGEVENT)], ENOSYS, NOTIFY),
    taking(245, "mq_getsetattr", &[Fd, In(MQ_ATTR), Out(MQ_ATTR)]),
    refused(248, "add_key", &[Name, Name, In(Len::Arg(3)), Int, Int], ENOSYS, KEYS),
    refused(249, "request_key", &[Name, Name, Path, Int], ENOSYS, KEYS),
    refused(250, "keyctl", &[Int, Int, Int, Int, Int], ENOSYS, KEYS),
    each(324, "membarrier", &[Flags(flags::MEMBARRIER), Int, Int]),
    refused(449, "futex_waitv", &[In(Times { arg: 1, size: 24 }), Int, Int, In(TIME), Int], ENOSYS, FUTEX2),
    refused(454, "futex_wake", &[Addr, Int, Int, Int], ENOSYS, FUTEX2),
    refused(455, "futex_wait", &[Addr, Int, Int, Int, In(TIME), Int], ENOSYS, FUTEX2),
    refused(456, "futex_requeue", &[In(Bytes(48)), Int, Int, Int], ENOSYS, FUTEX2),
];

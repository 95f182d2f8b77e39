//! `msgctl` by command.

use crate::row::prelude::*;
use crate::spec::Family;

/// `struct msqid64_ds`.
const MSQID: Len = Bytes(120);
/// `struct msginfo`.
const MSGINFO: Len = Bytes(32);

/// Selected by argument 1.
pub static FAMILY: Family = Family {
    select: 1,
    mask: u32::MAX,
    rows: &[
        output(0, "IPC_RMID", &[Int, Int]),
        output(1, "IPC_SET", &[Int, Int, In(MSQID)]),
        input(2, "IPC_STAT", &[Int, Int, Out(MSQID)]),
        input(3, "IPC_INFO", &[Int, Int, Out(MSGINFO)]),
        input(11, "MSG_STAT", &[Int, Int, Out(MSQID)]),
        input(12, "MSG_INFO", &[Int, Int, Out(MSGINFO)]),
        input(13, "MSG_STAT_ANY", &[Int, Int, Out(MSQID)]),
    ],
    unknown: EINVAL,
};

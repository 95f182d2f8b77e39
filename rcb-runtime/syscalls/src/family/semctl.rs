//! `semctl` by command.

use crate::row::prelude::*;
use crate::spec::Family;

/// `struct semid64_ds`.
const SEMID: Len = Bytes(104);
/// `struct seminfo`.
const SEMINFO: Len = Bytes(40);
const OF_SET: &str = "its length is that of the set, which no argument says";

/// Selected by argument 2.
pub static FAMILY: Family = Family {
    select: 2,
    mask: u32::MAX,
    rows: &[
        output(0, "IPC_RMID", &[Int, Int, Int]),
        output(1, "IPC_SET", &[Int, Int, Int, In(SEMID)]),
        input(2, "IPC_STAT", &[Int, Int, Int, Out(SEMID)]),
        input(3, "IPC_INFO", &[Int, Int, Int, Out(SEMINFO)]),
        input(11, "GETPID", &[Int, Int, Int]),
        input(12, "GETVAL", &[Int, Int, Int]),
        refused(13, "GETALL", &[Int, Int, Int, Addr], EINVAL, OF_SET),
        input(14, "GETNCNT", &[Int, Int, Int]),
        input(15, "GETZCNT", &[Int, Int, Int]),
        output(16, "SETVAL", &[Int, Int, Int, Int]),
        refused(17, "SETALL", &[Int, Int, Int, Addr], EINVAL, OF_SET),
        input(18, "SEM_STAT", &[Int, Int, Int, Out(SEMID)]),
        input(19, "SEM_INFO", &[Int, Int, Int, Out(SEMINFO)]),
        input(20, "SEM_STAT_ANY", &[Int, Int, Int, Out(SEMID)]),
    ],
    unknown: EINVAL,
};

//! `fcntl` by command.
//!
//! Flags of the description and locks belong to the one object behind the mirrored descriptors: once. The
//! close-on-exec bit belongs to each replica's own table: everywhere. Locks are those of the leader's process, which
//! is the same one for every call.

use crate::row::prelude::*;
use crate::spec::Family;

/// `struct flock`.
const LOCK: Len = Bytes(32);

/// Selected by argument 1.
pub static FAMILY: Family = Family {
    select: 1,
    mask: u32::MAX,
    rows: &[
        handled(0, "F_DUPFD", &[Fd, Int, Int], Local, Handler::Dup).makes(Makes::Result(Cloexec::Never)),
        each(1, "F_GETFD", &[Fd, Int]),
        each(2, "F_SETFD", &[Fd, Int, Int]),
        input(3, "F_GETFL", &[Fd, Int]),
        output(4, "F_SETFL", &[Fd, Int, Flags(flags::OPEN)]),
        input(5, "F_GETLK", &[Fd, Int, InOut(LOCK)]),
        output(6, "F_SETLK", &[Fd, Int, In(LOCK)]),
        output(7, "F_SETLKW", &[Fd, Int, In(LOCK)]).blocking(),
        output(8, "F_SETOWN", &[Fd, Int, Int]),
        input(9, "F_GETOWN", &[Fd, Int]),
        output(10, "F_SETSIG", &[Fd, Int, Int]),
        input(11, "F_GETSIG", &[Fd, Int]),
        output(15, "F_SETOWN_EX", &[Fd, Int, In(Bytes(8))]),
        input(16, "F_GETOWN_EX", &[Fd, Int, Out(Bytes(8))]),
        input(17, "F_GETOWNER_UIDS", &[Fd, Int, Out(Bytes(8))]),
        input(36, "F_OFD_GETLK", &[Fd, Int, InOut(LOCK)]),
        output(37, "F_OFD_SETLK", &[Fd, Int, In(LOCK)]),
        output(38, "F_OFD_SETLKW", &[Fd, Int, In(LOCK)]).blocking(),
        output(1024, "F_SETLEASE", &[Fd, Int, Int]),
        input(1025, "F_GETLEASE", &[Fd, Int]),
        output(1026, "F_NOTIFY", &[Fd, Int, Int]),
        input(1027, "F_DUPFD_QUERY", &[Fd, Int, Fd]),
        input(1028, "F_CREATED_QUERY", &[Fd, Int]),
        handled(1030, "F_DUPFD_CLOEXEC", &[Fd, Int, Int], Local, Handler::Dup).makes(Makes::Result(Cloexec::Always)),
        taking(1031, "F_SETPIPE_SZ", &[Fd, Int, Int]),
        input(1032, "F_GETPIPE_SZ", &[Fd, Int]),
        output(1033, "F_ADD_SEALS", &[Fd, Int, Int]),
        input(1034, "F_GET_SEALS", &[Fd, Int]),
        input(1035, "F_GET_RW_HINT", &[Fd, Int, Out(LONG)]),
        output(1036, "F_SET_RW_HINT", &[Fd, Int, In(LONG)]),
        input(1037, "F_GET_FILE_RW_HINT", &[Fd, Int, Out(LONG)]),
        output(1038, "F_SET_FILE_RW_HINT", &[Fd, Int, In(LONG)]),
    ],
    unknown: EINVAL,
};

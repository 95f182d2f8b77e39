//! Calls on descriptors: reading, writing, moving data, duplicating, closing, and the control multiplexers.
//!
//! Writing is an output; reading takes bytes away or moves an offset that all descriptors of the group share.

use crate::family::{fcntl, ioctl};
use crate::row::prelude::*;

const AIO: &str = "the kernel would write into guest memory at any time";

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    handled(0, "read", &[Fd, Out(Len::Result { cap: 2 }), Int], ConsumingInput, Handler::Read).blocking(),
    output(1, "write", &[Fd, In(Len::Arg(2)), Int]).blocking(),
    handled(3, "close", &[Fd], Local, Handler::Close),
    taking(8, "lseek", &[Fd, Int, Flags(flags::WHENCE)]),
    output(16, "ioctl", &[Fd, Int, Addr])
        .with(&ioctl::FAMILY)
        .but("the listed requests only; any other is answered ENOTTY"),
    handled(17, "pread64", &[Fd, Out(Len::Result { cap: 2 }), Int, Int], PureInput, Handler::Read).blocking(),
    output(18, "pwrite64", &[Fd, In(Len::Arg(2)), Int, Int]).blocking(),
    handled(19, "readv", &[Fd, OutVec { count: 2 }, Int], ConsumingInput, Handler::Read).blocking(),
    output(20, "writev", &[Fd, InVec { count: 2 }, Int]).blocking(),
    making(22, "pipe", &[Out(PAIR)], Cloexec::Never).makes(Makes::Pair { arg: 0, cloexec: Cloexec::Never }),
    handled(32, "dup", &[Fd], Local, Handler::Dup).makes(Makes::Result(Cloexec::Never)),
    handled(33, "dup2", &[Fd, Fd], Local, Handler::Dup).makes(Makes::Result(Cloexec::Never)),
    output(40, "sendfile", &[Fd, Fd, InOut(LONG), Int]).blocking(),
    output(72, "fcntl", &[Fd, Int, Addr])
        .with(&fcntl::FAMILY)
        .but("leases, directory notices and signals on input are missing"),
    output(73, "flock", &[Fd, Flags(flags::FLOCK)]).blocking(),
    output(74, "fsync", &[Fd]),
    output(75, "fdatasync", &[Fd]),
    output(77, "ftruncate", &[Fd, Int]),
    output(162, "sync", &[]),
    each(187, "readahead", &[Fd, Int, Int]),
    refused(206, "io_setup", &[Int, InOut(LONG)], ENOSYS, AIO),
    refused(207, "io_destroy", &[Int], ENOSYS, AIO),
    refused(208, "io_getevents", &[Int, Int, Int, Out(Len::ResultTimes { cap: 2, size: 32 }), In(TIME)], ENOSYS, AIO),
    refused(209, "io_submit", &[Int, Int, Addr], ENOSYS, AIO),
    refused(210, "io_cancel", &[Int, In(Bytes(64)), Out(Bytes(32))], ENOSYS, AIO),
    each(221, "fadvise64", &[Fd, Int, Int, Flags(flags::FADVISE)]),
    output(275, "splice", &[Fd, InOut(LONG), Fd, InOut(LONG), Int, Flags(flags::SPLICE)]).blocking(),
    output(276, "tee", &[Fd, Fd, Int, Flags(flags::SPLICE)]).blocking(),
    output(277, "sync_file_range", &[Fd, Int, Int, Flags(flags::SYNC_RANGE)]),
    refused(
        278,
        "vmsplice",
        &[Fd, InVec { count: 2 }, Int, Flags(flags::SPLICE)],
        ENOSYS,
        "pages given to a pipe stay shared with it, so that later writes would leave unchecked",
    ),
    output(285, "fallocate", &[Fd, Flags(flags::FALLOCATE), Int, Int]),
    handled(292, "dup3", &[Fd, Fd, Flags(flags::DUP3)], Local, Handler::Dup).makes(Makes::Result(o_cloexec(2))),
    making(293, "pipe2", &[Out(PAIR), Flags(flags::PIPE)], Cloexec::Never)
        .makes(Makes::Pair { arg: 0, cloexec: o_cloexec(1) }),
    handled(295, "preadv", &[Fd, OutVec { count: 2 }, Int, Int, Int], PureInput, Handler::Read).blocking(),
    output(296, "pwritev", &[Fd, InVec { count: 2 }, Int, Int, Int]).blocking(),
    output(306, "syncfs", &[Fd]),
    output(326, "copy_file_range", &[Fd, InOut(LONG), Fd, InOut(LONG), Int, Int]).blocking(),
    handled(
        327,
        "preadv2",
        &[Fd, OutVec { count: 2 }, Int, Int, Int, Flags(flags::RWF)],
        ConsumingInput,
        Handler::Read,
    )
    .blocking(),
    output(328, "pwritev2", &[Fd, InVec { count: 2 }, Int, Int, Int, Flags(flags::RWF)]).blocking(),
    refused(
        333,
        "io_pgetevents",
        &[Int, Int, Int, Out(Len::ResultTimes { cap: 2, size: 32 }), In(TIME), SigMaskIndirect],
        ENOSYS,
        AIO,
    ),
    refused(425, "io_uring_setup", &[Int, InOut(Bytes(120))], ENOSYS, "its rings are memory shared with the kernel"),
    refused(426, "io_uring_enter", &[Fd, Int, Int, Int, Addr, Int], ENOSYS, "io_uring_setup is refused"),
    refused(427, "io_uring_register", &[Fd, Int, Addr, Int], ENOSYS, "io_uring_setup is refused"),
    handled(436, "close_range", &[Int, Int, Flags(flags::CLOSE_RANGE)], Local, Handler::CloseRange),
    input(451, "cachestat", &[Fd, In(Bytes(16)), Out(Bytes(40)), Int]),
];

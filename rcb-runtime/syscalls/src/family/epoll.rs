//! `epoll_ctl` by operation: removing looks at no event, so the pointer may be anything.

use crate::row::prelude::*;
use crate::spec::Family;

/// `struct epoll_event`, packed on x86-64.
const EVENT: Len = Bytes(12);

/// Selected by argument 1.
pub static FAMILY: Family = Family {
    select: 1,
    mask: u32::MAX,
    rows: &[
        taking(1, "EPOLL_CTL_ADD", &[Fd, Int, Fd, In(EVENT)]),
        taking(2, "EPOLL_CTL_DEL", &[Fd, Int, Fd]),
        taking(3, "EPOLL_CTL_MOD", &[Fd, Int, Fd, In(EVENT)]),
    ],
    unknown: EINVAL,
};

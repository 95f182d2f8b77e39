//! Calls that wait for descriptors, and the descriptors that exist to be waited for.
//!
//! Waiting counts as taking input away: edge-triggered and one-shot events are consumed, and what a wait sees may depend on
//! descriptors that all replicas must have closed before. The word that epoll hands back may be a pointer of the guest: it is the same in every
//! replica, because all have one layout of memory. Sets of descriptors are changed once, after agreement, because
//! the mirrored descriptors of the group stand for one object in the kernel.

use crate::family::epoll;
use crate::row::prelude::*;

const EVENTS: Len = Len::ResultTimes { cap: 2, size: 12 };
const POLLFDS: Len = Times { arg: 1, size: 8 };
const FDS: Len = Len::FdSet { nfds: 0 };

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    taking(7, "poll", &[InOut(POLLFDS), Int, Int]).blocking(),
    taking(23, "select", &[Int, InOut(FDS), InOut(FDS), InOut(FDS), InOut(TIME)]).blocking(),
    making(213, "epoll_create", &[Int], Cloexec::Never),
    never(214, "epoll_ctl_old"),
    never(215, "epoll_wait_old"),
    taking(232, "epoll_wait", &[Fd, Out(EVENTS), Int, Int]).blocking(),
    taking(233, "epoll_ctl", &[Fd, Int, Fd, Addr]).with(&epoll::FAMILY),
    making(253, "inotify_init", &[], Cloexec::Never),
    taking(254, "inotify_add_watch", &[Fd, Path, Flags(flags::INOTIFY_MASK)]),
    taking(255, "inotify_rm_watch", &[Fd, Int]),
    taking(270, "pselect6", &[Int, InOut(FDS), InOut(FDS), InOut(FDS), InOut(TIME), SigMaskIndirect]).blocking(),
    taking(271, "ppoll", &[InOut(POLLFDS), Int, InOut(TIME), SigMask(Len::Arg(4)), Int]).blocking(),
    taking(281, "epoll_pwait", &[Fd, Out(EVENTS), Int, Int, SigMask(Len::Arg(5)), Int]).blocking(),
    making(283, "timerfd_create", &[Flags(flags::CLOCK), Flags(flags::TIMERFD)], o_cloexec(1)),
    making(284, "eventfd", &[Int], Cloexec::Never),
    taking(286, "timerfd_settime", &[Fd, Flags(flags::TIMERFD_SET), In(ITIMER), Out(ITIMER)]),
    input(287, "timerfd_gettime", &[Fd, Out(ITIMER)]),
    making(290, "eventfd2", &[Int, Flags(flags::EVENTFD)], o_cloexec(1)),
    making(291, "epoll_create1", &[Flags(flags::EPOLL_CREATE)], o_cloexec(0)),
    making(294, "inotify_init1", &[Flags(flags::INOTIFY)], o_cloexec(0)),
    taking(441, "epoll_pwait2", &[Fd, Out(EVENTS), Int, In(TIME), SigMask(Len::Arg(5)), Int]).blocking(),
];

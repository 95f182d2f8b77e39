//! Calls on signals. Masks, dispositions and alternate stacks of a guest are virtual and kept by the agent.
//!
//! Signals from outside arrive at the leader, whose process has the guest's mask and dispositions, and are delivered in
//! every replica with the next call whose result the leader hands out.

use crate::row::prelude::*;

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    handled(
        13,
        "rt_sigaction",
        &[Flags(flags::SIGNAL), In(SIGACTION), Out(SIGACTION), Int],
        Signal,
        Handler::SigAction,
    )
    .but("a handler for a signal from outside runs at the next call, not in between"),
    handled(
        14,
        "rt_sigprocmask",
        &[Flags(flags::SIG_HOW), In(Len::Arg(3)), Out(Len::Arg(3)), Int],
        Signal,
        Handler::SigProcMask,
    ),
    handled(15, "rt_sigreturn", &[], Signal, Handler::SigReturn),
    taking(34, "pause", &[]).blocking(),
    handled(62, "kill", &[Int, Flags(flags::SIGNAL)], Signal, Handler::Kill),
    handled(127, "rt_sigpending", &[Out(Len::Arg(1)), Int], Signal, Handler::SigPending),
    taking(128, "rt_sigtimedwait", &[In(Len::Arg(3)), Out(SIGINFO), In(TIME), Int]).blocking(),
    handled(129, "rt_sigqueueinfo", &[Int, Flags(flags::SIGNAL), In(SIGINFO)], Signal, Handler::Kill),
    taking(130, "rt_sigsuspend", &[SigMask(Len::Arg(1)), Int]).blocking(),
    handled(131, "sigaltstack", &[In(STACK), Out(STACK)], Signal, Handler::SigAltStack),
    handled(200, "tkill", &[Int, Flags(flags::SIGNAL)], Signal, Handler::Kill),
    absent(219, "restart_syscall", &[], EINTR, "only the kernel itself issues it").class(Signal),
    handled(234, "tgkill", &[Int, Int, Flags(flags::SIGNAL)], Signal, Handler::Kill),
    making(282, "signalfd", &[Fd, In(Len::Arg(2)), Int], Cloexec::Never),
    making(289, "signalfd4", &[Fd, In(Len::Arg(2)), Int, Flags(flags::SIGNALFD)], o_cloexec(3)),
    handled(297, "rt_tgsigqueueinfo", &[Int, Int, Flags(flags::SIGNAL), In(SIGINFO)], Signal, Handler::Kill),
    handled(424, "pidfd_send_signal", &[Fd, Flags(flags::SIGNAL), In(SIGINFO), Int], Signal, Handler::Kill).but(
        "without flags, and from Linux 6.9 on: before, the kernel does not tell processes apart by their descriptors",
    ),
];

//! Calls on sockets. Sending, connecting and naming are outputs; receiving takes bytes away.

use crate::row::prelude::*;

/// An address whose size stands behind argument `arg`.
const fn named(arg: u8) -> Len {
    Len::Pointed { arg }
}

const NAME_1_2: &[crate::spec::Arg] = &[Fd, Out(Len::Pointed { arg: 2 }), InOut(INT)];

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    making(41, "socket", &[Flags(flags::SOCKET_FAMILY), Flags(flags::SOCKET_TYPE), Int], o_cloexec(1)),
    output(42, "connect", &[Fd, In(Len::Arg(2)), Int]).blocking(),
    taking(43, "accept", NAME_1_2).makes(Makes::Result(Cloexec::Never)).blocking(),
    output(44, "sendto", &[Fd, In(Len::Arg(2)), Int, Flags(flags::MSG), In(Len::Arg(5)), Int]).blocking(),
    taking(45, "recvfrom", &[Fd, Out(Len::Result { cap: 2 }), Int, Flags(flags::MSG), Out(named(5)), InOut(INT)])
        .blocking(),
    output(46, "sendmsg", &[Fd, MsgIn, Flags(flags::MSG)]).blocking(),
    taking(47, "recvmsg", &[Fd, MsgOut, Flags(flags::MSG)]).makes(Makes::Rights).blocking(),
    output(48, "shutdown", &[Fd, Flags(flags::SHUTDOWN)]),
    output(49, "bind", &[Fd, In(Len::Arg(2)), Int]),
    output(50, "listen", &[Fd, Int]),
    input(51, "getsockname", NAME_1_2),
    input(52, "getpeername", NAME_1_2),
    making(53, "socketpair", &[Flags(flags::SOCKET_FAMILY), Flags(flags::SOCKET_TYPE), Int, Out(PAIR)], o_cloexec(1))
        .makes(Makes::Pair { arg: 3, cloexec: o_cloexec(1) }),
    output(54, "setsockopt", &[Fd, Flags(flags::SOCKET_LEVEL), Int, In(Len::Arg(4)), Int])
        .but("a program that an option points to (SO_ATTACH_FILTER) is installed, but not compared"),
    input(55, "getsockopt", &[Fd, Flags(flags::SOCKET_LEVEL), Int, Out(named(4)), InOut(INT)])
        .but("options whose answer is not plain bytes (SO_GET_FILTER, TCP_ZEROCOPY_RECEIVE) are not described"),
    taking(288, "accept4", &[Fd, Out(named(2)), InOut(INT), Flags(flags::ACCEPT)])
        .makes(Makes::Result(o_cloexec(3)))
        .blocking(),
    taking(299, "recvmmsg", &[Fd, MmsgOut { count: 2 }, Int, Flags(flags::MSG), InOut(TIME)])
        .makes(Makes::Rights)
        .blocking(),
    output(307, "sendmmsg", &[Fd, MmsgIn { count: 2 }, Int, Flags(flags::MSG)]).blocking(),
];

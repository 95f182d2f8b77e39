//! Calls on clocks and timers. One replica looks at the clock, all see what it saw.
//!
//! Timers that end in a signal are the leader's; timers as descriptors stand in `poll`.

use crate::row::prelude::*;

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    input(35, "nanosleep", &[In(TIME), Out(TIME)]).blocking(),
    input(36, "getitimer", &[Flags(flags::ITIMER_WHICH), Out(ITIMER)]),
    taking(37, "alarm", &[Int]),
    taking(38, "setitimer", &[Flags(flags::ITIMER_WHICH), In(ITIMER), Out(ITIMER)]),
    handled(96, "gettimeofday", &[Out(TIME), Out(TIMEZONE)], PureInput, Handler::WallTime),
    input(100, "times", &[Out(Bytes(32))]),
    output(159, "adjtimex", &[InOut(TIMEX)]),
    output(164, "settimeofday", &[In(TIME), In(TIMEZONE)]),
    handled(201, "time", &[Out(LONG)], PureInput, Handler::WallTime),
    taking(222, "timer_create", &[Flags(flags::CLOCK), In(SIGEVENT), Out(INT)]),
    taking(223, "timer_settime", &[Int, Flags(flags::TIMER), In(ITIMER), Out(ITIMER)]),
    input(224, "timer_gettime", &[Int, Out(ITIMER)]),
    input(225, "timer_getoverrun", &[Int]),
    taking(226, "timer_delete", &[Int]),
    output(227, "clock_settime", &[Flags(flags::CLOCK), In(TIME)]),
    input(228, "clock_gettime", &[Flags(flags::CLOCK), Out(TIME)]),
    input(229, "clock_getres", &[Flags(flags::CLOCK), Out(TIME)]),
    input(230, "clock_nanosleep", &[Flags(flags::CLOCK), Flags(flags::TIMER), In(TIME), Out(TIME)]).blocking(),
    output(305, "clock_adjtime", &[Flags(flags::CLOCK), InOut(TIMEX)]),
];

//! `futex` by operation. The bits for private futexes and for the real-time clock modify every operation.
//!
//! With one thread nobody can wake a waiter, so a handler answers; the rows say which arguments an operation uses,
//! because the registers of the others are garbage.

use crate::row::prelude::*;
use crate::spec::Family;

const PI: &str = "the kernel would write the thread id of one replica into guest memory";

const fn op(nr: u32, name: &'static str, args: &'static [crate::spec::Arg]) -> Row {
    handled(nr, name, args, Local, Handler::Futex)
}

const WORD: crate::spec::Arg = Flags(flags::FUTEX);

/// Selected by argument 1.
pub static FAMILY: Family = Family {
    select: 1,
    mask: 0x7f,
    rows: &[
        op(0, "FUTEX_WAIT", &[Addr, WORD, Int, In(TIME)]).blocking(),
        op(1, "FUTEX_WAKE", &[Addr, WORD, Int]),
        op(3, "FUTEX_REQUEUE", &[Addr, WORD, Int, Int, Addr]),
        op(4, "FUTEX_CMP_REQUEUE", &[Addr, WORD, Int, Int, Addr, Int]),
        op(5, "FUTEX_WAKE_OP", &[Addr, WORD, Int, Int, Addr, Int]),
        refused(6, "FUTEX_LOCK_PI", &[Addr, WORD, Int, In(TIME)], ENOSYS, PI),
        refused(7, "FUTEX_UNLOCK_PI", &[Addr, WORD], ENOSYS, PI),
        refused(8, "FUTEX_TRYLOCK_PI", &[Addr, WORD], ENOSYS, PI),
        op(9, "FUTEX_WAIT_BITSET", &[Addr, WORD, Int, In(TIME), Addr, Int]).blocking(),
        op(10, "FUTEX_WAKE_BITSET", &[Addr, WORD, Int, Addr, Addr, Int]),
        refused(11, "FUTEX_WAIT_REQUEUE_PI", &[Addr, WORD, Int, In(TIME), Addr], ENOSYS, PI),
        refused(12, "FUTEX_CMP_REQUEUE_PI", &[Addr, WORD, Int, Int, Addr, Int], ENOSYS, PI),
        refused(13, "FUTEX_LOCK_PI2", &[Addr, WORD, Int, In(TIME)], ENOSYS, PI),
    ],
    unknown: ENOSYS,
};

//! Where the time of a call goes (`--stats`).
//!
//! The time-stamp counter traps for the agent as for the guest, so the clock is a call into the kernel that takes as
//! long as a short call of the guest. Two ways around that:
//!
//! - *Own work and kernel:* one call in 64 is timed, and counts 64 times. The clock is the CPU time of the thread, so
//!   that an interruption in the middle does not count. What a reading costs is measured in every timed call and taken
//!   off every interval; all of it together is counted apart, so that a tool can take it off the wall time.
//! - *Waiting* would be another in a call that is late because it is being timed. Its spins are counted in all calls,
//!   and what a spin takes is measured once.
#![allow(unsafe_code, reason = "reads the clock")]

use crate::shared;
use crate::state::{State, state};
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Acquire;
use rcb_sys::{nr, syscall};

/// A timed call counts so often.
const WEIGHT: u64 = 64;
/// `CLOCK_MONOTONIC`, for sleeps.
const WALL: u64 = 1;
/// `CLOCK_THREAD_CPUTIME_ID`, for work.
const WORK: u64 = 3;
/// Spins in one measurement of what a spin takes: some 10 microseconds.
const SPINS: u64 = 500;

/// Whether the call with this number is timed. Multiples of the golden ratio fall evenly into any pattern of calls; a
/// plain "every 64th" would see only the reads of a program that reads and writes in turn.
#[inline]
const fn is_timed(seq: u64) -> bool {
    seq.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58 == 0
}

/// Whether times are wanted at all.
#[inline]
fn is_wanted() -> bool {
    shared::control().time_agent != 0
}

/// Measures what spins take, once, before the guest starts.
pub fn prepare() {
    if !is_wanted() || shared::own().stats.pause_ps != 0 {
        return;
    }
    let word = AtomicU64::new(0);
    let spin = |pause: bool| {
        let mut best = u64::MAX;
        for _ in 0..3 {
            let begin = clock(WORK);
            for _ in 0..SPINS {
                core::hint::black_box(word.load(Acquire));
                if pause {
                    core::hint::spin_loop();
                }
            }
            best = best.min(clock(WORK).wrapping_sub(begin));
        }
        let first = clock(WORK);
        let reading = clock(WORK).wrapping_sub(first);
        (best.saturating_sub(reading) * 1000 / SPINS).max(1)
    };
    let (eager_ps, pause_ps) = (spin(false), spin(true));
    let stats = &mut shared::own().stats;
    (stats.eager_ps, stats.pause_ps) = (eager_ps, pause_ps);
}

/// A call comes in.
#[inline]
pub fn enter(st: &mut State) {
    if is_wanted() {
        st.timing = is_timed(st.seq + 1);
        if st.timing {
            start(st);
        }
    }
}

#[cold]
fn start(st: &mut State) {
    let first = clock(WORK);
    st.entered = clock(WORK);
    st.reading_ns = st.entered.wrapping_sub(first);
    // The readings at both ends of the call make one.
    st.apart_ns = st.reading_ns;
    shared::own().stats.reading_ns += 3 * st.reading_ns;
}

/// A call goes out again.
#[inline]
pub fn leave(st: &mut State) {
    if st.timing {
        let own_ns = clock(WORK).wrapping_sub(st.entered).saturating_sub(st.apart_ns);
        shared::own().stats.own_ns += WEIGHT * own_ns;
        st.timing = false;
    }
}

/// Begins an interval inside a call that is not the agent's own work; 0 if the call is not timed.
#[inline]
fn begin() -> u64 {
    if is_wanted() && state().timing { clock(WORK) } else { 0 }
}

/// Ends such an interval and returns its length.
#[cold]
fn end(begin: u64) -> u64 {
    let st = state();
    shared::own().stats.reading_ns += 2 * st.reading_ns;
    let spent = clock(WORK).wrapping_sub(begin);
    st.apart_ns += spent + st.reading_ns;
    spent.saturating_sub(st.reading_ns)
}

/// Has the kernel perform a call of the guest.
#[inline]
pub fn performed(perform: impl FnOnce() -> i64) -> i64 {
    let begin = begin();
    let result = perform();
    if begin != 0 {
        let spent = end(begin);
        shared::own().stats.kernel_ns += WEIGHT * spent;
    }
    result
}

/// Waits for a peer: `spin` returns the number of spins and whether that was enough, `eager` of them without a pause.
#[inline]
pub fn waited(eager: u32, spin: impl FnOnce() -> (u32, bool), sleep: impl FnOnce()) {
    let begin = begin();
    let (spins, enough) = spin();
    let stats = &mut shared::own().stats;
    stats.eager_spins += u64::from(spins.min(eager));
    stats.pause_spins += u64::from(spins.saturating_sub(eager));
    if !enough {
        slept(sleep);
    }
    if begin != 0 {
        end(begin);
    }
}

#[cold]
fn slept(sleep: impl FnOnce()) {
    let since = if is_wanted() { clock(WALL) } else { 0 };
    sleep();
    if since != 0 {
        shared::own().stats.sleep_ns += clock(WALL).wrapping_sub(since);
    }
}

/// Nanoseconds.
#[cold]
fn clock(which: u64) -> u64 {
    let mut time = [0u64; 2];
    // SAFETY: writes a local.
    unsafe { syscall!(nr::CLOCK_GETTIME, which, &raw mut time) };
    time[0] * 1_000_000_000 + time[1]
}

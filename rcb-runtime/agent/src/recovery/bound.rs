//! What belongs to the leader's process in the kernel and is lost with it: record locks, the real-time interval timer.
//! Every replica keeps a list of both, so that a successor can take the locks and set the timer anew; what is in no list
//! ([`Bound::lost`]) is lost, and then the leader cannot be replaced.
#![allow(unsafe_code, reason = "locks, timers and the clock of the process")]

use crate::guest;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::Relaxed;
use rcb_abi::segment::no_copies;
use rcb_sys::errno::is_error;
use rcb_sys::{nr, syscall};

/// In [`Bound::lost`]: memory is shared with other processes of the guest. A copy would share it with its origin, too.
pub const MEMORY: u32 = 1;
/// Record locks that are not in the list.
pub const LOCKS: u32 = 2;
/// Timers other than the real-time interval timer.
pub const TIMERS: u32 = 4;

/// Locks in the list.
const PLACES: usize = 32;
const F_SETLK: u64 = 6;
const F_SETLKW: u64 = 7;
const F_UNLCK: u16 = 2;
const ITIMER_REAL: u64 = 0;
const SHARED_ANONYMOUS: u64 = 0x21;
const CLOCK_MONOTONIC: u64 = 1;
const SECOND: u64 = 1_000_000_000;

/// A record lock: of the bytes from `start` up to `end`.
#[derive(Clone, Copy)]
struct Lock {
    fd: u32,
    kind: u16,
    start: u64,
    end: u64,
}

/// What is bound to the leader's process.
#[derive(Clone, Copy)]
pub struct Bound {
    /// What cannot be had again.
    pub lost: u32,
    locks: [Option<Lock>; PLACES],
    /// The timer rings next at this time, in nanoseconds of the monotonic clock; 0 when it is off.
    rings: u64,
    /// And then again after so many nanoseconds; 0 for never.
    interval: u64,
}

impl Bound {
    /// Nothing.
    pub const NONE: Self = Self { lost: 0, locks: [None; PLACES], rings: 0, interval: 0 };

    /// What a forked process has of it: the memory.
    pub const fn forked(&self) -> Self {
        Self { lost: self.lost & MEMORY, ..Self::NONE }
    }

    /// What outlives an execve, as bits: memory does not, and the lists are not handed on.
    pub fn over_execve(&self) -> u32 {
        let locks = if self.locks.iter().any(Option::is_some) { LOCKS } else { 0 };
        let timer = if self.rings == 0 { 0 } else { TIMERS };
        self.lost & !MEMORY | locks | timer
    }

    fn lock(&mut self, fd: u32, kind: u16, start: u64, end: u64) {
        for place in &mut self.locks {
            let Some(lock) = place else { continue };
            if lock.fd != fd || lock.end <= start || lock.start >= end {
                continue;
            }
            if lock.start < start || lock.end > end {
                // A part stays: two entries would be needed.
                self.lost |= LOCKS;
            }
            *place = None;
        }
        if kind != F_UNLCK {
            match self.locks.iter_mut().find(|place| place.is_none()) {
                Some(place) => *place = Some(Lock { fd, kind, start, end }),
                None => self.lost |= LOCKS,
            }
        }
    }
}

/// Remembers what a call that is done has bound to the process: close, mmap, shmat, alarm, setitimer, fcntl,
/// timer_create.
#[inline]
pub fn note(st: &mut State, nr: u32, args: &[u64; 6], result: i64) {
    if st.heals && matches!(nr, 3 | 9 | 30 | 37 | 38 | 72 | 222) && !is_error(result) {
        bind(st, nr, args);
    }
}

#[cold]
fn bind(st: &mut State, nr: u32, args: &[u64; 6]) {
    let micros = |at: u64| {
        guest::get::<[u64; 2]>(at)
            .map_or(0, |[seconds, micros]| seconds.wrapping_mul(SECOND).wrapping_add(micros * 1000))
    };
    let bound = &mut st.bound;
    match nr {
        // The kernel drops the locks that the process has on the file.
        3 => bound.lock(args[0] as u32, F_UNLCK, 0, u64::MAX),
        9 if args[3] & SHARED_ANONYMOUS == SHARED_ANONYMOUS => share_memory(st),
        30 => share_memory(st),
        37 => arm(bound, u64::from(args[0] as u32) * SECOND, 0),
        38 if args[0] == ITIMER_REAL => arm(bound, micros(args[1] + 16), micros(args[1])),
        38 | 222 => bound.lost |= TIMERS,
        72 if matches!(args[1], F_SETLK | F_SETLKW) => set_lock(bound, args[0] as u32, args[2]),
        _ => {}
    }
}

/// What is written there does not belong to this process alone: nothing can be copied any more.
fn share_memory(st: &mut State) {
    st.bound.lost |= MEMORY;
    shared::own().no_copies.store(no_copies::SHARED_MEMORY, Relaxed);
}

/// `struct flock`: type, whence, start, length.
fn set_lock(bound: &mut Bound, fd: u32, at: u64) {
    let (Ok(head), Ok([start, length])) = (guest::get::<u32>(at), guest::get::<[u64; 2]>(at + 8)) else { return };
    let (kind, whence) = (head as u16, head >> 16);
    if whence != 0 || (start | length) >> 63 != 0 {
        // From a position or an end that nobody has noted.
        bound.lost |= LOCKS;
        return;
    }
    let end = if length == 0 { u64::MAX } else { start + length };
    bound.lock(fd, kind, start, end);
}

fn arm(bound: &mut Bound, value: u64, interval: u64) {
    bound.rings = if value == 0 { 0 } else { now() + value };
    bound.interval = interval;
}

/// The timer has rung.
pub fn rang(st: &mut State) {
    let bound = &mut st.bound;
    bound.rings = if bound.interval == 0 || bound.rings == 0 { 0 } else { now() + bound.interval };
}

/// Nanoseconds of the monotonic clock.
pub fn now() -> u64 {
    let mut time = [0u64; 2];
    // SAFETY: writes a local.
    unsafe { syscall!(nr::CLOCK_GETTIME, CLOCK_MONOTONIC, &raw mut time, 0, 0, 0, 0) };
    time[0] * SECOND + time[1]
}

/// The new leader's process gets it all; or what is lost.
pub fn restore(st: &State) -> Result<(), u32> {
    let bound = &st.bound;
    let lost = bound.lost & (LOCKS | TIMERS);
    if lost != 0 {
        return Err(lost);
    }
    for lock in bound.locks.iter().flatten() {
        let length = if lock.end == u64::MAX { 0 } else { lock.end - lock.start };
        let words = [u64::from(lock.kind), lock.start, length, 0];
        // SAFETY: the guest's own lock on the guest's own descriptor.
        if is_error(unsafe { syscall!(nr::FCNTL, lock.fd, F_SETLK, words.as_ptr(), 0, 0, 0) }) {
            // Somebody has taken it meanwhile.
            return Err(LOCKS);
        }
    }
    if bound.rings != 0 {
        let left = bound.rings.saturating_sub(now()).max(1000);
        let split = |time: u64| [time / SECOND, time % SECOND / 1000];
        let ([interval_s, interval_us], [left_s, left_us]) = (split(bound.interval), split(left));
        let words = [interval_s, interval_us, left_s, left_us];
        // SAFETY: the guest's own timer; reads a local.
        unsafe { syscall!(nr::SETITIMER, ITIMER_REAL, words.as_ptr(), 0, 0, 0, 0) };
    }
    Ok(())
}

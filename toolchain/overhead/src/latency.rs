//! How far two CPUs are apart: ping-pong over a shared cache line, and wake-ups by futex.
//!
//! A virtual machine's CPUs move between cores of the host, so the same pair is near (same last-level cache) in one
//! minute and far in the next; every group of measurements is labelled with what was seen right before and after it.
#![allow(unsafe_code, reason = "calls futex and sched_yield, which have no safe wrapper")]

use crate::clock;
use crate::machine;
use std::sync::atomic::{AtomicU32, Ordering};

/// A round trip below this is near: the line never leaves the shared cache.
pub const NEAR_NS: f64 = 200.0;

/// A word on a cache line of its own.
#[repr(align(128))]
struct Line(AtomicU32);

/// Where two CPUs were while something was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// Near before and after.
    Near,
    /// Far before and after.
    Far,
    /// They moved in between, so the measurement belongs to neither.
    Moved,
}

impl Distance {
    /// From the round trips before and after.
    pub fn of(before_ns: f64, after_ns: f64) -> Self {
        match (before_ns < NEAR_NS, after_ns < NEAR_NS) {
            (true, true) => Self::Near,
            (false, false) => Self::Far,
            _ => Self::Moved,
        }
    }

    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
            Self::Moved => "moved",
        }
    }
}

/// How the two sides of a ping-pong wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Look again and again; needs two CPUs.
    Spin,
    /// Look, and let somebody else run; for two sides on one CPU.
    Yield,
    /// Sleep on a futex.
    Futex,
}

/// Round trip of one cache line between two spinning CPUs in nanoseconds: the best of five short windows, because
/// anything that interrupts only makes it longer. `None` with one CPU.
pub fn ping_pong_ns(cpus: [usize; 2]) -> Option<f64> {
    (cpus[0] != cpus[1]).then(|| round_trip_ns(cpus, Wait::Spin, 5, 2_000))
}

/// Best round trip over `windows` windows of `count` trips each.
pub fn round_trip_ns(cpus: [usize; 2], wait: Wait, windows: u32, count: u32) -> f64 {
    let (ping, pong) = (Line(AtomicU32::new(0)), Line(AtomicU32::new(0)));
    let total = windows * count;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            machine::pin(cpus[1]);
            for turn in 1..=total {
                wait_for(&ping.0, turn, wait);
                publish(&pong.0, turn, wait);
            }
        });
        let side = scope.spawn(|| {
            machine::pin(cpus[0]);
            let mut turn = 0;
            let mut best = f64::INFINITY;
            for _ in 0..windows {
                let trip = clock::ns_per_iteration(count, || {
                    turn += 1;
                    publish(&ping.0, turn, wait);
                    wait_for(&pong.0, turn, wait);
                });
                best = best.min(trip);
            }
            best
        });
        side.join().unwrap_or(f64::NAN)
    })
}

fn publish(word: &AtomicU32, value: u32, wait: Wait) {
    word.store(value, Ordering::Release);
    if wait == Wait::Futex {
        futex(word, libc::FUTEX_WAKE, 1);
    }
}

fn wait_for(word: &AtomicU32, value: u32, wait: Wait) {
    loop {
        let seen = word.load(Ordering::Acquire);
        if seen == value {
            return;
        }
        match wait {
            Wait::Spin => std::hint::spin_loop(),
            Wait::Yield => std::thread::yield_now(),
            Wait::Futex => futex(word, libc::FUTEX_WAIT, seen),
        }
    }
}

fn futex(word: &AtomicU32, operation: libc::c_int, value: u32) {
    // SAFETY: the word outlives the call, and a null timeout means for ever. What it returns does not matter: the
    // caller looks at the word again.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), operation | libc::FUTEX_PRIVATE_FLAG, value, 0_usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_decide_the_label() {
        assert_eq!(Distance::of(98.0, 105.0), Distance::Near);
        assert_eq!(Distance::of(400.0, 390.0), Distance::Far);
        assert_eq!(Distance::of(98.0, 400.0), Distance::Moved);
    }

    #[test]
    fn a_round_trip_takes_time_however_it_waits() {
        let cpu = machine::allowed_cpus()[0];
        for wait in [Wait::Yield, Wait::Futex] {
            let trip = round_trip_ns([cpu, cpu], wait, 1, 50);
            assert!(trip.is_finite() && trip > 0.0);
        }
    }
}

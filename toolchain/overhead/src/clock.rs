//! Wall clock in nanoseconds and the time-stamp counter in cycles.
#![allow(unsafe_code, reason = "reads the time-stamp counter")]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Reads the time-stamp counter.
pub fn cycles() -> u64 {
    // SAFETY: rdtsc exists on every x86-64 processor and changes nothing but its result registers.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Cycles of the time-stamp counter in a nanosecond, measured once over a tenth of a second.
pub fn cycles_per_ns() -> f64 {
    static RATE: OnceLock<f64> = OnceLock::new();
    *RATE.get_or_init(|| {
        let (begin, first) = (Instant::now(), cycles());
        std::thread::sleep(Duration::from_millis(100));
        let (last, passed) = (cycles(), begin.elapsed());
        #[allow(clippy::cast_precision_loss, reason = "a tenth of a second of cycles fits")]
        let rate = (last - first) as f64 / (passed.as_secs_f64() * 1e9);
        rate
    })
}

/// Nanoseconds per iteration of `body`, run `count` times.
pub fn ns_per_iteration(count: u32, mut body: impl FnMut()) -> f64 {
    let begin = Instant::now();
    for _ in 0..count {
        body();
    }
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(count)
}

//! How long a word takes from one CPU to another and back: the floor of what agreement can cost.
#![allow(unsafe_code, reason = "pinning a child to a CPU")]

use super::child::{End, errno, start, wait};
use super::siblings::SharedWord;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Windows measured; their median is told, so that a few disturbed ones do not count.
const WINDOWS: usize = 21;
/// Round trips in a window.
const ROUNDS: u32 = 2000;
/// All windows together take at most this long: on CPUs that are shared with others a round may take milliseconds.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Tells a partner to stop.
const STOP: u32 = u32::MAX;

/// Nanoseconds for one way between two CPUs (half a round trip); an errno-like ending if it cannot be measured.
pub(super) fn one_way_ns(first: u32, second: u32) -> Result<f64, End> {
    let shared = SharedWord::new().ok_or(End::Never(libc::ENOMEM))?;
    let (ball, result) = (shared.at(0), shared.at(1));
    let partner = start(|| {
        if let Err(errno) = pin(second) {
            return errno;
        }
        let mut expected = 1;
        loop {
            match ball.load(Ordering::Acquire) {
                STOP => return 0,
                seen if seen == expected => {
                    ball.store(expected + 1, Ordering::Release);
                    expected += 2;
                }
                _ => std::hint::spin_loop(),
            }
        }
    });
    let partner = partner.map_err(End::Never)?;
    let server = start(|| {
        let status = pin(first).map(|()| result.store(measure(ball), Ordering::Release));
        ball.store(STOP, Ordering::Release);
        status.err().unwrap_or(0)
    });
    let end = match server {
        Ok(server) => wait(server),
        Err(errno) => {
            ball.store(STOP, Ordering::Release);
            End::Never(errno)
        }
    };
    let partner = wait(partner);
    match (end, partner, result.load(Ordering::Acquire)) {
        (End::Exit(0), End::Exit(0), picoseconds) if picoseconds > 0 => Ok(f64::from(picoseconds) / 1000.0),
        (End::Exit(0), End::Exit(0), _) => Err(End::Exit(libc::ETIMEDOUT)),
        (End::Exit(0), other, _) | (other, _, _) => Err(other),
    }
}

/// Median over the windows in picoseconds for one way; 0 if no window was finished in time.
fn measure(ball: &std::sync::atomic::AtomicU32) -> u32 {
    let start = Instant::now();
    let mut windows = [u32::MAX; WINDOWS];
    let (mut done, mut sent) = (0, 1_u32);
    while done < WINDOWS && start.elapsed() < PATIENCE {
        let window = Instant::now();
        for _ in 0..ROUNDS {
            ball.store(sent, Ordering::Release);
            let mut spins = 0_u32;
            while ball.load(Ordering::Acquire) != sent + 1 {
                std::hint::spin_loop();
                spins = spins.wrapping_add(1);
                if spins.is_multiple_of(1 << 20) && start.elapsed() > PATIENCE {
                    return 0;
                }
            }
            sent += 2;
        }
        let picoseconds = window.elapsed().as_nanos() * 1000 / u128::from(2 * ROUNDS);
        windows[done] = u32::try_from(picoseconds).unwrap_or(u32::MAX);
        done += 1;
    }
    windows[..done].sort_unstable();
    windows[..done].get(done / 2).copied().unwrap_or(0)
}

/// Pins the calling process to a CPU.
fn pin(cpu: u32) -> Result<(), i32> {
    let mut mask = [0_u64; 16];
    *mask.get_mut(cpu as usize / 64).ok_or(libc::EINVAL)? |= 1 << (cpu % 64);
    // SAFETY: the kernel reads the mask, a local.
    let result = unsafe { libc::sched_setaffinity(0, size_of_val(&mask), mask.as_ptr().cast()) };
    if result == 0 { Ok(()) } else { Err(errno()) }
}

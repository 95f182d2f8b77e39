//! Carries out what [`crate::balance`] decides: looks at the replicas four times a second and binds them to other CPUs.
#![allow(unsafe_code, reason = "perf_event_open has no wrapper")]

use crate::balance::{Move, Scales, Seen};
use crate::error::{Error, Result};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::{Pid, SysconfVar, sysconf};
use rcb_abi::stats::Stats;
use std::fs::File;
use std::io::Read;
use std::os::fd::FromRawFd;
use std::time::{Duration, Instant};

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(250);

/// A move that was made.
#[derive(Clone, Debug)]
pub struct Moved {
    /// When, since the group was started.
    pub after: Duration,
    /// Where to and why.
    pub what: Move,
    /// What the kernel said, if it refused.
    pub problem: Option<String>,
}

/// Looks and moves.
pub struct Mover {
    scales: Scales,
    /// Ticks when it is time to look.
    pub ticker: TimerFd,
    pids: Vec<u32>,
    misses: Option<Vec<File>>,
    started: Instant,
    last: Instant,
    last_meetings: u64,
    last_misses: Option<u64>,
    /// All moves so far.
    pub moves: Vec<Moved>,
}

impl Mover {
    /// For replicas that have just been started.
    pub fn new(scales: Scales, pids: Vec<u32>) -> Result<Self> {
        let make = || {
            let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
            timer.set(Expiration::Interval(TimeSpec::from_duration(PERIOD)), TimerSetTimeFlags::empty())?;
            Ok::<_, nix::errno::Errno>(timer)
        };
        let ticker = make().map_err(|error| Error::os("starting the timer of --placement auto", error))?;
        let misses = pids.iter().map(|pid| count_misses(*pid)).collect();
        let now = Instant::now();
        Ok(Self {
            scales,
            ticker,
            pids,
            misses,
            started: now,
            last: now,
            last_meetings: 0,
            last_misses: None,
            moves: Vec::new(),
        })
    }

    /// A replica has another process now. Its misses are counted by an open event of the old one: nothing is counted
    /// from now on.
    pub fn replace(&mut self, replica: usize, pid: u32) {
        self.pids[replica] = pid;
        self.misses = None;
    }

    /// Looks; `stats` are the counters of the replicas.
    pub fn look(&mut self, stats: impl Iterator<Item = Stats>) {
        let _ = self.ticker.wait();
        let passed_s = self.last.elapsed().as_secs_f64().max(1e-3);
        self.last = Instant::now();
        // The slowest one says what has been agreed.
        let meetings = stats.map(|stats| met(&stats)).min().unwrap_or(0);
        let misses = self.misses.as_mut().and_then(|files| files.iter_mut().map(read_count).sum::<Option<u64>>());
        #[allow(clippy::cast_precision_loss, reason = "counts in a quarter of a second")]
        let rate = |now: u64, last: u64| now.saturating_sub(last) as f64 / passed_s;
        let seen = Seen {
            meetings_per_s: rate(meetings, self.last_meetings),
            misses_per_s: misses.zip(self.last_misses).map(|(now, last)| rate(now, last)),
            resident_bytes: self.pids.iter().filter_map(|pid| resident_bytes(*pid)).max().unwrap_or(0),
        };
        self.last_meetings = meetings;
        self.last_misses = misses;
        if let Some(what) = self.scales.step(&seen) {
            let problem = bind_all(&self.pids, &what.cpus);
            self.moves.push(Moved { after: self.started.elapsed(), what, problem });
        }
    }
}

/// Calls at which replicas wait for each other: all but the local ones.
fn met(stats: &Stats) -> u64 {
    stats.by_class[1..].iter().sum()
}

/// Binds each process to its CPU; what the first refusal says.
fn bind_all(pids: &[u32], cpus: &[u32]) -> Option<String> {
    let bind = |pid: &u32, cpu: &u32| {
        let mut set = CpuSet::new();
        set.set(*cpu as usize)?;
        sched_setaffinity(Pid::from_raw(*pid as i32), &set)
    };
    pids.iter().zip(cpus).find_map(|(pid, cpu)| bind(pid, cpu).err()).map(|error| error.desc().to_owned())
}

/// Resident memory of a process.
fn resident_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * sysconf(SysconfVar::PAGE_SIZE).ok()?? as u64)
}

/// A counter of the last-level misses of a process in user mode; `None` where the machine or the kernel has none for us.
fn count_misses(pid: u32) -> Option<File> {
    /// The first version of `struct perf_event_attr` as words: type and size, configuration, period, sample type, read
    /// format, flags, wake-up, second configuration.
    const WORDS: usize = 8;
    const SIZE: u64 = 64 << 32;
    const HARDWARE: u64 = 0;
    const CACHE_MISSES: u64 = 3;
    /// exclude_kernel, exclude_hv.
    const FLAGS: u64 = 1 << 5 | 1 << 6;
    const CLOSE_ON_EXEC: u64 = 8;
    let attributes: [u64; WORDS] = [SIZE | HARDWARE, CACHE_MISSES, 0, 0, 0, FLAGS, 0, 0];
    // SAFETY: the structure is as long as it says and is only read.
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), pid, -1, -1, CLOSE_ON_EXEC) };
    // SAFETY: a new descriptor that nobody else has.
    (fd >= 0).then(|| unsafe { File::from_raw_fd(fd as i32) })
}

fn read_count(file: &mut File) -> Option<u64> {
    let mut count = [0; 8];
    file.read_exact(&mut count).ok()?;
    Some(u64::from_le_bytes(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Topology;
    use std::process::Command;

    #[test]
    fn processes_are_bound_as_decided() {
        let allowed = crate::Inherited::capture().expect("capture").cpus();
        let Some([first, second]) = allowed.get(..2).and_then(|two| <[u32; 2]>::try_from(two).ok()) else { return };
        let mut children: Vec<_> = (0..2).map(|_| Command::new("sleep").arg("60").spawn().expect("sleep")).collect();
        let pids: Vec<u32> = children.iter().map(std::process::Child::id).collect();
        let problem = bind_all(&pids, &[second, first]);
        let allowed_of = |pid: u32| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
            let line = text.lines().find(|line| line.starts_with("Cpus_allowed_list:")).expect("list").to_owned();
            line.split_whitespace().nth(1).expect("a list").to_owned()
        };
        let seen: Vec<String> = pids.iter().map(|pid| allowed_of(*pid)).collect();
        let bytes = resident_bytes(std::process::id());
        for child in &mut children {
            child.kill().expect("kill");
            child.wait().expect("wait");
        }
        assert_eq!(problem, None);
        assert_eq!(seen, [second.to_string(), first.to_string()]);
        assert!(bytes.is_some_and(|bytes| bytes > 100_000), "{bytes:?}");
        assert!(bind_all(&pids, &[first, first]).is_some(), "they are gone");
    }

    #[test]
    fn looks_become_moves() {
        let machine = Topology::regular(2, 2, 1);
        // Replicas that are as large as this process and a cache of one byte: they should part.
        let scales = Scales::new(&machine, &[0, 1, 2, 3], &[0, 1], Some(1)).expect("two caches");
        let pid = std::process::id();
        let mut mover = Mover::new(scales, vec![pid; 2]).expect("mover");
        mover.misses = None;
        mover.pids = vec![pid];
        for _ in 0..4 {
            mover.look([Stats::default(); 2].into_iter());
        }
        assert_eq!(mover.moves.len(), 1);
        assert_eq!(mover.moves[0].what.cpus, [0, 2]);
    }
}

//! Replicas as processes: signals, ends, CPU time.
#![allow(unsafe_code, reason = "wait4 and pidfd_send_signal have no wrapper in nix that says enough")]

use crate::spawn::Child;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use rcb_guard::End;
use std::io::Read as _;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::time::Duration;

/// What a replica has used, from `wait4`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Time in user mode.
    pub user: Duration,
    /// Time in the kernel.
    pub system: Duration,
    /// Largest resident set, in KiB.
    pub max_rss_kib: u64,
    /// Its process group at the end.
    pub group: u32,
    /// Its limit of CPU time was used up.
    pub cpu_time_is_up: bool,
    /// A core file was written.
    pub dumped_core: bool,
    /// Ready to run, but the CPU had something else to do; only if asked for.
    pub delayed: Duration,
    /// What it had read and written; only if asked for.
    pub moved: Option<Moved>,
}

/// How long a process has been ready without running: the second number of `/proc/PID/schedstat`, which a process has
/// until it is reaped; 0 where the kernel does not say.
fn delayed(pid: u32) -> Duration {
    // Once per process of a tree: as few calls as it takes.
    let mut text = [0; 96];
    let read = std::fs::File::open(format!("/proc/{pid}/schedstat")).and_then(|mut file| file.read(&mut text));
    let text = std::str::from_utf8(&text[..read.unwrap_or(0)]).unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Sends a signal; a replica that is gone does not mind.
pub fn signal(child: &Child, signal: i32) {
    if let Ok(Some(pidfd)) = child.pidfd() {
        // SAFETY: a null siginfo stands for what kill(2) would send.
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, 0, 0) };
    }
}

/// Lets a replica run on this CPU; one that has gone offline meanwhile leaves it where it is.
pub fn pin(child: &Child, cpu: u32) {
    let mut set = CpuSet::new();
    if set.set(cpu as usize).is_ok() {
        let _ = sched_setaffinity(Pid::from_raw(child.pid as i32), &set);
    }
}

/// Whether a process is a child of ours that has not been reaped, dead or alive: every replica is, from its first moment.
pub fn is_child(pid: u32) -> bool {
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the buffer is of its size.
    pid != 0 && unsafe { libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), options) == 0 }
}

/// What a replica has done other than end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// It has stopped by this signal.
    Stopped(i32),
    /// It goes on.
    Continued,
}

/// The next child that has stopped or gone on since we asked.
pub fn job_news() -> Option<(u32, Job)> {
    let options = libc::WSTOPPED | libc::WCONTINUED | libc::WNOHANG;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the buffer is of its size.
    if unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) } != 0 {
        return None;
    }
    // SAFETY: zeroed, and filled by the kernel if there is news.
    let (code, pid, status) = unsafe {
        let info = info.assume_init();
        (info.si_code, info.si_pid(), info.si_status())
    };
    let job = if code == libc::CLD_CONTINUED { Job::Continued } else { Job::Stopped(status) };
    (pid != 0).then_some((pid as u32, job))
}

/// Limit of CPU time of a child that has ended: a zombie still has it.
fn cpu_limit(pid: u32) -> Option<Duration> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: only asks.
    let known = unsafe { libc::prlimit(pid as i32, libc::RLIMIT_CPU, std::ptr::null(), &raw mut limit) } == 0;
    (known && limit.rlim_max != libc::RLIM_INFINITY).then(|| Duration::from_secs(limit.rlim_max))
}

/// How a child has ended, which leaves it to be reaped.
fn look_for_end(pid: u32, wait: bool) -> Option<End> {
    let (code, status) = has_ended(pid, wait)?;
    Some(if code == libc::CLD_EXITED { End::Exit(status) } else { End::Signal(status) })
}

/// How a child has ended, `si_code` and `si_status`, which leaves it to be reaped; waits for that if told to.
fn has_ended(pid: u32, wait: bool) -> Option<(i32, i32)> {
    let options = libc::WEXITED | libc::WNOWAIT | if wait { 0 } else { libc::WNOHANG };
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    loop {
        // SAFETY: the buffer is of its size.
        let result = unsafe { libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), options) };
        if result == 0 {
            // SAFETY: zeroed, and filled by the kernel if a child has ended.
            let (pid, code, status) = unsafe {
                let info = info.assume_init();
                (info.si_pid(), info.si_code, info.si_status())
            };
            return (pid != 0).then_some((code, status));
        }
        if std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return None;
        }
    }
}

/// Bytes that a process has read and written, by the kernel's account, which outlives it until it is reaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// `rchar`.
    pub read: u64,
    /// `wchar`.
    pub written: u64,
}

/// Reads `/proc/PID/io`; `None` where the kernel keeps no account.
fn moved(pid: u32) -> Option<Moved> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let number = |name| text.lines().find_map(|line| line.strip_prefix(name)).and_then(|text| text.trim().parse().ok());
    Some(Moved { read: number("rchar:")?, written: number("wchar:")? })
}

/// How a replica has ended, if it has; it stays to be reaped.
pub fn gone(child: &Child) -> Option<End> {
    look_for_end(child.pid, false)
}

/// Reaps a replica and keeps its account of bytes.
pub fn reap_with_account(child: &Child, wait: bool, delays: bool) -> Option<(End, Usage)> {
    has_ended(child.pid, wait)?;
    let moved = moved(child.pid);
    reap(child, wait, delays).map(|(end, usage)| (end, Usage { moved, ..usage }))
}

/// Reaps a replica; `None` if it lives (only without `wait`). `delays`: how long it was kept waiting is asked for, too.
pub fn reap(child: &Child, wait: bool, delays: bool) -> Option<(End, Usage)> {
    let mut status = 0;
    let how = has_ended(child.pid, wait)?;
    let delayed = if delays { delayed(child.pid) } else { Duration::ZERO };
    let limit = if how == (libc::CLD_KILLED, libc::SIGKILL) { cpu_limit(child.pid) } else { None };
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // A zombie still has one.
    // SAFETY: asks for a number.
    let group = unsafe { libc::getpgid(child.pid as i32) }.max(0) as u32;
    loop {
        let options = if wait { 0 } else { libc::WNOHANG };
        // SAFETY: both buffers are of their size.
        let pid = unsafe { libc::wait4(child.pid as i32, &raw mut status, options, usage.as_mut_ptr()) };
        if pid == child.pid as i32 {
            child.reaped();
            break;
        }
        if pid == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return None;
        }
    }
    // SAFETY: zeroed, and filled by the kernel.
    let usage = unsafe { usage.assume_init() };
    let time = |value: libc::timeval| Duration::new(value.tv_sec as u64, value.tv_usec as u32 * 1000);
    let end = if libc::WIFSIGNALED(status) {
        End::Signal(libc::WTERMSIG(status))
    } else {
        End::Exit(libc::WEXITSTATUS(status))
    };
    let (user, system) = (time(usage.ru_utime), time(usage.ru_stime));
    // The kernel counts whole ticks for limits, which on a busy machine is far from what it says was used.
    let cpu_time_is_up = limit.is_some_and(|limit| (user + system) * 2 >= limit);
    let usage = Usage {
        user,
        system,
        max_rss_kib: usage.ru_maxrss as u64,
        delayed,
        moved: None,
        group,
        cpu_time_is_up,
        dumped_core: libc::WIFSIGNALED(status) && libc::WCOREDUMP(status),
    };
    Some((end, usage))
}

/// The children of this process, those included that have ended and were not reaped; `None` where the kernel does not
/// say.
pub fn children() -> Option<Vec<u32>> {
    let text = std::fs::read_to_string("/proc/thread-self/children").ok()?;
    Some(text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

/// Reaps a child that has ended; false while it lives.
pub fn bury(pid: u32) -> bool {
    has_ended(pid, false).is_some() && nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid as i32), None).is_ok()
}

/// What `/proc/PID/stat` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// State letter: `R`, `S`, `D`, `T`, ...
    pub state: char,
    /// Time in user mode in nanoseconds, in steps of a clock tick.
    pub user_ns: u64,
    /// CPU it ran on last.
    pub cpu: u32,
    /// Page faults that needed no disk.
    pub minor_faults: u64,
}

/// Reads `/proc/PID/stat`.
pub fn stat(pid: u32) -> Option<Stat> {
    /// Clock ticks of /proc, `USER_HZ`: fixed on x86-64.
    const TICK_NS: u64 = 10_000_000;
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks and parentheses; the state is the third field.
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok());
    Some(Stat {
        state: fields.first()?.chars().next()?,
        user_ns: number(14)? * TICK_NS,
        cpu: number(39)? as u32,
        minor_faults: number(10)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_stat() {
        let stat = stat(std::process::id()).expect("stat");
        assert!("RS".contains(stat.state), "{stat:?}");
        assert!(stat.cpu < 1024);
    }
}

//! What `/proc` tells of a process, and whether processes may be traced at all.

use anyhow::{Context, Result, bail};
use nix::unistd::Pid;
use std::io::ErrorKind;

/// Whether a process is dead or was reaped.
pub(crate) fn is_gone(pid: Pid) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => matches!(state(&stat), Some('Z' | 'X') | None),
        Err(error) => error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH),
    }
}

/// The letter for its state in `/proc/PID/stat`; the name before it may hold anything.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Whether a process is on a CPU, or waits for one.
pub(crate) fn is_running(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| state(&stat) == Some('R'))
}

/// Refuses what the kernel would refuse at the first trial.
///
/// # Errors
/// When this process may not trace its descendants, or cannot find them.
pub(crate) fn check_permission() -> Result<()> {
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    if matches!(scope.trim(), "2" | "3") {
        bail!("tracing is forbidden here (kernel.yama.ptrace_scope is {}): it must be 0 or 1", scope.trim());
    }
    let pid = std::process::id();
    std::fs::metadata(format!("/proc/{pid}/task/{pid}/children"))
        .context("this kernel does not list the children of a process (CONFIG_PROC_CHILDREN)")?;
    Ok(())
}

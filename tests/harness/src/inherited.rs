//! What the test binary hands down to the programs it starts: nothing that differs between callers.
#![allow(unsafe_code, reason = "descriptors of the caller can be named only by number; signal dispositions")]

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal};
use std::os::fd::BorrowedFd;

/// Settles what programs inherit: no core files, which would count as files of a run; no ignored signals, as a shell
/// gives them to what it starts in the background; and no descriptors but the standard ones, because their numbers
/// show in a program's output. To be called first in `main`; a test binary that is to confine a command becomes it here.
pub fn settle() {
    crate::confine::exec_if_asked();
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
        // SAFETY: no handler is installed, only the default.
        let _ = unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) };
    }
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<i32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|&n| n > 2).collect();
    for number in numbers {
        // SAFETY: the number was listed as open just now and no other thread runs yet; the one that listed the folder
        // is closed by now, and then the call fails without harm.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }
}

//! Signals that are meant for the guest: which they are, and what happens when the guest does not heed them.

use crate::error::{Error, Result};
use crate::inherited::{FATAL, Inherited};
use crate::names;
use crate::run::say;
use crate::tree::Watched;
use nix::sys::signal::{SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rcb_guard::End;
use std::time::{Duration, Instant};

/// How long a signal that people end programs with waits for a handler that does not run.
const UNHEEDED: Duration = Duration::from_secs(1);
/// How long a signal that ends a guest by default waits for the guest's next call.
const PATIENCE: Duration = Duration::from_millis(100);

/// Signals that keep their meaning for the supervisor: nobody can catch them, the processor raises them, they are job
/// control by the terminal, or they are about our own children and descriptors.
const OURS: [Signal; 14] = [
    Signal::SIGKILL,
    Signal::SIGSTOP,
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGILL,
    Signal::SIGFPE,
    Signal::SIGTRAP,
    Signal::SIGSYS,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGCONT,
    Signal::SIGCHLD,
    Signal::SIGPIPE,
];

/// The signals that are meant for the guest, as a descriptor. They stay blocked as long as the process lives.
pub fn guest_signals(inherited: &Inherited) -> Result<SignalFd> {
    let meant = |signal: &Signal| !OURS.contains(signal) && !inherited.is_ignored(*signal as i32);
    let mut set = inherited.with_real_time(&Signal::iterator().filter(meant).collect());
    // About our own children: the kernel tells of those that stop.
    set.add(Signal::SIGCHLD);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None).map_err(|error| Error::os("blocking signals", error))?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(|error| Error::os("making a signalfd", error))
}

/// A signal that ends a guest by default waits for the guest's next call, but not for ever.
pub(super) fn fatal(watched: &mut Watched<'_>) {
    let Some(signal) = watched.lead().fatal() else { return };
    match watched.fatal_at {
        None => watched.fatal_at = Some(Instant::now() + PATIENCE),
        Some(at) if at <= Instant::now() && watched.killed.is_none() => {
            watched.killed = Some(End::Signal(signal));
            watched.group.kill_all();
        }
        Some(_) => {}
    }
}

/// A handler of the guest runs at its next call. A guest that makes none cannot be interrupted: it is ended when
/// somebody wants that, and otherwise the user hears of it.
pub(super) fn unheeded(watched: &mut Watched<'_>, ticked: bool) {
    let waiting = watched.lead().waiting_signal().filter(|_| watched.killed.is_none());
    let Some(signal) = waiting else {
        (watched.unheeded_at, watched.waited) = (None, None);
        return;
    };
    let name = names::signal(signal);
    match watched.unheeded_at {
        None if FATAL.contains(&signal) => watched.unheeded_at = Some(Instant::now() + UNHEEDED),
        Some(at) if at <= Instant::now() => {
            say(&format!("warning: {name} has waited for a call of the program, which makes none: ending it"));
            watched.killed = Some(End::Signal(signal));
            watched.group.kill_all();
        }
        _ => {}
    }
    if ticked {
        let told = watched.waited.is_some_and(|(before, told)| before == signal && told);
        if watched.waited == Some((signal, false)) {
            say(&format!("warning: {name} has arrived, but the program makes no call at which its handler could run"));
        }
        watched.waited = Some((signal, told || watched.waited.is_some()));
    }
}

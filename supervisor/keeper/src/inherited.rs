//! What the supervisor inherited and the guest must see: signals, limits, CPUs, personality, terminal.
//!
//! [`Inherited::capture`] must run before anything changes these, Rust's own start-up included (it ignores SIGPIPE and
//! opens missing standard descriptors), which is why the command has a C `main`.
#![allow(unsafe_code, reason = "plain libc calls that nix does not wrap")]

use crate::error::{Error, Result};
use nix::sys::signal::SigSet;
use nix::sys::termios::{self, SetArg, Termios};
use std::io::IsTerminal;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};

/// Highest signal number of Linux.
const LAST_SIGNAL: i32 = 64;

/// Signals that end a run; the others keep their default meaning for the supervisor.
pub const FATAL: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// State at the start of the supervisor.
#[derive(Clone, Debug)]
pub struct Inherited {
    /// Bit n-1 for signal n: ignored.
    pub ignored: u64,
    /// Bit n-1 for signal n: blocked.
    pub mask: u64,
    /// CPUs allowed, 1024 bits.
    pub affinity: [u64; 16],
    /// `personality(2)`.
    pub personality: u64,
    /// Address randomisation is on and may not be switched off (`personality` is denied).
    pub randomised: bool,
    /// Soft and hard `RLIMIT_NOFILE`.
    pub nofile: [u64; 2],
    /// Process id of the supervisor.
    pub pid: u32,
    /// Process id of its parent.
    pub ppid: u32,
    /// Modes of the terminal, if there is one.
    terminal: Option<Termios>,
}

impl Inherited {
    /// Notes everything; changes nothing but closed standard descriptors.
    ///
    /// A closed standard descriptor stays closed for the guest: the number is only kept busy here (close-on-exec), so
    /// that none of our own descriptors becomes somebody's standard output.
    pub fn capture() -> Result<Self> {
        for fd in 0..3 {
            // SAFETY: F_GETFD and open touch no memory of ours; the path is a C string.
            unsafe {
                if libc::fcntl(fd, libc::F_GETFD) == -1 {
                    libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
                }
            }
        }
        let mut ignored = 0;
        for signal in 1..=LAST_SIGNAL {
            let mut action = MaybeUninit::<libc::sigaction>::zeroed();
            // SAFETY: a null new action only asks; the old one is written into a buffer of its size. The numbers that
            // libc keeps for itself give EINVAL and leave the zeroed buffer, which means the default action.
            unsafe {
                libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
                if action.assume_init().sa_sigaction == libc::SIG_IGN {
                    ignored |= bit(signal);
                }
            }
        }
        let mut affinity = [0u64; 16];
        // SAFETY: the kernel writes at most the size given.
        if unsafe { libc::sched_getaffinity(0, size_of_val(&affinity), affinity.as_mut_ptr().cast()) } != 0 {
            return Err(Error::last_os("reading the CPUs allowed"));
        }
        // SAFETY: 0xffffffff only asks. A container may deny even that.
        let personality = unsafe { libc::personality(0xffff_ffff) }.max(0) as u32;
        let (soft, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)
            .map_err(|error| Error::os("reading the limit of descriptors", error))?;
        Ok(Self {
            ignored,
            mask: current_mask(),
            affinity,
            personality: u64::from(personality),
            randomised: !may_fix_addresses(personality),
            nofile: [soft, hard],
            pid: std::process::id(),
            ppid: std::os::unix::process::parent_id(),
            terminal: terminal().and_then(|fd| termios::tcgetattr(fd).ok()),
        })
    }

    /// Numbers of the CPUs allowed, rising.
    pub fn cpus(&self) -> Vec<u32> {
        (0..1024).filter(|cpu| self.affinity[*cpu as usize / 64] >> (cpu % 64) & 1 == 1).collect()
    }

    /// Whether `signal` was ignored.
    pub const fn is_ignored(&self, signal: i32) -> bool {
        self.ignored & bit(signal) != 0
    }

    /// A set with the real-time signals that were not ignored, which have numbers and no names.
    pub fn with_real_time(&self, set: &SigSet) -> SigSet {
        let mut all: libc::sigset_t = *set.as_ref();
        for signal in (libc::SIGRTMIN()..=libc::SIGRTMAX()).filter(|signal| !self.is_ignored(*signal)) {
            // SAFETY: changes a bit of a set of ours.
            unsafe { libc::sigaddset(&raw mut all, signal) };
        }
        // SAFETY: the signals added exist.
        unsafe { SigSet::from_sigset_t_unchecked(all) }
    }

    /// Puts the terminal back into the modes it had, for a guest that could not do it itself.
    pub fn restore_terminal(&self) {
        let (Some(modes), Some(fd)) = (&self.terminal, terminal()) else { return };
        let Ok(now) = termios::tcgetattr(fd) else { return };
        if now != *modes {
            // A background process must not be stopped by this.
            // SAFETY: changing a disposition to "ignore" installs no code.
            unsafe { libc::signal(libc::SIGTTOU, libc::SIG_IGN) };
            let _ = termios::tcsetattr(fd, SetArg::TCSADRAIN, modes);
        }
    }
}

/// Whether address randomisation is off or may be switched off; tries it and takes it back.
fn may_fix_addresses(personality: u32) -> bool {
    const OFF: u32 = libc::ADDR_NO_RANDOMIZE as u32;
    // SAFETY: numbers only; the personality takes effect with the next program that is executed.
    unsafe {
        personality & OFF != 0
            || (libc::personality((personality | OFF).into()) != -1 && libc::personality(personality.into()) != -1)
    }
}

/// Bit of a signal in a mask.
pub const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// The standard descriptor that is a terminal, if one is.
fn terminal() -> Option<BorrowedFd<'static>> {
    // SAFETY: the three numbers stay open for the whole process, see `Inherited::capture`.
    let standard = [0, 1, 2].map(|fd| unsafe { BorrowedFd::borrow_raw(fd) });
    standard.into_iter().find(|fd| fd.as_fd().is_terminal())
}

fn current_mask() -> u64 {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: a null new set only asks; the kernel's set is the first 8 bytes of libc's.
    unsafe {
        libc::sigprocmask(libc::SIG_BLOCK, std::ptr::null(), set.as_mut_ptr());
        set.as_ptr().cast::<u64>().read()
    }
}

/// Makes the supervisor deaf to what would end it by surprise: a closed pipe on stderr, a limit of file sizes, and
/// children that are reaped behind its back because somebody ignored SIGCHLD.
pub fn settle_own_signals() {
    // SAFETY: both install no code.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
    }
}

/// Ends this process by `signal`, as the guest or the user asked, without a core dump of our own.
pub fn die_by(signal: i32) -> ! {
    // SAFETY: dispositions to default, an open mask and a limit: nothing that refers to memory beyond the call.
    unsafe {
        let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core);
        libc::signal(signal, libc::SIG_DFL);
        let mut only = MaybeUninit::<libc::sigset_t>::zeroed();
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, only.as_ptr(), std::ptr::null_mut());
        libc::raise(signal);
        // A signal whose default is not death: say it as a shell would.
        libc::_exit(128 + signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_what_the_kernel_says() {
        let inherited = Inherited::capture().expect("capture");
        assert_eq!(inherited.pid, std::process::id());
        assert!(!inherited.cpus().is_empty());
        assert!(inherited.nofile[0] <= inherited.nofile[1]);
        // Rust's start-up ignores SIGPIPE in a test binary; SIGKILL can never be ignored.
        assert!(inherited.is_ignored(libc::SIGPIPE));
        assert!(!inherited.is_ignored(libc::SIGKILL));
    }
}

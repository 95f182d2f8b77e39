//! Runs a probe in a child process.
//!
//! # Safety
//! The child runs only what it was given and ends with `_exit`, so no destructor and no exit handler of the parent
//! runs twice. Probes make plain system calls on the stack and allocate nothing.
#![allow(unsafe_code, reason = "fork, waitpid, alarm")]

/// Seconds after which a probe that hangs is killed.
const PATIENCE_SECONDS: u32 = 5;

/// Status of a probe whose calls succeeded but changed nothing.
pub(super) const NO_EFFECT: i32 = 200;

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It never started: errno.
    Never(i32),
}

impl End {
    /// For people.
    pub(super) fn text(self) -> String {
        match self {
            Self::Exit(NO_EFFECT) => "accepted, but without effect".into(),
            Self::Exit(errno) => std::io::Error::from_raw_os_error(errno).to_string(),
            Self::Signal(libc::SIGALRM) => format!("no answer within {PATIENCE_SECONDS} s"),
            Self::Signal(signal) => format!("the probe was killed by signal {signal}"),
            Self::Never(errno) => format!("no process for the probe: {}", std::io::Error::from_raw_os_error(errno)),
        }
    }
}

/// The latest errno of this thread.
pub(super) fn errno() -> i32 {
    // SAFETY: the C library's errno of this thread is always readable.
    unsafe { *libc::__errno_location() }
}

/// Starts a child that runs `probe` and exits with what it returns; its process id, or errno.
pub(super) fn start(probe: impl FnOnce() -> i32) -> Result<libc::pid_t, i32> {
    // SAFETY: see the head of the file.
    match unsafe { libc::fork() } {
        -1 => Err(errno()),
        0 => {
            // SAFETY: plain calls; a death by signal must not write a core file or outlive the probe.
            unsafe {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
                libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
                libc::signal(libc::SIGALRM, libc::SIG_DFL);
                libc::alarm(PATIENCE_SECONDS);
            }
            let status = probe();
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(status) }
        }
        pid => Ok(pid),
    }
}

/// Waits for a child.
pub(super) fn wait(pid: libc::pid_t) -> End {
    let mut status = 0;
    loop {
        // SAFETY: the status is written to a local.
        if unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid {
            break;
        }
        if errno() != libc::EINTR {
            return End::Never(errno());
        }
    }
    if libc::WIFEXITED(status) { End::Exit(libc::WEXITSTATUS(status)) } else { End::Signal(libc::WTERMSIG(status)) }
}

/// Runs `probe` in a child: 0 for success, an errno else.
pub(super) fn run(probe: impl FnOnce() -> i32) -> End {
    match start(probe) {
        Ok(pid) => wait(pid),
        Err(errno) => End::Never(errno),
    }
}

/// 0, or the errno of a call that returned -1.
pub(super) fn status(result: i64) -> i32 {
    if result == -1 { errno() } else { 0 }
}

//! Runs a program natively and counts its system calls, with all processes and threads it starts.
//!
//! The program is stopped at each call by `ptrace`; it is seized, not attached to, so that stopping it from the
//! terminal works as without us. Nothing of it is changed: its output, files and exit status are its own.
//!
//! # Safety
//! The child of `fork` makes plain system calls on data prepared before and ends by `execvp` or `_exit`. Records that
//! the kernel fills are locals of the size it is told.
#![allow(unsafe_code, reason = "fork and ptrace")]

use super::Observed;
use std::collections::HashMap;
use std::ffi::{CString, OsString, c_char, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

const PTRACE_EVENT_STOP: i32 = 128;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE: u32 = 56;
const CLONE3: u32 = 435;
/// The architecture that calls of 64-bit code are made for (AUDIT_ARCH_X86_64).
const ARCH_X86_64: u32 = 0xc000_003e;
/// Set in the numbers of x32 calls.
const X32_BIT: u64 = 0x4000_0000;

/// How the program ended, and what it did.
#[derive(Debug)]
pub struct Run {
    /// The calls.
    pub observed: Observed,
    /// Exit status, if it ended by itself.
    pub status: Option<i32>,
    /// Signal that ended it otherwise.
    pub signal: Option<i32>,
}

/// Runs `argv` (the program is searched in `PATH`) until it and everything it started has ended.
///
/// Fails if no process can be made or observed, or if the program cannot be executed.
pub fn observe(argv: &[OsString]) -> io::Result<Run> {
    let strings = argv.iter().map(|word| CString::new(word.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<*const c_char> = strings.iter().map(|word| word.as_ptr()).collect();
    pointers.push(ptr::null());
    if strings.is_empty() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: see the head of the file.
    let child = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        // SAFETY: in the child; the strings were made before. A failed exec shows as an end before the program began.
        0 => unsafe {
            libc::raise(libc::SIGSTOP);
            libc::execvp(pointers[0], pointers.as_ptr());
            libc::_exit(127)
        },
        child => child,
    };
    let mut tracer = Tracer { child, observed: Observed::default(), executed: false, calls: HashMap::new(), end: None };
    if let Err(error) = tracer.seize() {
        // SAFETY: our own child, which is stopped and is waited for.
        unsafe {
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, ptr::null_mut(), 0);
        }
        return Err(error);
    }
    tracer.follow()?;
    let (status, signal) = tracer.end.unwrap_or_default();
    if !tracer.executed {
        return Err(io::Error::other("the program could not be executed"));
    }
    Ok(Run { observed: tracer.observed, status, signal })
}

struct Tracer {
    child: libc::pid_t,
    observed: Observed,
    /// The program itself has started: calls before are ours.
    executed: bool,
    /// Threads that are inside a call that makes a process or thread.
    calls: HashMap<libc::pid_t, u64>,
    end: Option<(Option<i32>, Option<i32>)>,
}

impl Tracer {
    /// Takes hold of the child, which stops itself first.
    fn seize(&self) -> io::Result<()> {
        let mut status = 0;
        // SAFETY: the status is a local.
        let waited = unsafe { libc::waitpid(self.child, &raw mut status, libc::WUNTRACED) };
        if waited != self.child || !libc::WIFSTOPPED(status) {
            return Err(io::Error::other("the process to observe did not start"));
        }
        let options = libc::PTRACE_O_TRACESYSGOOD
            | libc::PTRACE_O_TRACEFORK
            | libc::PTRACE_O_TRACEVFORK
            | libc::PTRACE_O_TRACECLONE
            | libc::PTRACE_O_TRACEEXEC
            | libc::PTRACE_O_EXITKILL;
        request(libc::PTRACE_SEIZE, self.child, options as usize)?;
        // SAFETY: our own child.
        unsafe { libc::kill(self.child, libc::SIGCONT) };
        Ok(())
    }

    /// Handles stops until no process is left.
    fn follow(&mut self) -> io::Result<()> {
        loop {
            let mut status = 0;
            // SAFETY: the status is a local. Only children that are observed exist.
            let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
            if pid == -1 {
                match io::Error::last_os_error() {
                    error if error.raw_os_error() == Some(libc::ECHILD) => return Ok(()),
                    error if error.raw_os_error() == Some(libc::EINTR) => continue,
                    error => return Err(error),
                }
            }
            if libc::WIFSTOPPED(status) {
                // A process may be killed while it is stopped; then its end is reported next.
                let _gone = self.stopped(pid, status);
            } else if pid == self.child {
                self.end = Some(if libc::WIFEXITED(status) {
                    (Some(libc::WEXITSTATUS(status)), None)
                } else {
                    (None, Some(libc::WTERMSIG(status)))
                });
            }
        }
    }

    fn stopped(&mut self, pid: libc::pid_t, status: i32) -> io::Result<()> {
        let signal = libc::WSTOPSIG(status);
        match status >> 16 {
            PTRACE_EVENT_STOP if matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) => {
                // Stopped from outside: it stays so until it is continued from outside.
                return request(libc::PTRACE_LISTEN, pid, 0);
            }
            libc::PTRACE_EVENT_EXEC if !self.executed => {
                self.executed = true;
                // The call that started the program is its first.
                self.observed.count_number(libc::SYS_execve as u32, &[0; 6]);
            }
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                if self.calls.get(&pid).is_some_and(|flags| flags & CLONE_THREAD != 0) {
                    self.observed.threads += 1;
                } else {
                    self.observed.processes += 1;
                }
            }
            0 if signal == libc::SIGTRAP | 0x80 => self.syscall_stop(pid)?,
            0 => return request(libc::PTRACE_SYSCALL, pid, signal as usize),
            _ => {}
        }
        request(libc::PTRACE_SYSCALL, pid, 0)
    }

    /// A stop at a call: counts it on entry.
    fn syscall_stop(&mut self, pid: libc::pid_t) -> io::Result<()> {
        let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
        let size = size_of::<libc::ptrace_syscall_info>();
        // SAFETY: the kernel writes at most `size` bytes into the local.
        let written = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid, size, info.as_mut_ptr()) };
        if written == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: zeroed and then filled by the kernel; every bit pattern is valid.
        let info = unsafe { info.assume_init() };
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY || !self.executed {
            return Ok(());
        }
        // SAFETY: for an entry this is the variant that the kernel filled.
        let entry = unsafe { info.u.entry };
        if info.arch != ARCH_X86_64 || entry.nr & X32_BIT != 0 {
            self.observed.count(super::Call::Unknown("calls of 32-bit programs".into()));
            return Ok(());
        }
        let nr = entry.nr as u32;
        self.observed.count_number(nr, &entry.args);
        let flags = match nr {
            CLONE => entry.args[0],
            CLONE3 => peek(pid, entry.args[0]).unwrap_or(0),
            _ => 0,
        };
        self.calls.insert(pid, flags);
        Ok(())
    }
}

/// A `ptrace` request without an answer.
fn request(request: libc::c_uint, pid: libc::pid_t, data: usize) -> io::Result<()> {
    // SAFETY: `data` is a number for all requests used here.
    let result = unsafe { libc::ptrace(request, pid, ptr::null_mut::<c_void>(), data as *mut c_void) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Reads a word of a stopped process.
fn peek(pid: libc::pid_t, addr: u64) -> Option<u64> {
    let mut word = 0_u64;
    let local = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: 8 };
    let remote = libc::iovec { iov_base: addr as *mut c_void, iov_len: 8 };
    // SAFETY: the kernel writes 8 bytes into the local.
    let read = unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
    (read == 8).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::super::Call;
    use super::*;

    /// One test, because the tracer waits for every child of the process, those of other tests included: it runs in
    /// a child of its own.
    #[test]
    fn programs_are_observed_with_their_children() {
        let child = |check: fn()| {
            // SAFETY: the child runs the check and ends; a failed check ends it by SIGABRT.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                check();
                // SAFETY: ends the child at once.
                unsafe { libc::_exit(0) };
            }
            let mut status = 0;
            // SAFETY: the status is a local.
            assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
            assert_eq!(status, 0, "the check in the child failed");
        };
        child(|| {
            let words = ["/bin/sh", "-c", "(exit 3) ; /bin/true && exit 5"].map(OsString::from);
            let run = observe(&words).unwrap();
            assert_eq!((run.status, run.signal), (Some(5), None));
            assert!(run.observed.processes >= 2, "{:?}", run.observed);
            assert_eq!(run.observed.threads, 0);
            assert_eq!(run.observed.calls[&Call::Number { nr: 59, key: None }], 2, "execve of sh and true");
        });
        child(|| {
            let run = observe(&["/bin/sh", "-c", "kill -9 $$"].map(OsString::from)).unwrap();
            assert_eq!((run.status, run.signal), (None, Some(9)));
        });
        child(|| assert!(observe(&["/nonexistent/program".into()]).is_err()));
    }
}

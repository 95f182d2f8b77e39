//! A process that stands still for a moment: stopped, looked into, changed, and let go.
//!
//! ```text
//!  seize -> interrupt -> stopped -> (step ...) -> read and write -> detach when dropped
//! ```
//!
//! The process and its parent see nothing of it: a seized process gets no signal of ours, and a signal on its way is handed
//! on. A process that sleeps is never stopped, because a call that has moved a part of its bytes would come back short; its
//! memory can be changed without a stop, and its registers are not in use.
//!
//! LIMIT: a process that is stopped while the kernel moves many bytes for it may get a short count, as after SIGSTOP.
#![allow(unsafe_code, reason = "ptrace and waitid, whose results nix cannot take apart in every case")]

use crate::process::is_gone;
use anyhow::{Context, Result};
use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use nix::unistd::Pid;
use std::fs::{File, OpenOptions};
use std::io::{Error, Read};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a stop may take: long for the kernel, except in uninterruptible sleep.
const PATIENCE: Duration = Duration::from_millis(100);
/// The same before a process is given up.
const LAST_PATIENCE: Duration = Duration::from_mins(2);
/// The same for one instruction; a step into a call that sleeps is interrupted.
const STEP: Duration = Duration::from_millis(2);
/// The set of registers that the kernel calls by this number: everything that XSAVE saves.
const NT_X86_XSTATE: i64 = 0x202;
/// Looks without a pause before the first pause.
const EAGER: u32 = 200;

/// A stopped process.
pub(crate) struct Tracee {
    pid: Pid,
    /// A child of this very process: who waits for its end is somebody else.
    is_own: bool,
    /// Signal that it was about to get.
    pending: i32,
    is_stopped: bool,
    /// A step was begun whose stop has not been seen.
    is_stepping: bool,
    is_traced: bool,
    memory: Option<File>,
}

/// What a wait has found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stop {
    /// Stopped, not for a signal.
    Plain,
    /// Stopped before this signal.
    Signal(i32),
    /// It is gone.
    Ended,
    /// It runs.
    Runs,
}

impl Tracee {
    /// Stops a process. `None` when it is gone, or about to be.
    ///
    /// # Errors
    /// When it may not be traced.
    pub(crate) fn stop(pid: u32, is_own: bool) -> Result<Option<Self>> {
        let pid = Pid::from_raw(pid as i32);
        match ptrace::seize(pid, ptrace::Options::empty()) {
            Ok(()) => {}
            Err(nix::errno::Errno::ESRCH) => return Ok(None),
            Err(_) if is_gone(pid) => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("process {pid} may not be traced")),
        }
        let mut tracee =
            Self { pid, is_own, pending: 0, is_stopped: false, is_stepping: false, is_traced: true, memory: None };
        Ok(tracee.interrupt(PATIENCE)?.then_some(tracee))
    }

    /// One that goes on: only its memory can be reached.
    pub(crate) fn unstopped(pid: u32) -> Self {
        let pid = Pid::from_raw(pid as i32);
        Self { pid, is_own: false, pending: 0, is_stopped: false, is_stepping: false, is_traced: false, memory: None }
    }

    /// Whether it stands still now.
    fn interrupt(&mut self, patience: Duration) -> Result<bool> {
        if ptrace::interrupt(self.pid).is_err() {
            // Only a process that is gone cannot be interrupted.
            self.look(Duration::ZERO)?;
            return Ok(false);
        }
        match self.look(patience)? {
            Stop::Plain => {
                if self.is_stepping && self.has_trapped()? {
                    // The stop that we asked for has come before the one that ends the step, whose signal the process
                    // would get when it is let go.
                    self.request(libc::PTRACE_CONT)?;
                    return self.settle(patience);
                }
            }
            Stop::Signal(libc::SIGTRAP) if self.is_stepping => {}
            Stop::Signal(signal) => self.pending = signal,
            Stop::Ended | Stop::Runs => return Ok(false),
        }
        (self.is_stopped, self.is_stepping) = (true, false);
        Ok(true)
    }

    /// Whether the signal that ends a step waits to be seen.
    fn has_trapped(&self) -> Result<bool> {
        let mut text = String::new();
        self.proc_file("status")?.read_to_string(&mut text).context("reading the state of a process")?;
        let waiting = text.lines().find_map(|line| line.strip_prefix("SigPnd:"));
        let waiting = waiting.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        Ok(waiting >> (libc::SIGTRAP - 1) & 1 == 1)
    }

    /// Lets it execute one instruction. Whether it stands still behind it.
    pub(crate) fn step(&mut self) -> Result<bool> {
        self.begin_step()?;
        self.settle(STEP)
    }

    fn begin_step(&mut self) -> Result<()> {
        self.request(libc::PTRACE_SINGLESTEP)?;
        (self.is_stopped, self.is_stepping) = (false, true);
        Ok(())
    }

    /// Waits for the stop that ends a step.
    fn settle(&mut self, patience: Duration) -> Result<bool> {
        match self.look(patience)? {
            Stop::Plain | Stop::Signal(libc::SIGTRAP) => {}
            Stop::Signal(signal) => self.pending = signal,
            Stop::Ended => return Ok(false),
            Stop::Runs => return self.interrupt(PATIENCE),
        }
        (self.is_stopped, self.is_stepping) = (true, false);
        Ok(true)
    }

    /// A request that lets it go on, with the signal that it was about to get.
    fn request(&mut self, request: libc::c_uint) -> Result<()> {
        let signal = std::mem::take(&mut self.pending);
        // SAFETY: the kernel takes the last two arguments as numbers.
        match unsafe { libc::ptrace(request, self.pid.as_raw(), 0, i64::from(signal)) } {
            -1 => Err(Error::last_os_error()).context("letting a process go on"),
            _ => Ok(()),
        }
    }

    /// Waits for a stop or the end.
    fn look(&mut self, patience: Duration) -> Result<Stop> {
        let until = Instant::now() + patience;
        let mut looks = 0;
        loop {
            let stop = self.peek()?;
            if stop != Stop::Runs || Instant::now() >= until {
                return Ok(stop);
            }
            looks += 1;
            if looks > EAGER {
                std::thread::sleep(Duration::from_micros(20));
            } else {
                std::thread::yield_now();
            }
        }
    }

    fn peek(&mut self) -> Result<Stop> {
        // SAFETY: all zeros is a value of this plain structure.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let flags = libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::__WALL;
        // SAFETY: writes one structure of this type. Only looks, see below.
        let look = |info: &mut libc::siginfo_t, flags| unsafe {
            libc::waitid(libc::P_PID, self.pid.as_raw() as u32, info, flags)
        };
        if look(&mut info, flags | libc::WNOWAIT) != 0 {
            let error = Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ECHILD) => Ok(Stop::Ended),
                _ => Err(error).context("waiting for a traced process"),
            };
        }
        // SAFETY: filled by waitid.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        if pid == 0 {
            return Ok(Stop::Runs);
        }
        let has_ended = matches!(info.si_code, libc::CLD_EXITED | libc::CLD_KILLED | libc::CLD_DUMPED);
        if !has_ended || !self.is_own {
            // The end of another one's child has to be taken note of here, before its parent hears of it.
            look(&mut info, flags);
        }
        Ok(match (has_ended, status >> 8) {
            (true, _) => Stop::Ended,
            (false, libc::PTRACE_EVENT_STOP) => Stop::Plain,
            (false, _) => Stop::Signal(status & 0xff),
        })
    }

    /// The general registers.
    pub(crate) fn registers(&self) -> Result<user_regs_struct> {
        ptrace::getregs(self.pid).context("reading registers")
    }

    /// Sets the general registers.
    pub(crate) fn set_registers(&self, registers: user_regs_struct) -> Result<()> {
        ptrace::setregs(self.pid, registers).context("writing registers")
    }

    /// The processor's extended state, in the layout of XSAVE.
    pub(crate) fn extended_state(&self) -> Result<Vec<u8>> {
        let mut state = vec![0; 16384];
        let length = self.transfer(libc::PTRACE_GETREGSET, &mut state).context("reading vector registers")?;
        state.truncate(length);
        Ok(state)
    }

    /// Sets the extended state.
    pub(crate) fn set_extended_state(&self, mut state: Vec<u8>) -> Result<()> {
        self.transfer(libc::PTRACE_SETREGSET, &mut state).context("writing vector registers")?;
        Ok(())
    }

    fn transfer(&self, request: libc::c_uint, state: &mut [u8]) -> Result<usize, Error> {
        let mut part = libc::iovec { iov_base: state.as_mut_ptr().cast(), iov_len: state.len() };
        // SAFETY: the kernel reads or writes what `part` describes, which is `state`.
        let result = unsafe { libc::ptrace(request, self.pid.as_raw(), NT_X86_XSTATE, &raw mut part) };
        if result == -1 { Err(Error::last_os_error()) } else { Ok(part.iov_len) }
    }

    /// Reads memory; fewer bytes than wanted where a hole follows.
    pub(crate) fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<usize> {
        self.memory()?.read_at(bytes, address).with_context(|| format!("reading memory at {address:#x}"))
    }

    /// Writes one byte of memory.
    pub(crate) fn write(&mut self, address: u64, byte: u8) -> Result<()> {
        let written = match self.memory()?.write_at(&[byte], address) {
            // The memory of a process that is ending.
            Ok(0) => Err(Error::from_raw_os_error(libc::ESRCH)),
            result => result,
        };
        written.map(|_| ()).with_context(|| format!("writing memory at {address:#x}"))
    }

    fn memory(&mut self) -> Result<&File> {
        if self.memory.is_none() {
            let file = OpenOptions::new().read(true).write(true).open(format!("/proc/{}/mem", self.pid))?;
            self.memory = Some(file);
        }
        self.memory.as_ref().context("memory was opened")
    }

    /// Where it stands: in its registers, or, where the kernel tells, in the call in which it sleeps.
    pub(crate) fn place(&self) -> Result<Option<u64>> {
        if self.is_stopped {
            return Ok(Some(self.registers()?.rip));
        }
        let mut text = String::new();
        self.proc_file("syscall")?.read_to_string(&mut text).context("reading the system call of a process")?;
        Ok(text.split_whitespace().last().and_then(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()))
    }

    /// Whether its next instruction is a system call.
    pub(crate) fn is_at_call(&mut self) -> Result<bool> {
        const SYSCALL: [u8; 2] = [0x0f, 0x05];
        let rip = self.registers()?.rip;
        let mut code = [0; 2];
        // Where nothing can be read, nothing is executed.
        Ok(self.read(rip, &mut code).is_ok() && code == SYSCALL)
    }

    /// Whether an error only says that it is dead, about to be, or has given the memory back meanwhile.
    pub(crate) fn is_gone(&self, error: &anyhow::Error) -> bool {
        let root = error.root_cause();
        let code = root.downcast_ref::<Error>().and_then(Error::raw_os_error);
        // Who is being killed can be traced no more, although it is not dead yet.
        let code = code.or_else(|| root.downcast_ref::<nix::errno::Errno>().map(|errno| *errno as i32));
        matches!(code, Some(libc::ESRCH | libc::ENOENT | libc::EIO | libc::EFAULT)) || is_gone(self.pid)
    }

    /// A path in its folder of `/proc`.
    pub(crate) fn proc_path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }

    /// A file in its folder of `/proc`.
    pub(crate) fn proc_file(&self, name: &str) -> Result<File> {
        let path = self.proc_path(name);
        File::open(&path).with_context(|| format!("opening {}", path.display()))
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        // Only what stands still can be let go. A disk that is slow may keep it from stopping for a long time; left alone it
        // would stop then, for ever.
        if !self.is_traced || !self.is_stopped && !matches!(self.interrupt(LAST_PATIENCE), Ok(true)) {
            return;
        }
        // A process that was killed meanwhile is let go by its end, which somebody has to take note of.
        if self.request(libc::PTRACE_DETACH).is_err() && !self.is_own {
            let _ = self.look(PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests;

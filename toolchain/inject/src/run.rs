//! Running a program under observation.
#![allow(unsafe_code, reason = "asks to be traced between fork and exec")]

use crate::outcome::Outcome;
use crate::place::Place;
use anyhow::{Context, Result, bail};
use nix::sys::personality::{self, Persona};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program with its arguments. It must print the same at every run and read nothing.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What an undisturbed run does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Golden {
    /// Standard output.
    pub output: Vec<u8>,
    /// Exit status.
    pub status: i32,
    /// Median length from the first instruction to the end.
    pub length: Duration,
}

/// Text on stderr by which a detected fault is known.
const REPORT: &[u8] = b"rcb: fault";
/// A program is taken to hang after so many times its usual length and [`PATIENCE`].
const HANG: u32 = 10;
/// Added to the above: the machine may be busy.
const PATIENCE: Duration = Duration::from_millis(500);
/// Single steps that a stop outside the program's own code is followed before it is drawn again.
const STEPS_BACK: u32 = 400;

/// When and where a bit is flipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Flip {
    pub(crate) after: Duration,
    /// Single steps after the stop: the time of a stop clusters at a few instructions, steps spread it.
    pub(crate) steps: u32,
    pub(crate) place: Place,
}

/// A program that stands at its first instruction.
struct Traced {
    pid: Pid,
    output: File,
    errors: File,
}

impl Drop for Traced {
    fn drop(&mut self) {
        // Gone already in most cases.
        let _ = kill(self.pid, Signal::SIGKILL);
        let _ = waitpid(self.pid, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG));
    }
}

impl Traced {
    fn start(program: &Program) -> Result<Self> {
        let (output, errors) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let mut command = Command::new(&program.path);
        command.args(&program.arguments).stdin(Stdio::null());
        command.stdout(output.try_clone()?).stderr(errors.try_clone()?);
        // SAFETY: only system calls between fork and exec.
        unsafe {
            command.pre_exec(|| {
                personality::set(Persona::ADDR_NO_RANDOMIZE)?;
                ptrace::traceme()?;
                Ok(())
            });
        }
        let child = command.spawn().with_context(|| format!("cannot start {}", program.path.display()))?;
        let pid = Pid::from_raw(child.id() as i32);
        let traced = Self { pid, output, errors };
        match waitpid(pid, None)? {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
            other => bail!("{} did not stop at its first instruction: {other:?}", program.path.display()),
        }
        ptrace::setoptions(pid, ptrace::Options::PTRACE_O_EXITKILL)?;
        Ok(traced)
    }

    /// Runs to the end, delivering signals; `None` after `limit`.
    fn finish(&self, limit: Duration) -> Result<Option<WaitStatus>> {
        let begin = Instant::now();
        loop {
            match waitpid(self.pid, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL))? {
                WaitStatus::StillAlive => {
                    if begin.elapsed() > limit {
                        return Ok(None);
                    }
                    std::thread::sleep(Duration::from_micros(50));
                }
                WaitStatus::Stopped(pid, signal) => ptrace::cont(pid, Some(signal))?,
                status @ (WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => return Ok(Some(status)),
                _ => {}
            }
        }
    }

    fn printed(file: &mut File) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Executable ranges of the program's own file.
    fn own_code(&self, program: &Program) -> Result<Vec<(u64, u64)>> {
        let path = program.path.canonicalize()?;
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.pid))?;
        let own = maps.lines().filter(|line| line.ends_with(&*path.to_string_lossy()));
        let executable = own.filter(|line| line.split_whitespace().nth(1).is_some_and(|flags| flags.contains('x')));
        let ranges = executable.filter_map(|line| {
            let (start, end) = line.split_whitespace().next()?.split_once('-')?;
            Some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
        });
        Ok(ranges.collect())
    }

    /// One instruction. Whether the program still runs.
    fn step(&self) -> Result<bool> {
        ptrace::step(self.pid, None)?;
        Ok(matches!(waitpid(self.pid, Some(WaitPidFlag::__WALL))?, WaitStatus::Stopped(_, Signal::SIGTRAP)))
    }
}

/// Runs the program undisturbed `times` times.
///
/// # Errors
/// When it cannot be run, ends by a signal, or prints something else the next time.
pub fn golden(program: &Program, times: usize) -> Result<Golden> {
    let mut lengths = Vec::new();
    let mut first: Option<(Vec<u8>, i32)> = None;
    for _ in 0..times.max(1) {
        let mut traced = Traced::start(program)?;
        let begin = Instant::now();
        ptrace::cont(traced.pid, None)?;
        let status = traced.finish(Duration::from_mins(1))?;
        lengths.push(begin.elapsed());
        let Some(WaitStatus::Exited(_, status)) = status else {
            let errors = Traced::printed(&mut traced.errors)?;
            bail!("undisturbed run: {status:?} {}", String::from_utf8_lossy(&errors));
        };
        let seen = (Traced::printed(&mut traced.output)?, status);
        if first.as_ref().is_some_and(|first| *first != seen) {
            bail!("two undisturbed runs differ");
        }
        first = Some(seen);
    }
    lengths.sort();
    let (output, status) = first.context("no run")?;
    Ok(Golden { output, status, length: lengths[lengths.len() / 2] })
}

/// One run with one flip. `None` when the program had ended before, or was outside its own code.
///
/// # Errors
/// When the program cannot be run or traced.
pub(crate) fn inject(program: &Program, golden: &Golden, flip: Flip) -> Result<Option<(Outcome, u64)>> {
    let mut traced = Traced::start(program)?;
    let begin = Instant::now();
    ptrace::cont(traced.pid, None)?;
    std::thread::sleep(flip.after);
    // Fails when the program has ended.
    if kill(traced.pid, Signal::SIGSTOP).is_err() {
        return Ok(None);
    }
    if !matches!(waitpid(traced.pid, Some(WaitPidFlag::__WALL))?, WaitStatus::Stopped(_, Signal::SIGSTOP)) {
        return Ok(None);
    }
    for _ in 0..flip.steps {
        if !traced.step()? {
            return Ok(None);
        }
    }
    let own = traced.own_code(program)?;
    let mut regs = ptrace::getregs(traced.pid)?;
    let mut left = STEPS_BACK;
    while !own.iter().any(|&(start, end)| (start..end).contains(&regs.rip)) {
        if left == 0 || !traced.step()? {
            return Ok(None);
        }
        left -= 1;
        regs = ptrace::getregs(traced.pid)?;
    }
    let at = regs.rip;
    if flip.place.flip(&mut regs) {
        ptrace::setregs(traced.pid, regs)?;
    } else {
        let mut vectors = ptrace::getregset::<ptrace::regset::NT_PRFPREG>(traced.pid)?;
        flip.place.flip_vector(&mut vectors);
        ptrace::setregset::<ptrace::regset::NT_PRFPREG>(traced.pid, vectors)?;
    }
    let limit = golden.length.max(begin.elapsed()) * HANG + PATIENCE;
    ptrace::cont(traced.pid, None)?;
    let Some(status) = traced.finish(limit)? else { return Ok(Some((Outcome::Hang, at))) };
    let is_reported = Traced::printed(&mut traced.errors)?.windows(REPORT.len()).any(|window| window == REPORT);
    let outcome = match status {
        _ if is_reported => Outcome::Detected,
        WaitStatus::Exited(_, status) if status == golden.status => {
            if Traced::printed(&mut traced.output)? == golden.output { Outcome::Masked } else { Outcome::Silent }
        }
        _ => Outcome::Crash,
    };
    Ok(Some((outcome, at)))
}

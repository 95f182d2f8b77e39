//! Starting programs, natively or replicated, and what the kernel says they used.
#![allow(unsafe_code, reason = "wait4 has no safe wrapper and is the only way to learn what one child used")]

use crate::machine;
use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

/// How a program is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicated {
    /// Replicas.
    pub replicas: usize,
    /// Whether every call meets.
    pub strict: bool,
}

/// The rcb command and where its replicas go.
#[derive(Clone, Debug)]
pub struct Rcb {
    binary: PathBuf,
    cpus: Vec<usize>,
}

impl Rcb {
    /// The binary at `binary`, if there is one.
    pub fn find(binary: &Path, cpus: &[usize]) -> Option<Self> {
        let binary = binary.canonicalize().ok().filter(|path| path.is_file())?;
        Some(Self { binary, cpus: cpus.to_vec() })
    }

    /// Path of the binary.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The words before the program.
    pub fn words(&self, how: Replicated) -> Vec<OsString> {
        let cpus: Vec<_> = self.cpus.iter().take(how.replicas).map(ToString::to_string).collect();
        let lockstep = if how.strict { "strict" } else { "output" };
        let mut words = vec![self.binary.clone().into_os_string()];
        words.extend(["run", "-n", &how.replicas.to_string(), "--lockstep", lockstep, "--cpus"].map(OsString::from));
        words.push(cpus.join(",").into());
        words.push("--".into());
        words
    }

    /// A command that runs `program` with `args` replicated.
    pub fn command(&self, how: Replicated, program: &Path, args: &[&str]) -> Command {
        let words = self.words(how);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(program).args(args);
        command
    }

    /// Whether there are fewer CPUs than replicas.
    pub fn is_oversubscribed(&self, replicas: usize) -> bool {
        replicas > self.cpus.len()
    }
}

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// From just before its start to its end.
    pub wall_s: f64,
    /// User time of it and of all children it has waited for.
    pub user_s: f64,
    /// System time of the same.
    pub system_s: f64,
    /// It alone: ready to run, but the CPU had something else to do. 0 where the kernel does not say.
    pub delayed_s: f64,
    /// Standard output, if it was asked for.
    pub stdout: Vec<u8>,
}

impl Finished {
    /// CPU time.
    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }
}

/// A program that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    begin: Instant,
}

impl Running {
    /// Starts a command on the given CPUs; they bind this thread too, until the next start.
    pub fn start(command: &mut Command, cpus: &[usize]) -> Result<Self> {
        machine::bind(cpus);
        let begin = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child, begin })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input and output, if both are pipes; they are the caller's from now on.
    pub fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        self.child.stdin.take().zip(self.child.stdout.take())
    }

    /// Reads its standard output, if that is a pipe, and waits for its end.
    pub fn finish(mut self) -> Result<Finished> {
        let mut stdout = Vec::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_end(&mut stdout)?;
        }
        let delayed_s = delayed_s(self.child.id());
        let (status, usage) = wait4(self.child.id())?;
        let seconds = |time: libc::timeval| {
            #[allow(clippy::cast_precision_loss, reason = "seconds of CPU time fit")]
            let seconds = time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
            seconds
        };
        Ok(Finished {
            status,
            wall_s: self.begin.elapsed().as_secs_f64(),
            user_s: seconds(usage.ru_utime),
            system_s: seconds(usage.ru_stime),
            delayed_s,
            stdout,
        })
    }
}

/// Waits for the end without reaping, when all counters are final, and reads how long it has been ready without running:
/// the second number of `/proc/PID/schedstat`, in nanoseconds.
fn delayed_s(pid: u32) -> f64 {
    let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(Pid::from_raw(pid as i32)), ended) == Err(Errno::EINTR) {}
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn wait4(pid: u32) -> Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    // SAFETY: rusage is plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live variables of the types wait4 writes.
        let waited = unsafe { libc::wait4(pid as libc::pid_t, &raw mut status, 0, &raw mut usage) };
        if waited >= 0 {
            return Ok((ExitStatus::from_raw(status), usage));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error).context("wait4 failed");
        }
    }
}

/// Runs a command to its end and wants it to succeed.
pub fn succeed(command: &mut Command, cpus: &[usize]) -> Result<Finished> {
    let shown = format!("{command:?}");
    let finished = Running::start(command.stdin(Stdio::null()), cpus)?.finish()?;
    if !finished.status.success() {
        bail!("{}: {shown}", finished.status);
    }
    Ok(finished)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_a_child_used_and_printed() {
        let cpus = machine::allowed_cpus();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done"]).stdout(Stdio::piped());
        let finished = succeed(&mut command, &cpus).unwrap();
        assert_eq!(finished.stdout, b"done\n");
        assert!(finished.cpu_s() > 0.0 && finished.wall_s > 0.0);
        assert!(succeed(Command::new("/bin/sh").args(["-c", "exit 3"]), &cpus).is_err());
    }

    #[test]
    fn who_has_to_share_a_cpu_is_delayed() {
        let cpus = &machine::allowed_cpus()[..1];
        let script = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";
        let start = || Running::start(Command::new("/bin/sh").args(["-c", script]), cpus).unwrap();
        let both = [start(), start()].map(|one| one.finish().unwrap());
        let first = &both[0];
        assert!(first.delayed_s > 0.2 * first.wall_s, "{first:?}");
        assert!(first.delayed_s + first.cpu_s() < 1.1 * first.wall_s, "{first:?}");
    }

    #[test]
    fn replicas_get_the_cpus_in_order() {
        let rcb = Rcb::find(Path::new("/bin/true"), &[2, 4]).unwrap();
        let words = rcb.words(Replicated { replicas: 3, strict: true });
        let text: Vec<_> = words[1..].iter().map(|word| word.to_string_lossy()).collect();
        assert_eq!(text.join(" "), "run -n 3 --lockstep strict --cpus 2,4 --");
        assert!(rcb.is_oversubscribed(3) && !rcb.is_oversubscribed(2));
        assert!(Rcb::find(Path::new("/nonexistent"), &[0]).is_none());
    }
}

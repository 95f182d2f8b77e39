//! One run of a subject: started, waited for, ended whatever happens, and looked at.
//!
//! What it prints and the record go to files in memory, its working folder is removed with it, and it dies with the thread
//! that started it: nothing outlives a trial.
#![allow(unsafe_code, reason = "system calls between fork and exec, and pidfd_open")]

use crate::outcome::Ended;
use crate::record::Record;
use crate::strike::processes;
use crate::subject::{Files, Subject, copy_folder};
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::personality::{self, Persona};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::time::TimeSpec;
use nix::unistd::{Pid, setpgid};
use std::fmt::Write;
use std::fs::File;
use std::io::Error;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A program that has gone astray does not fill the machine: most bytes of one file.
const FILE_LIMIT: u64 = 1 << 30;
/// How often a wait looks whether the campaign has been stopped.
const GLANCE: Duration = Duration::from_millis(50);

/// Where runs happen: one for each worker.
pub(crate) struct Place {
    /// CPUs for the replicas; empty leaves the choice to rcb.
    pub(crate) cpus: Vec<usize>,
    /// A folder for copies of the template; not needed without one.
    pub(crate) scratch: PathBuf,
}

/// A running subject.
pub(crate) struct Running<'run> {
    subject: &'run Subject,
    /// The first process: rcb, or the program alone.
    pub(crate) pid: u32,
    /// When it was started.
    pub(crate) started: Instant,
    child: Child,
    pidfd: OwnedFd,
    output: File,
    errors: File,
    record: File,
    folder: Option<PathBuf>,
    stop: &'run AtomicBool,
}

/// Why waiting has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wait {
    /// The time has come.
    Time,
    /// The run has ended.
    Ended,
    /// The campaign is to stop.
    Stopped,
}

/// What a run has left.
pub(crate) struct Remains {
    /// How it ended.
    pub(crate) ended: Ended,
    /// Standard output.
    pub(crate) output: Vec<u8>,
    /// The program's standard error.
    pub(crate) errors: Vec<u8>,
    /// Lines of rcb or of hardened code on standard error.
    pub(crate) report: String,
    /// Files in the working folder.
    pub(crate) files: Files,
    /// What rcb has recorded.
    pub(crate) record: Record,
    /// From the start to the end.
    pub(crate) length: Duration,
}

fn memory_file(name: &std::ffi::CStr) -> Result<File> {
    Ok(File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC).context("making a file in memory")?))
}

impl<'run> Running<'run> {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(subject: &'run Subject, place: &Place, stop: &'run AtomicBool) -> Result<Self> {
        let (output, errors, record) = (memory_file(c"output")?, memory_file(c"errors")?, memory_file(c"record")?);
        let record_path = format!("/proc/{}/fd/{}", std::process::id(), record.as_raw_fd());
        let words = subject.words(Path::new(&record_path), &place.cpus);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdout(output.try_clone()?).stderr(errors.try_clone()?);
        // Faults that were injected are none of the machine's.
        command.env_remove("RCB_HISTORY");
        command.stdin(match &subject.input {
            Some(path) => File::open(path).with_context(|| format!("opening {}", path.display()))?.into(),
            None => Stdio::null(),
        });
        let folder = subject.template.as_ref().map(|template| {
            let folder = place.scratch.join("work");
            copy_folder(template, &folder).map(|()| folder)
        });
        let folder = folder.transpose()?;
        if let Some(folder) = &folder {
            command.current_dir(folder);
        }
        let is_alone = subject.replicas == 0;
        let surround = move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
            if is_alone {
                personality::set(Persona::ADDR_NO_RANDOMIZE)?;
            }
            for (resource, most) in [(Resource::RLIMIT_FSIZE, FILE_LIMIT), (Resource::RLIMIT_CORE, 0)] {
                let (soft, hard) = getrlimit(resource)?;
                setrlimit(resource, soft.min(most), hard)?;
            }
            Ok(())
        };
        // SAFETY: only system calls between fork and exec.
        unsafe { command.pre_exec(surround) };
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {}", words[0].display()))?;
        let pid = child.id();
        // SAFETY: the answer is a new descriptor, which is ours.
        let pidfd = match unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } {
            -1 => return Err(Error::last_os_error()).context("watching a run"),
            // SAFETY: as above.
            fd => unsafe { OwnedFd::from_raw_fd(fd as i32) },
        };
        Ok(Self { subject, pid, started, child, pidfd, output, errors, record, folder, stop })
    }

    /// What is run.
    pub(crate) fn subject(&self) -> &'run Subject {
        self.subject
    }

    /// Waits until a time.
    ///
    /// # Errors
    /// When the kernel cannot wait.
    pub(crate) fn wait_until(&self, time: Instant) -> Result<Wait> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(Wait::Stopped);
            }
            let left = time.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
            match ppoll(&mut fds, Some(TimeSpec::from_duration(left.min(GLANCE))), None) {
                Ok(0) if left <= GLANCE => return Ok(Wait::Time),
                Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                Ok(_) => return Ok(Wait::Ended),
                Err(error) => return Err(error).context("waiting for a run"),
            }
        }
    }

    /// Whether replicas are there: the record says so.
    pub(crate) fn has_begun(&self) -> bool {
        self.subject.replicas == 0 || self.record.metadata().is_ok_and(|about| about.len() > 0)
    }

    /// Runs to the end, but not longer than until `limit`. `None` when the campaign is to stop.
    ///
    /// # Errors
    /// When what is left cannot be read.
    pub(crate) fn finish(mut self, limit: Instant) -> Result<Option<Remains>> {
        let mut standing = String::new();
        let ended = match self.wait_until(limit)? {
            Wait::Stopped => return Ok(None),
            Wait::Time => {
                standing = self.standing();
                self.kill();
                Ended::Late
            }
            Wait::Ended => {
                let status = self.child.wait().context("waiting for a run")?;
                status.signal().map_or_else(|| Ended::Exit(status.code().unwrap_or(-1)), Ended::Signal)
            }
        };
        let length = self.started.elapsed();
        // Whatever a program alone has left behind.
        let _ = killpg(Pid::from_raw(self.pid as i32), Signal::SIGKILL);
        let (errors, report) = separate(&contents(&self.errors)?);
        let files = self.folder.as_ref().map(|folder| self.subject.files(folder)).transpose()?;
        Ok(Some(Remains {
            ended,
            output: contents(&self.output)?,
            errors: if self.subject.ignore_stderr { Vec::new() } else { errors },
            report: standing + &report,
            files: files.unwrap_or_default(),
            record: Record::read(&contents(&self.record)?),
            length,
        }))
    }

    /// What the processes of a run that does not end are doing: state, and number and arguments of the system call.
    fn standing(&self) -> String {
        let mut text = String::new();
        for pid in processes(self).unwrap_or_default() {
            let read = |name| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
            let status = read("status");
            let of = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim();
            let _ = writeln!(text, "process {pid} {} {}: {}", of("Name:"), of("State:"), read("syscall").trim());
        }
        text
    }

    fn kill(&mut self) {
        // The replicas of a supervisor die with it.
        let _ = kill(Pid::from_raw(self.pid as i32), Signal::SIGKILL);
        let _ = killpg(Pid::from_raw(self.pid as i32), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.kill();
        }
        if let Some(folder) = &self.folder {
            // Replicas that were killed a moment ago may still hold files, but make none.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn contents(file: &File) -> Result<Vec<u8>> {
    // Not by its position, which the run shares.
    let mut bytes = vec![0; file.metadata()?.len() as usize];
    file.read_exact_at(&mut bytes, 0).context("reading what a run has printed")?;
    Ok(bytes)
}

/// What the program has said, and the lines of ours.
fn separate(text: &[u8]) -> (Vec<u8>, String) {
    let is_ours = |line: &&[u8]| line.starts_with(b"rcb: ");
    let (ours, others): (Vec<&[u8]>, Vec<&[u8]>) = text.split_inclusive(|byte| *byte == b'\n').partition(is_ours);
    (others.concat(), String::from_utf8_lossy(&ours.concat()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Place {
        Place { cpus: Vec::new(), scratch: PathBuf::new() }
    }

    fn shell(script: &str) -> Subject {
        Subject::alone(["sh", "-c", script].map(Into::into).into())
    }

    #[test]
    fn what_is_printed_is_told_apart() {
        let (errors, report) = separate(b"a\nrcb: fault\nb");
        assert_eq!((&errors[..], &report[..]), (&b"a\nb"[..], "rcb: fault\n"));
    }

    #[test]
    fn runs_end_with_all_that_belongs_to_them() {
        let (stop, subject) = (AtomicBool::new(false), shell("echo out; echo err >&2; sleep 100 & exit 3"));
        let run = Running::start(&subject, &here(), &stop).expect("starts");
        let group = Pid::from_raw(run.pid as i32);
        let remains = run.finish(Instant::now() + Duration::from_secs(20)).expect("ends").expect("is not stopped");
        assert_eq!(
            (remains.ended, &remains.output[..], &remains.errors[..]),
            (Ended::Exit(3), &b"out\n"[..], &b"err\n"[..])
        );
        // Killed, and reaped by whoever inherits it.
        let until = Instant::now() + Duration::from_secs(20);
        while killpg(group, None).is_ok() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(killpg(group, None).is_err(), "the process in the background is still there");
    }

    #[test]
    fn late_and_stopped_runs_are_killed() {
        let (stop, subject) = (AtomicBool::new(false), shell("while :; do :; done"));
        let run = Running::start(&subject, &here(), &stop).expect("starts");
        let remains = run.finish(Instant::now() + Duration::from_millis(60)).expect("ends").expect("is not stopped");
        assert_eq!(remains.ended, Ended::Late);
        stop.store(true, Ordering::Relaxed);
        let run = Running::start(&subject, &here(), &stop).expect("starts");
        assert!(run.finish(Instant::now() + Duration::from_secs(20)).expect("ends").is_none());
    }
}

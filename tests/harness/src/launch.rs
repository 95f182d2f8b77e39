//! A run that a test watches and disturbs while it lives.

use crate::case::Case;
use crate::outcome::{Ended, split_stderr};
use crate::processes;
use crate::sandbox::wait_ended;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longest time that anything here waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long a process that has been killed may still be seen.
const DYING: Duration = Duration::from_secs(2);

/// A process group under way, with pipes to its standard input and output.
pub struct Launch {
    child: Child,
    /// Its standard input; the guest sees its end when this is dropped.
    pub stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: PathBuf,
}

/// What was left when a [`Launch`] had ended.
pub struct Finished {
    /// How the command ended.
    pub ended: Ended,
    /// Its standard output from the last line read on.
    pub stdout: Vec<u8>,
    /// The guest's standard error.
    pub stderr: Vec<u8>,
    /// The runtime's lines.
    pub report: String,
    /// Members of its process group that still lived when everything should have been over.
    pub left: Vec<i32>,
}

impl Launch {
    /// Starts a command in folder `work`, in a process group of its own.
    pub fn start(case: &Case, words: &[String], work: &Path) -> io::Result<Self> {
        let stderr = work.with_extension("stderr");
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(work)
            .env_clear()
            .envs(case.environment(work))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&stderr)?)
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        Ok(Self { child, stdin, stdout, stderr })
    }

    /// Process id of the command, which is also that of its group.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Waits for the next line of standard output.
    pub fn line(&mut self) -> io::Result<String> {
        let mut reader = self.stdout.take().ok_or_else(|| io::Error::other("standard output is closed"))?;
        let (line, reader) = in_time(move || {
            let mut line = String::new();
            let result = reader.read_line(&mut line);
            (result.map(|_| line), reader)
        })?;
        self.stdout = Some(reader);
        Ok(line?.trim_end().to_string())
    }

    /// The replicas: the children of the command.
    pub fn replicas(&self) -> Vec<i32> {
        processes::children_of(self.pid())
    }

    /// Sends a signal to the command alone.
    pub fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.pid()), signal);
    }

    /// Waits until the command has ended and everything that held its standard output is gone, then looks what is left.
    pub fn finish(mut self) -> io::Result<Finished> {
        // Read from now on: a guest may have more to say than a pipe holds.
        let drained = self.stdout.take().map(|mut reader| {
            spawned(move || {
                let mut rest = Vec::new();
                reader.read_to_end(&mut rest).map(|_| rest)
            })
        });
        let in_time_ended = wait_ended(self.child.id(), PATIENCE);
        let group = self.pid();
        if !in_time_ended {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        // End of file comes when the last holder of the pipe has died: no need to ask again and again.
        let drained = match drained {
            None => Ok(Vec::new()),
            Some(receiver) => received(&receiver).and_then(|result| result),
        };
        let left = still_alive(group);
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        let status = self.child.wait()?;
        let (stderr, report) = split_stderr(&std::fs::read(&self.stderr)?);
        let ended = if in_time_ended { Ended::from_status(status) } else { Ended::Deadline };
        Ok(Finished { ended, stdout: drained.unwrap_or_default(), stderr, report, left })
    }
}

/// Members of a group that do not go away. A process that is dying closes its files before it stops being listed.
fn still_alive(group: i32) -> Vec<i32> {
    let start = Instant::now();
    loop {
        let left = processes::alive_in_group(group);
        if left.is_empty() || start.elapsed() > DYING {
            return left;
        }
        std::thread::yield_now();
    }
}

/// Sends a signal to a process.
pub fn signal_to(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Does something that may block, and gives up after [`PATIENCE`].
fn in_time<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    received(&spawned(what))
}

/// Does something in a thread of its own.
fn spawned<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> mpsc::Receiver<T> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(what()));
    receiver
}

/// What a thread has found, unless it takes longer than [`PATIENCE`].
fn received<T>(receiver: &mpsc::Receiver<T>) -> io::Result<T> {
    receiver.recv_timeout(PATIENCE).map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "nothing came in time"))
}

//! Something that can be run again and again, natively or replicated: a program with its arguments, or an entry of a
//! suite; and what its runs may be compared by.

use crate::launch::{Finished, Running, succeed};
use crate::machine;
use crate::suite::{Entry, Scratch};
use anyhow::{Context, Result};
use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program as a user starts it.
#[derive(Clone, Debug)]
pub struct UserProgram {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// File for its standard input; empty input without.
    pub input: Option<PathBuf>,
    /// Shell command before every run.
    pub prepare: Option<String>,
    /// Exit status that counts as success.
    pub expected: i32,
    /// Standard output need not be the same each time.
    pub ignore_output: bool,
    /// For output files; must exist.
    pub scratch: PathBuf,
}

/// What is measured.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A program in the current folder.
    User(UserProgram),
    /// An entry of a suite in private copies of its folder.
    Suite {
        /// The entry.
        entry: Box<Entry>,
        /// Prepared inputs.
        inputs: PathBuf,
        /// For private copies.
        scratch: PathBuf,
    },
}

/// One copy to start.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The words of the runtime before the program; none for a native run.
    pub runtime: Option<&'a [OsString]>,
    /// CPUs it may use.
    pub cpus: &'a [usize],
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Times.
    pub finished: Finished,
    /// What it may be compared by.
    pub print: Print,
    /// Last lines of standard error.
    pub complaint: String,
}

/// What a run may be compared by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    /// Exit status in words.
    pub status: String,
    /// Whether it is the one that was expected.
    pub is_expected: bool,
    /// Digests of standard output and written files.
    pub digests: Vec<(String, u64)>,
}

impl Print {
    /// In what it differs from another one.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.status != other.status {
            return Some(format!("{} instead of {}", self.status, other.status));
        }
        let differs = self.digests.iter().zip(&other.digests).find(|(one, other)| one != other);
        match differs {
            Some(((name, _), _)) => Some(format!("{name} differs")),
            None => (self.digests.len() != other.digests.len()).then(|| "the set of written files differs".to_owned()),
        }
    }
}

/// A digest that tells bytes apart (no adversary chooses them).
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Copies that ran at the same time: from the first start to the last end.
#[derive(Clone, Debug)]
pub struct Together {
    /// Wall time in seconds.
    pub wall_s: f64,
    /// Share of the CPUs that other programs took.
    pub foreign: f64,
    /// The copies.
    pub ended: Vec<Ended>,
}

impl Subject {
    /// Short name.
    pub fn name(&self) -> String {
        match self {
            Self::User(program) => {
                let name = program.command.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
                name.to_string_lossy().into_owned()
            }
            Self::Suite { entry, .. } => entry.name.clone(),
        }
    }

    /// As it is started.
    pub fn command(&self) -> String {
        match self {
            Self::User(program) => {
                let words = program.command.iter().map(|word| word.to_string_lossy().into_owned());
                words.collect::<Vec<_>>().join(" ")
            }
            Self::Suite { entry, .. } => entry.command().replace("$RUN ", ""),
        }
    }

    /// Starts copies at the same time and waits for all of them.
    ///
    /// # Errors
    /// When something cannot be started at all; how the copies ended is in the result.
    pub fn run(&self, starts: &[Start<'_>]) -> Result<Together> {
        match self {
            Self::User(program) => {
                if let Some(prepare) = &program.prepare {
                    let mut shell = Command::new("/bin/sh");
                    shell.args(["-c", prepare]).stdout(Stdio::null());
                    succeed(&mut shell, &machine::allowed_cpus()).context("the command of --prepare failed")?;
                }
                let copies: Vec<_> = (0..starts.len()).map(|copy| UserCopy { program, copy }).collect();
                together(&copies, starts, UserCopy::start, UserCopy::ended)
            }
            Self::Suite { entry, inputs, scratch } => {
                let copies: Vec<_> = (0..starts.len())
                    .map(|copy| Scratch::copy(entry, inputs, scratch, &format!("copy{copy}")))
                    .collect::<Result<_>>()?;
                nix::unistd::sync();
                let ended = |copy: &Scratch<'_>, finished: Finished| {
                    let print = copy.outcome(&finished)?.print();
                    Ok(Ended { print, complaint: copy.complaint(), finished })
                };
                together(&copies, starts, |copy, start| copy.start(start.runtime, start.cpus), ended)
            }
        }
    }
}

fn together<T>(
    copies: &[T],
    starts: &[Start<'_>],
    start: impl Fn(&T, &Start<'_>) -> Result<Running>,
    ended: impl Fn(&T, Finished) -> Result<Ended>,
) -> Result<Together> {
    let (busy, begin) = (machine::busy_s(), std::time::Instant::now());
    let running: Vec<_> = copies.iter().zip(starts).map(|(copy, how)| start(copy, how)).collect::<Result<_>>()?;
    let finished: Vec<_> = running.into_iter().map(Running::finish).collect::<Result<_>>()?;
    let wall_s = begin.elapsed().as_secs_f64();
    let own: f64 = finished.iter().map(Finished::cpu_s).sum();
    #[allow(clippy::cast_precision_loss, reason = "a count of CPUs")]
    let cpus = machine::allowed_cpus().len().max(1) as f64;
    let foreign = ((machine::busy_s() - busy - own) / wall_s / cpus).max(0.0);
    let ended = copies.iter().zip(finished).map(|(copy, done)| ended(copy, done)).collect::<Result<_>>()?;
    Ok(Together { wall_s, foreign, ended })
}

/// One of several copies of a user's program.
struct UserCopy<'a> {
    program: &'a UserProgram,
    copy: usize,
}

impl UserCopy<'_> {
    fn file(&self, what: &str) -> PathBuf {
        self.program.scratch.join(format!("{what}{}", self.copy))
    }

    fn start(&self, how: &Start<'_>) -> Result<Running> {
        let words: Vec<&OsString> = how.runtime.into_iter().flatten().chain(&self.program.command).collect();
        let (first, rest) = words.split_first().context("no program is named")?;
        let mut command = Command::new(first);
        command.args(rest).stdout(File::create(self.file("stdout"))?).stderr(File::create(self.file("stderr"))?);
        match &self.program.input {
            None => command.stdin(Stdio::null()),
            Some(path) => {
                let file = File::open(path).with_context(|| format!("--input {}", path.display()))?;
                command.stdin(file)
            }
        };
        Running::start(&mut command, how.cpus)
    }

    fn ended(&self, finished: Finished) -> Result<Ended> {
        let output = if self.program.ignore_output { Vec::new() } else { fs::read(self.file("stdout"))? };
        let print = Print {
            status: finished.status.to_string(),
            is_expected: finished.status.code() == Some(self.program.expected),
            digests: vec![("standard output".to_owned(), digest(&output))],
        };
        let text = fs::read(self.file("stderr")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().filter(|line| is_complaint(line)).collect();
        let complaint = lines[lines.len().saturating_sub(4)..].join(" / ");
        Ok(Ended { finished, print, complaint })
    }
}

/// Whether a line of standard error may say what went wrong; the counters of `--stats` do not.
fn is_complaint(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with("rcb:   ") && !line.starts_with("rcb: statistics")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(words: &[&str], scratch: &Path) -> Subject {
        Subject::User(UserProgram {
            command: words.iter().map(OsString::from).collect(),
            input: None,
            prepare: None,
            expected: 0,
            ignore_output: false,
            scratch: scratch.to_owned(),
        })
    }

    #[test]
    fn copies_run_at_the_same_time() {
        let scratch = tempfile::tempdir().unwrap();
        let subject = user(&["/bin/sh", "-c", "echo same; echo why >&2; exit 3"], scratch.path());
        let cpus = machine::allowed_cpus();
        let start = Start { runtime: None, cpus: &cpus };
        let runs = subject.run(&[start, start]).unwrap();
        assert_eq!(runs.ended.len(), 2);
        assert_eq!(runs.ended[0].print.difference(&runs.ended[1].print), None);
        assert!(!runs.ended[0].print.is_expected);
        assert_eq!(runs.ended[0].complaint, "why");
        assert_eq!((subject.name().as_str(), &subject.command()[..10]), ("sh", "/bin/sh -c"));
    }

    #[test]
    fn output_that_differs_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let cpus = machine::allowed_cpus();
        let start = Start { runtime: None, cpus: &cpus };
        let print = |script: &str| {
            user(&["/bin/sh", "-c", script], scratch.path()).run(&[start]).unwrap().ended.remove(0).print
        };
        assert_eq!(print("echo a").difference(&print("echo b")).unwrap(), "standard output differs");
        assert!(print("exit 1").difference(&print("exit 0")).unwrap().contains("exit status: 1 instead of"));
    }

    #[test]
    fn counters_are_no_complaint() {
        assert!(is_complaint("rcb: error: no") && is_complaint("sh: x: not found"));
        assert!(
            !is_complaint("rcb:   calls        7") && !is_complaint("rcb: statistics (0.1 s)") && !is_complaint(" ")
        );
    }
}

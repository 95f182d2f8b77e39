//! The guest that measures itself, and the ways in which it is run.

use anyhow::{Context, Result};
use rcb_overhead::launch::{Finished, Rcb, Replicated, Running, succeed};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The guest.
const SOURCE: &str = include_str!("../../guests/calls.c");

/// A call that asks the kernel for one number, which the leader performs for all: what others cost beyond it is their
/// own. (The agent answers getppid by itself.)
pub const PLAINEST: &str = "getpriority";

/// Its cases, in its order.
pub const CASES: [&str; 15] = [
    "getppid",
    "getpriority",
    "clock_gettime",
    "read 1 B",
    "pread 4 KiB",
    "pread 64 KiB",
    "read 64 KiB",
    "write 1 B",
    "write 4 KiB",
    "write 64 KiB",
    "open+close",
    "access",
    "madvise",
    "signal path",
    "rdtsc",
];

/// How the guest is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setup {
    /// One copy.
    Native,
    /// Two copies at once, one per CPU.
    Pair,
    /// One replica: interception without agreement.
    One,
    /// One replica in lockstep mode strict.
    OneStrict,
    /// Two replicas, run-ahead allowed.
    Two,
    /// Two replicas, every call meets.
    TwoStrict,
    /// Three replicas.
    Three,
}

impl Setup {
    /// All, in the order in which a round runs them.
    pub const ALL: [Self; 7] =
        [Self::Native, Self::Pair, Self::One, Self::OneStrict, Self::Two, Self::TwoStrict, Self::Three];

    /// How it is replicated, if it is.
    pub const fn replicated(self) -> Option<Replicated> {
        match self {
            Self::Native | Self::Pair => None,
            Self::One => Some(Replicated { replicas: 1, strict: false }),
            Self::OneStrict => Some(Replicated { replicas: 1, strict: true }),
            Self::Two => Some(Replicated { replicas: 2, strict: false }),
            Self::TwoStrict => Some(Replicated { replicas: 2, strict: true }),
            Self::Three => Some(Replicated { replicas: 3, strict: false }),
        }
    }

    /// For tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Pair => "2 natives",
            Self::One => "n=1",
            Self::OneStrict => "n=1 strict",
            Self::Two => "n=2",
            Self::TwoStrict => "n=2 strict",
            Self::Three => "n=3",
        }
    }
}

/// One run of the guest: nanoseconds per call and case.
pub type Run = BTreeMap<String, f64>;

/// The compiled guest and the file it reads.
#[derive(Debug)]
pub(super) struct Guest {
    program: PathBuf,
    file: PathBuf,
}

impl Guest {
    /// Compiles the guest and writes its file into `folder`.
    pub(super) fn prepare(folder: &Path) -> Result<Self> {
        let guest = Self { program: folder.join("calls"), file: folder.join("calls.data") };
        let source = folder.join("calls.c");
        std::fs::write(&source, SOURCE)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-o"]).arg(&guest.program).arg(&source);
        succeed(&mut compiler, &rcb_overhead::machine::allowed_cpus()).context("cannot compile the guest")?;
        let pattern: Vec<u8> = (0..17_u32 << 20).map(|place| (place ^ (place >> 9)) as u8).collect();
        std::fs::write(&guest.file, pattern)?;
        Ok(guest)
    }

    /// Its arguments: windows, percent of the calls in each, and the cases (all when there are none).
    pub(super) fn args<'a>(&'a self, windows: &'a str, percent: &'a str, cases: &[&'a str]) -> Vec<&'a str> {
        [&[self.file.to_str().unwrap_or_default(), windows, percent], cases].concat()
    }
}

fn parse(finished: &Finished) -> Run {
    let text = String::from_utf8_lossy(&finished.stdout);
    let line = |line: &str| {
        let mut words = line.split('\t');
        Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// Runs the guest once in a setup.
pub(super) fn run(setup: Setup, guest: &Guest, rcb: Option<&Rcb>, cpus: &[usize], args: &[&str]) -> Result<Run> {
    let native = || {
        let mut command = Command::new(&guest.program);
        command.args(args).stdout(Stdio::piped()).stdin(Stdio::null());
        command
    };
    let Some(how) = setup.replicated() else {
        let used = if setup == Setup::Pair { 2 } else { 1 };
        let running: Vec<_> =
            cpus[..used].iter().map(|&cpu| Running::start(&mut native(), &[cpu])).collect::<Result<_>>()?;
        let runs: Vec<_> =
            running.into_iter().map(|one| one.finish().map(|done| parse(&done))).collect::<Result<_>>()?;
        // Of two copies the slower one counts: a pair is done when both are.
        let mut slowest = Run::new();
        for (case, value) in runs.into_iter().flatten() {
            let entry = slowest.entry(case).or_insert(value);
            *entry = entry.max(value);
        }
        return Ok(slowest);
    };
    let rcb = rcb.context("there is no rcb command")?;
    let mut command = rcb.command(how, &guest.program, args);
    command.stdout(Stdio::piped());
    Ok(parse(&succeed(&mut command, cpus)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_measures_every_case_natively() {
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::prepare(folder.path()).unwrap();
        let cpus = rcb_overhead::machine::allowed_cpus();
        let run = run(Setup::Native, &guest, None, &cpus, &guest.args("2", "5", &[])).unwrap();
        assert_eq!(run.len(), CASES.len());
        assert!(CASES.iter().all(|case| run[*case] > 0.0));
    }
}

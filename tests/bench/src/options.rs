//! The command line.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Parts that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// Nanoseconds per system call, with the floors of other techniques.
    Calls,
    /// Where the cycles of a call go.
    Cycles,
    /// Start and end of small programs.
    Start,
    /// Memory of agent and log.
    Memory,
    /// Touching memory with small and huge pages.
    Touch,
    /// Loops of forks, and a build.
    Trees,
    /// Wall time of real programs over two concurrent native copies.
    Programs,
    /// What checkpoints and the comparison of memory cost real programs.
    Mending,
    /// The suite as two and three replicas, with the split of the time, and under strace.
    Suite,
}

/// Measures what replication costs on this machine: everything in one run, interleaved, medians with their range.
#[derive(Debug, Parser)]
#[command(name = "rcb-bench", version)]
pub struct Options {
    /// Parts to run; all by default
    pub parts: Vec<Choice>,
    /// Fewer repetitions and small inputs: a first look in a few minutes
    #[arg(long)]
    pub quick: bool,
    /// End with status 1 when a limit is not kept
    #[arg(long)]
    pub check: bool,
    /// Where report.md and report.json are written
    #[arg(long, default_value = "target/bench")]
    pub out: PathBuf,
    /// The rcb command
    #[arg(long, env = "RCB", default_value = "target/release/rcb")]
    pub rcb: PathBuf,
    /// CPUs for the replicas, in order; the first allowed ones by default
    #[arg(long, value_delimiter = ',')]
    pub cpus: Vec<usize>,
    /// Undisturbed pairs of runs wanted per program
    #[arg(long)]
    pub pairs: Option<usize>,
    /// No new pair of program runs is begun after so many minutes; no new program of the part `suite` after twice as many
    #[arg(long, default_value_t = 14.0)]
    pub minutes: f64,
    /// Rounds of the part `suite` per program
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Only these entries of the suite
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// The suite: folder with suite.tsv and prepare.sh
    #[arg(long, default_value = "tests/suite")]
    pub suite: PathBuf,
    /// Prepared inputs of the suite; made by prepare.sh under target/ by default
    #[arg(long)]
    pub inputs: Option<PathBuf>,
}

impl Options {
    /// Whether a part was chosen.
    pub fn wants(&self, choice: Choice) -> bool {
        self.parts.is_empty() || self.parts.contains(&choice)
    }
}

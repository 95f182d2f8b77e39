//! Runs everything that a document needs, interleaved: each round runs every variant once, every second round in the
//! opposite order, so that what the machine does meanwhile hits all of them alike.

mod conclude;

use crate::account::{self, Record};
use crate::document::{Program, Settings};
use crate::latency;
use crate::samples::Samples;
use crate::split::{Constants, Native};
use crate::subject::{Ended, Print, Start, Subject, Together};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// A build of supervisor and agent.
#[derive(Clone, Debug)]
pub struct Build {
    /// Name, such as `swift`.
    pub name: String,
    /// The rcb command.
    pub rcb: PathBuf,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Builds; the first one is the one without hardening.
    pub builds: Vec<Build>,
    /// CPUs for copies and replicas, in order; used again when there are too few.
    pub cpus: Vec<usize>,
    /// Numbers of replicas.
    pub replicas: Vec<usize>,
    /// How.
    pub settings: Settings,
    /// Whether native copies may run at the same time.
    pub copies: bool,
    /// Words of a tracer that the program also runs under, for comparison; none without.
    pub tracer: Vec<OsString>,
    /// Folder for records.
    pub scratch: PathBuf,
}

impl Plan {
    /// CPUs of `n` copies.
    pub fn cpus_of(&self, n: usize) -> Vec<usize> {
        self.cpus.iter().copied().cycle().take(n).collect()
    }

    fn record(&self) -> PathBuf {
        self.scratch.join("record.jsonl")
    }

    /// The words before a program.
    pub fn runtime(&self, replicas: usize, build: &Build) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![build.rcb.clone().into(), "run".into(), "-n".into()];
        words.push(replicas.to_string().into());
        words.extend(["--stats".into(), "--lockstep".into(), self.settings.lockstep.clone().into()]);
        if self.settings.placement.is_empty() {
            let cpus: Vec<_> = self.cpus_of(replicas).iter().map(ToString::to_string).collect();
            words.extend(["--cpus".into(), cpus.join(",").into()]);
        } else {
            words.extend(["--placement".into(), self.settings.placement.clone().into()]);
        }
        if self.settings.huge_pages {
            words.push("--huge-pages".into());
        }
        words.extend(["--record".into(), self.record().into(), "--".into()]);
        words
    }

    /// What a round runs, in the order of even rounds.
    fn tasks(&self) -> Vec<Task> {
        let mut tasks = vec![Task::Native];
        if !self.tracer.is_empty() {
            tasks.push(Task::Traced);
        }
        for &replicas in &self.replicas {
            if self.copies && replicas > 1 {
                tasks.push(Task::Copies(replicas));
            }
            tasks.extend((0..self.builds.len()).map(|build| Task::Replicated(replicas, build)));
        }
        tasks
    }
}

/// One thing that a round runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Native,
    Traced,
    Copies(usize),
    Replicated(usize, usize),
}

/// What one task of one round took.
#[derive(Clone, Debug, Default)]
struct Taken {
    wall_s: f64,
    undisturbed_s: f64,
    native: Native,
    record: Record,
    foreign: f64,
}

/// All rounds of one task.
type Rounds = BTreeMap<Task, Vec<Taken>>;

/// Runs one native copy.
///
/// # Errors
/// When it cannot be started, or ends otherwise than expected.
pub fn native(plan: &Plan, subject: &Subject) -> Result<(Native, Together)> {
    let runs = subject.run(&[Start { runtime: None, cpus: &plan.cpus[..1] }])?;
    let ended = &runs.ended[0];
    if !ended.print.is_expected {
        bail!("the program itself fails, {}{}", ended.print.status, because(ended));
    }
    let done = &ended.finished;
    let native =
        Native { wall_s: done.wall_s, user_s: done.user_s, system_s: done.system_s, delayed_s: done.delayed_s };
    Ok((native, runs))
}

/// Runs replicas once.
///
/// # Errors
/// When they cannot be started or end otherwise than the native run `like`.
pub fn replicated(
    plan: &Plan,
    subject: &Subject,
    replicas: usize,
    build: &Build,
    like: Option<&Print>,
) -> Result<(Together, Record)> {
    _ = std::fs::remove_file(plan.record());
    let (words, mut cpus) = (plan.runtime(replicas, build), plan.cpus_of(replicas));
    if !plan.settings.placement.is_empty() {
        cpus = crate::machine::allowed_cpus();
    }
    let runs = subject.run(&[Start { runtime: Some(&words), cpus: &cpus }])?;
    let ended = &runs.ended[0];
    let word = if replicas == 1 { "replica" } else { "replicas" };
    let what = format!("as {replicas} {word} (build {})", build.name);
    if let Some(difference) = like.and_then(|like| ended.print.difference(like)) {
        bail!("{what} the program does not do the same as natively: {difference}{}", because(ended));
    }
    if like.is_none() && !ended.print.is_expected {
        bail!("{what} it fails: {}{}", ended.print.status, because(ended));
    }
    let record =
        account::read(&plan.record()).with_context(|| format!("{what} the run left no record{}", because(ended)))?;
    if record.replicas.is_empty() {
        bail!("{what} the record names no replica");
    }
    Ok((runs, record))
}

fn because(ended: &Ended) -> String {
    if ended.complaint.is_empty() { String::new() } else { format!(": {}", ended.complaint) }
}

/// Measures one program; every run must do the same as `like`. `constants` gives what was calibrated for replicas and build; `tell` is told of the progress.
///
/// # Errors
/// When the program fails or does something else than before, natively or replicated.
pub fn measure(
    plan: &Plan,
    subject: &Subject,
    like: &Print,
    constants: &impl Fn(usize, usize) -> Constants,
    round_trips: &mut Samples,
    tell: &mut impl FnMut(&str),
) -> Result<Program> {
    let mut notes = Vec::new();
    let mut tasks = plan.tasks();
    for round in 0..plan.settings.warmup {
        tell(&format!("warm-up {} of {}", round + 1, plan.settings.warmup));
        for task in &tasks {
            if let Err(error) = run_task(plan, subject, *task, like) {
                let Task::Copies(copies) = task else { return Err(error) };
                notes.push(format!(
                    "{copies} native copies at once do not do the same as one ({error}); what caches and memory cost \
                     is not measured and stands under unexplained"
                ));
            }
        }
    }
    if !notes.is_empty() {
        tasks.retain(|task| !matches!(task, Task::Copies(_)));
    }
    let mut rounds = Rounds::new();
    for round in 0..plan.settings.runs {
        tell(&format!("round {} of {}", round + 1, plan.settings.runs));
        if let [first, second, ..] = plan.cpus[..]
            && let Some(trip) = latency::ping_pong_ns([first, second])
        {
            round_trips.push(trip);
        }
        let order: Vec<Task> = if round % 2 == 0 { tasks.clone() } else { tasks.iter().rev().copied().collect() };
        for task in order {
            let taken = run_task(plan, subject, task, like)?;
            rounds.entry(task).or_default().push(taken);
        }
    }
    Ok(conclude::conclude(plan, subject, &rounds, constants, notes))
}

/// Two native runs that must do the same; returns what every later run is compared with.
///
/// # Errors
/// When the program fails, or when the two differ.
pub fn reference(plan: &Plan, subject: &Subject) -> Result<Print> {
    let (_, first) = native(plan, subject)?;
    let (_, second) = native(plan, subject).context("the second native run")?;
    let (first, second) = (&first.ended[0], &second.ended[0]);
    if let Some(difference) = second.print.difference(&first.print) {
        bail!(
            "two native runs of the same command differ: {difference}. Replicas could not be compared with it; take \
             times, process numbers and the like out of the output, or leave it out of the comparison with --ignore-output"
        );
    }
    Ok(first.print.clone())
}

fn run_task(plan: &Plan, subject: &Subject, task: Task, like: &Print) -> Result<Taken> {
    let same = |runs: &Together| runs.ended.iter().find_map(|ended| ended.print.difference(like));
    match task {
        Task::Native => {
            let (native, runs) = native(plan, subject)?;
            if let Some(difference) = same(&runs) {
                bail!("a native run differs from the first one: {difference}");
            }
            Ok(Taken { wall_s: native.wall_s, native, foreign: runs.foreign, ..Taken::default() })
        }
        Task::Traced => {
            let runs = subject.run(&[Start { runtime: Some(&plan.tracer), cpus: &plan.cpus[..1] }])?;
            if let Some(difference) = same(&runs) {
                bail!("under {}: {difference}", plan.tracer[0].display());
            }
            Ok(Taken { wall_s: runs.wall_s, foreign: runs.foreign, ..Taken::default() })
        }
        Task::Copies(copies) => {
            let cpus = plan.cpus_of(copies);
            let starts: Vec<_> = cpus.chunks(1).map(|cpus| Start { runtime: None, cpus }).collect();
            let runs = subject.run(&starts)?;
            if let Some(difference) = same(&runs) {
                bail!("one of {copies} native copies at once: {difference}");
            }
            let alone = |ended: &Ended| ended.finished.wall_s - ended.finished.delayed_s;
            let undisturbed_s = runs.ended.iter().map(alone).fold(0.0, f64::max);
            Ok(Taken { wall_s: runs.wall_s, undisturbed_s, foreign: runs.foreign, ..Taken::default() })
        }
        Task::Replicated(replicas, build) => {
            let (runs, record) = replicated(plan, subject, replicas, &plan.builds[build], Some(like))?;
            Ok(Taken { wall_s: runs.ended[0].finished.wall_s, foreign: runs.foreign, record, ..Taken::default() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_run() {
        let build = Build { name: "default".into(), rcb: "/x/rcb".into() };
        let mut plan = Plan {
            builds: vec![build.clone()],
            cpus: vec![2, 4],
            replicas: vec![1, 3],
            settings: Settings { lockstep: "output".into(), ..Settings::default() },
            copies: true,
            tracer: Vec::new(),
            scratch: "/s".into(),
        };
        let text = |plan: &Plan| {
            plan.runtime(3, &build).iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(text(&plan), "/x/rcb run -n 3 --stats --lockstep output --cpus 2,4,2 --record /s/record.jsonl --");
        plan.settings.placement = "auto".into();
        plan.settings.huge_pages = true;
        assert!(text(&plan).contains("--placement auto --huge-pages --record"));
        assert_eq!(
            plan.tasks(),
            [Task::Native, Task::Replicated(1, 0), Task::Copies(3), Task::Replicated(3, 0)],
            "one copy at once is the native run"
        );
    }
}

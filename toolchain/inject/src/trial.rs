//! The undisturbed run, and one trial against it.

use crate::launch::{Place, Remains, Running};
use crate::outcome::{Class, Ended, Seen};
use crate::plan::Faults;
use crate::strike::{Hit, Struck, strike};
use crate::subject::{Files, Subject};
use anyhow::{Context, Result, bail, ensure};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// A run is taken to hang after so many times its usual length ...
const HANG: u32 = 10;
/// ... and this: the machine may be busy.
const PATIENCE: Duration = Duration::from_millis(500);
/// What replicas may need beyond their deadline to say that one of them hangs, and to agree on an end.
const SETTLING: Duration = Duration::from_secs(5);
/// An undisturbed run that takes longer does not end.
const ENDLESS: Duration = Duration::from_mins(10);
/// Attempts after which the time in which a trial may hit is halved ...
const MISSES: u32 = 5;
/// ... so many times, and is the whole time again then.
const HALVED: u32 = 3;
/// Attempts to hit something before a trial is given up.
const ATTEMPTS: u32 = 100;

/// What the undisturbed run does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Golden {
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error of the program.
    pub errors: Vec<u8>,
    /// Exit status.
    pub status: i32,
    /// Files in the working folder.
    pub files: Files,
    /// Median time from the start to the first replica.
    pub begin: Duration,
    /// Median time from the start to the end.
    pub length: Duration,
}

impl Golden {
    /// A digest of everything but the times.
    pub(crate) fn digest(&self) -> String {
        let mut digest = DefaultHasher::new();
        (&self.output, &self.errors, self.status, &self.files).hash(&mut digest);
        format!("{:016x}", digest.finish())
    }
}

/// What came of one trial.
#[derive(Clone, PartialEq, Debug)]
pub struct Trial {
    /// Its number in the campaign.
    pub number: u64,
    /// How often nothing could be hit before.
    pub attempt: u32,
    /// The fault.
    pub hit: Hit,
    /// Its class.
    pub class: Class,
    /// How the run ended.
    pub ended: Ended,
    /// Kind of the fault as rcb names it, and whom it blames.
    pub fault: Option<String>,
    /// Replicas that were blamed.
    pub blamed: Vec<u64>,
    /// Longest time to heal in microseconds.
    pub heal_us: Option<u64>,
    /// From the start to the end of the run.
    pub length: Duration,
    /// In what the run differs from the undisturbed one, for people.
    pub difference: String,
    /// What rcb or hardened code has said.
    pub report: String,
}

/// Runs the subject undisturbed in all places at the same time, `times` times.
///
/// # Errors
/// When it cannot be run, ends by a signal, or does something else the next time.
pub(crate) fn golden(subject: &Subject, places: &[Place], times: usize, stop: &AtomicBool) -> Result<Option<Golden>> {
    let mut runs = Vec::new();
    for _ in 0..times.max(1) {
        let round = std::thread::scope(|scope| {
            let start = |place| scope.spawn(move || undisturbed(subject, place, stop));
            let threads: Vec<_> = places.iter().map(start).collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread died")));
            joined.collect::<Result<Option<Vec<_>>>>()
        })?;
        let Some(round) = round else { return Ok(None) };
        runs.extend(round);
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let begin = median(runs.iter().map(|run| run.1).collect());
    let length = median(runs.iter().map(|run| run.0.length).collect());
    let mut all = runs.into_iter().map(|(remains, _)| remains);
    let first = all.next().context("no run")?;
    let Ended::Exit(status) = first.ended else {
        bail!(
            "the undisturbed run ends badly ({:?}): {}{}",
            first.ended,
            first.report,
            String::from_utf8_lossy(&first.errors)
        );
    };
    ensure!(first.record.fault.is_none(), "the undisturbed run is reported as faulty: {}", first.report);
    ensure!(
        subject.replicas == 0 || !matches!(status, 120 | 125..=127),
        "the undisturbed run fails: {}{}",
        first.report,
        String::from_utf8_lossy(&first.errors)
    );
    let golden = Golden { output: first.output, errors: first.errors, status, files: first.files, begin, length };
    for other in all {
        let difference = difference(&golden, &other);
        if !difference.is_empty() {
            bail!("two undisturbed runs differ: {difference}{}", other.report);
        }
    }
    Ok(Some(golden))
}

/// One undisturbed run, and when its first replica was there.
fn undisturbed(subject: &Subject, place: &Place, stop: &AtomicBool) -> Result<Option<(Remains, Duration)>> {
    let run = Running::start(subject, place, stop)?;
    while !run.has_begun() && run.wait_until(Instant::now() + Duration::from_micros(100))? == crate::launch::Wait::Time
    {
    }
    let begin = run.started.elapsed();
    let limit = run.started + ENDLESS;
    Ok(run.finish(limit)?.map(|remains| (remains, begin)))
}

/// Makes one trial. `None` when the campaign is to stop.
///
/// # Errors
/// When the subject cannot be run or traced, or its targets are hardly ever there.
pub(crate) fn trial(
    subject: &Subject,
    golden: &Golden,
    faults: &Faults,
    number: u64,
    place: &Place,
    stop: &AtomicBool,
) -> Result<Option<Trial>> {
    for attempt in 0..ATTEMPTS {
        let plan = faults.plan(number, attempt);
        let run = Running::start(subject, place, stop)?;
        // After misses in a row: what ends so early is no longer as slow as the undisturbed runs were. But it may also have
        // been bad luck, and be too early for the target then.
        let window = golden.length.saturating_sub(golden.begin) / (1 << (attempt / MISSES % (HALVED + 1)));
        let hit = match strike(&run, &plan, window)? {
            Struck::Hit(hit) => hit,
            Struck::Missed => continue,
            Struck::Stopped => return Ok(None),
        };
        let replicated = if subject.replicas >= 2 { subject.deadline * 3 + SETTLING } else { Duration::ZERO };
        let limit = run.started + golden.length.max(run.started.elapsed()) * HANG + PATIENCE + replicated;
        let Some(remains) = run.finish(limit)? else { return Ok(None) };
        return Ok(Some(conclude(subject, golden, number, attempt, hit, remains)));
    }
    let target = faults.plan(number, 0).target;
    bail!(
        "trial {number}: in {ATTEMPTS} runs the target {target} was never there when the program was stopped: it runs too briefly, or hardly ever outside of calls; take a longer input, or another --target"
    )
}

/// Text on standard error by which a fault is known that hardened code has found.
const HARDENED: &str = "rcb: fault";

fn conclude(subject: &Subject, golden: &Golden, number: u64, attempt: u32, hit: Hit, remains: Remains) -> Trial {
    let difference = difference(golden, &remains);
    let is_prefix = |whole: &[u8], part: &[u8]| whole.starts_with(part);
    let seen = Seen {
        ended: remains.ended,
        expected: golden.status,
        is_same: difference.is_empty(),
        is_prefix: is_prefix(&golden.output, &remains.output) && is_prefix(&golden.errors, &remains.errors),
        is_reported: remains.record.fault.is_some() || remains.report.contains(HARDENED),
        is_healed: remains.record.healed > 0,
    };
    Trial {
        number,
        attempt,
        hit,
        class: seen.class(subject.replicas),
        ended: remains.ended,
        fault: remains.record.fault,
        blamed: remains.record.blamed,
        heal_us: remains.record.heal_us,
        length: remains.length,
        difference,
        report: remains.report,
    }
}

/// Bytes of a difference that are shown.
const EXCERPT: usize = 80;

/// In what a run differs, in words; empty for nothing.
fn difference(golden: &Golden, run: &Remains) -> String {
    let mut words = Vec::new();
    if run.ended != Ended::Exit(golden.status) {
        words.push(match run.ended {
            Ended::Exit(status) => format!("status {status} instead of {}", golden.status),
            Ended::Signal(signal) => format!("killed by signal {signal}"),
            Ended::Late => format!("not ended in time ({})", run.report.trim().replace('\n', "; ")),
        });
    }
    for (name, wanted, seen) in
        [("output", &golden.output, &run.output), ("standard error", &golden.errors, &run.errors)]
    {
        let first = wanted.iter().zip(seen).position(|(a, b)| a != b);
        if let Some(first) = first {
            let part = |bytes: &[u8]| bytes[first..(first + EXCERPT).min(bytes.len())].escape_ascii().to_string();
            words.push(format!(
                "{name} differs from byte {first} of {} on ({} bytes): \"{}\" instead of \"{}\"",
                wanted.len(),
                seen.len(),
                part(seen),
                part(wanted)
            ));
        } else if wanted.len() != seen.len() {
            words.push(format!("{} bytes of {name} instead of {}", seen.len(), wanted.len()));
        }
    }
    words.extend(golden.files.differences(&run.files).into_iter().map(|path| format!("file {}", path.display())));
    words.join(", ")
}

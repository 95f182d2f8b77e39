//! Wall time of real programs as two replicas, over the floor: two native copies at the same time on the same CPUs.

use crate::report::{Limit, Part, Table};
use anyhow::{Context, Result};
use rcb_overhead::launch::{Finished, Rcb, Replicated};
use rcb_overhead::machine;
use rcb_overhead::samples::{Samples, geometric_mean, number};
use rcb_overhead::suite::{Entry, Outcome, Scratch};
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

/// Share of the CPUs that other programs may take during an undisturbed run.
const FOREIGN: f64 = 0.04;
/// Share of system time in CPU time, natively, up to which an entry counts as CPU-bound.
const CPU_BOUND: f64 = 0.10;
/// How long to wait for a quiet machine before a run.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to run.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Entries.
    pub entries: &'a [Entry],
    /// Prepared inputs.
    pub inputs: &'a Path,
    /// For private copies.
    pub scratch: &'a Path,
    /// Undisturbed pairs wanted per entry.
    pub pairs: usize,
    /// No pair begins after this.
    pub deadline: Instant,
    /// Whether the inputs are large enough to judge by; small ones mostly measure the start.
    pub is_full: bool,
}

/// One pair: native copies and replicas, one after the other.
#[derive(Clone, Copy, Debug)]
struct Pair {
    native_wall: f64,
    native_cpu: f64,
    native_system: f64,
    ours_wall: f64,
    ours_cpu: f64,
    foreign: f64,
}

/// All pairs of one entry.
#[derive(Debug, Default)]
struct Series {
    pairs: Vec<Pair>,
    problem: Option<String>,
}

impl Series {
    fn undisturbed(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.foreign < FOREIGN).count()
    }

    /// Undisturbed pairs, or all when there are none.
    fn chosen(&self, value: impl Fn(&Pair) -> f64) -> Samples {
        let all = self.undisturbed() == 0;
        self.pairs.iter().filter(|pair| all || pair.foreign < FOREIGN).map(value).collect()
    }

    /// Share of the native CPU time that is spent in the kernel.
    fn kernel_share(&self) -> Option<f64> {
        self.chosen(|pair| pair.native_system / pair.native_cpu).median()
    }

    fn is_cpu_bound(&self) -> bool {
        self.kernel_share().is_some_and(|share| share <= CPU_BOUND)
    }
}

/// A copy to start: its tag, the words of the runtime if any, its CPUs.
pub(crate) type Start<'a> = (&'a str, Option<&'a [OsString]>, &'a [usize]);

/// Runs started together: wall time from the first start to the last end, and the share that other programs took.
pub(crate) struct Together {
    pub(crate) wall: f64,
    foreign: f64,
    finished: Vec<Finished>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) complaint: String,
}

pub(crate) fn together(plan: &Plan<'_>, entry: &Entry, starts: &[Start<'_>]) -> Result<Together> {
    let copies: Vec<_> =
        starts.iter().map(|(tag, ..)| Scratch::copy(entry, plan.inputs, plan.scratch, tag)).collect::<Result<_>>()?;
    nix::unistd::sync();
    machine::wait_until_quiet(FOREIGN, PATIENCE.min(plan.deadline.saturating_duration_since(Instant::now())));
    let (busy, begin) = (machine::busy_s(), Instant::now());
    let running: Vec<_> =
        copies.iter().zip(starts).map(|(copy, (_, run, cpus))| copy.start(*run, cpus)).collect::<Result<_>>()?;
    let finished: Vec<_> = running.into_iter().map(rcb_overhead::launch::Running::finish).collect::<Result<_>>()?;
    let wall = begin.elapsed().as_secs_f64();
    let own: f64 = finished.iter().map(Finished::cpu_s).sum();
    let foreign = ((machine::busy_s() - busy - own) / wall / 2.0).max(0.0);
    let outcomes = copies.iter().zip(&finished).map(|(copy, done)| copy.outcome(done)).collect::<Result<_>>()?;
    let complaint = copies.iter().map(Scratch::complaint).find(|text| !text.is_empty()).unwrap_or_default();
    Ok(Together { wall, foreign, finished, outcomes, complaint })
}

/// One pair; `ours_first` alternates so that neither side always comes second. An error of the replicas or a wrong
/// output comes back as text.
fn one_pair(
    plan: &Plan<'_>,
    entry: &Entry,
    run: &[OsString],
    cpus: [usize; 2],
    ours_first: bool,
) -> Result<Result<Pair, String>> {
    let native = || together(plan, entry, &[("native-a", None, &cpus[..1]), ("native-b", None, &cpus[1..])]);
    let replicas = || together(plan, entry, &[("replicas", Some(run), &cpus)]);
    let (native, ours) = if ours_first {
        let ours = replicas()?;
        (native()?, ours)
    } else {
        (native()?, replicas()?)
    };
    if let Some(status) = native.outcomes[0].failure() {
        return Ok(Err(format!("the native run failed, {status}: {}", native.complaint)));
    }
    if let Some(difference) = native.outcomes[1].difference(&native.outcomes[0]) {
        return Ok(Err(format!("two native runs differ: {difference}")));
    }
    if let Some(difference) = ours.outcomes[0].difference(&native.outcomes[0]) {
        return Ok(Err(format!("{difference}: {}", ours.complaint)));
    }
    let sum = |value: fn(&Finished) -> f64| native.finished.iter().map(value).sum::<f64>();
    Ok(Ok(Pair {
        native_wall: native.wall,
        native_cpu: sum(Finished::cpu_s),
        native_system: sum(|finished| finished.system_s),
        ours_wall: ours.wall,
        ours_cpu: ours.finished[0].cpu_s(),
        foreign: native.foreign.max(ours.foreign),
    }))
}

/// Goes round the entries until each has its pairs or the time is over.
pub fn part(plan: &Plan<'_>, rcb: Option<&Rcb>, cpus: &[usize]) -> Result<Part> {
    let rcb = rcb.context("there is no rcb command")?;
    let [first, second, ..] = cpus else { anyhow::bail!("two CPUs are needed for two copies at the same time") };
    let cpus = [*first, *second];
    let run = rcb.words(Replicated { replicas: 2, strict: false });
    let mut all: BTreeMap<&str, Series> = BTreeMap::new();
    for round in 0..plan.pairs * 2 {
        for entry in plan.entries {
            let series = all.entry(&entry.name).or_default();
            let done = series.undisturbed() >= plan.pairs || series.problem.is_some();
            if done || Instant::now() > plan.deadline {
                continue;
            }
            match one_pair(plan, entry, &run, cpus, round % 2 == 1)? {
                Ok(pair) => {
                    let ratio = pair.ours_wall / pair.native_wall;
                    eprintln!(
                        "  {:<18} {:.3} s / {:.3} s = {ratio:.3}, others {:.1} %",
                        entry.name,
                        pair.ours_wall,
                        pair.native_wall,
                        pair.foreign * 100.0
                    );
                    series.pairs.push(pair);
                }
                Err(problem) => {
                    eprintln!("  {:<18} {problem}", entry.name);
                    series.problem = Some(problem);
                }
            }
        }
    }
    Ok(summary(plan, &all))
}

fn summary(plan: &Plan<'_>, all: &BTreeMap<&str, Series>) -> Part {
    let inputs = if plan.is_full { "" } else { "Small inputs: these times are mostly start. " };
    let note = format!(
        "{inputs}Seconds from the first start to the last end; `ratio` is n=2 over two concurrent native copies, pair \
         by pair, median (range); `CPU` the same for CPU time. Output and files were compared with the native ones in every \
         pair. A pair counts when other programs took less than {:.0} % of the CPUs; where no pair was undisturbed all \
         are shown, 0 stands under `pairs`, and nothing is judged. `in kernel` is the native share of system time; up \
         to {:.0} % counts as CPU-bound.",
        FOREIGN * 100.0,
        CPU_BOUND * 100.0
    );
    let columns = ["program", "stands for", "two native", "n=2", "ratio", "CPU", "in kernel", "CPU-bound", "pairs"];
    let mut table = Table::new("Real programs", &note, &columns);
    let (mut bound, mut every) = (Vec::new(), Vec::new());
    let (mut wrong, mut bound_entries) = (0_u32, 0_u32);
    let mut raw = Map::new();
    for entry in plan.entries {
        let Some(series) = all.get(entry.name.as_str()) else { continue };
        let ratio = series.chosen(|pair| pair.ours_wall / pair.native_wall);
        let cpu = series.chosen(|pair| pair.ours_cpu / pair.native_cpu);
        if let Some(problem) = &series.problem {
            wrong += 1;
            table.row([entry.name.clone(), entry.counterpart.clone(), format!("failed: {problem}")]);
            raw.insert(entry.name.clone(), json!({ "problem": problem }));
            continue;
        }
        bound_entries += u32::from(series.is_cpu_bound());
        // Only undisturbed pairs are judged.
        if let Some(median) = ratio.median().filter(|_| series.undisturbed() > 0) {
            every.push(median);
            if series.is_cpu_bound() {
                bound.push(median);
            }
        }
        table.row([
            entry.name.clone(),
            entry.counterpart.clone(),
            number(series.chosen(|pair| pair.native_wall).median(), 3),
            number(series.chosen(|pair| pair.ours_wall).median(), 3),
            ratio.text(3),
            cpu.text(3),
            number(series.kernel_share().map(|share| share * 100.0), 0) + " %",
            if series.is_cpu_bound() { "yes" } else { "no" }.to_owned(),
            series.undisturbed().to_string(),
        ]);
        let walls = |value: fn(&Pair) -> f64| series.pairs.iter().map(value).collect::<Vec<_>>();
        raw.insert(
            entry.name.clone(),
            json!({
                "ratio": ratio.json(), "cpu_ratio": cpu.json(), "native_s": walls(|pair| pair.native_wall),
                "replicated_s": walls(|pair| pair.ours_wall), "foreign": walls(|pair| pair.foreign),
            }),
        );
    }
    let mean = geometric_mean(&bound);
    let largest = bound.iter().copied().reduce(f64::max);
    table.row(["geometric mean, CPU-bound".to_owned(), String::new(), String::new(), String::new(), number(mean, 3)]);
    table.row(["largest, CPU-bound".to_owned(), String::new(), String::new(), String::new(), number(largest, 3)]);
    let mean_of_all = number(geometric_mean(&every), 3);
    table.row(["geometric mean, all".to_owned(), String::new(), String::new(), String::new(), mean_of_all]);
    let limit = |what: &str, at_most, measured| Limit { what: what.to_owned(), at_most, measured, unit: "" };
    let mut limits = vec![limit("programs that failed or gave wrong output", 0.0, Some(f64::from(wrong)))];
    if plan.is_full {
        let judged =
            format!("n=2 over two native copies, {} of {bound_entries} CPU-bound programs undisturbed", bound.len());
        limits.push(limit(&format!("{judged}: geometric mean"), 1.02, mean));
        limits.push(limit(&format!("{judged}: largest"), 1.05, largest));
    }
    Part { name: "programs", tables: vec![table], limits, samples: raw.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(ours: f64, foreign: f64, system: f64) -> Pair {
        Pair { native_wall: 1.0, native_cpu: 2.0, native_system: system, ours_wall: ours, ours_cpu: 2.0, foreign }
    }

    #[test]
    fn disturbed_pairs_count_only_when_there_are_no_others() {
        let mut series = Series { pairs: vec![pair(1.5, 0.2, 0.0)], problem: None };
        assert_eq!(series.chosen(|pair| pair.ours_wall).median(), Some(1.5));
        series.pairs.push(pair(1.01, 0.01, 0.0));
        assert_eq!(series.chosen(|pair| pair.ours_wall).median(), Some(1.01));
        assert_eq!(series.undisturbed(), 1);
    }

    #[test]
    fn disturbed_programs_are_shown_but_not_judged() {
        let line = |name: &str| format!("{name}\tx\td\tc\t-\t0\t-\t-\t-\n");
        let entries = rcb_overhead::suite::parse(&(line("quiet") + &line("noisy") + &line("broken")));
        let series = |ours, foreign| Series { pairs: vec![pair(ours, foreign, 0.0)], problem: None };
        let broken = Series { problem: Some("standard output differs".to_owned()), ..Series::default() };
        let all = BTreeMap::from([("quiet", series(1.01, 0.0)), ("noisy", series(3.0, 0.5)), ("broken", broken)]);
        let here = Path::new(".");
        let plan =
            Plan { entries: &entries, inputs: here, scratch: here, pairs: 1, deadline: Instant::now(), is_full: true };
        let limits = summary(&plan, &all).limits;
        assert!(!limits[0].is_kept());
        assert!(limits[2].what.contains("1 of 2") && limits[2].is_kept());
    }

    #[test]
    fn system_time_tells_what_is_cpu_bound() {
        assert!(Series { pairs: vec![pair(1.0, 0.0, 0.1)], problem: None }.is_cpu_bound());
        assert!(!Series { pairs: vec![pair(1.0, 0.0, 1.0)], problem: None }.is_cpu_bound());
        assert!(!Series::default().is_cpu_bound());
    }
}

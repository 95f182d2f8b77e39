//! Nanoseconds per system call: a guest that measures itself, run natively, twice at once, and as replicas.

mod guest;

use crate::floors::{Stop, ptrace_call_ns};
use crate::report::{Limit, Part, Table};
use anyhow::Result;
use rcb_overhead::latency::{Distance, NEAR_NS, Wait, ping_pong_ns, round_trip_ns};
use rcb_overhead::launch::Rcb;
use rcb_overhead::samples::{Samples, number};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

pub use guest::{CASES, PLAINEST, Run, Setup};
use guest::{Guest, run};

/// One round of interleaved runs.
#[derive(Debug, Default)]
struct Round {
    runs: BTreeMap<Setup, (Distance2, Run)>,
    floors: BTreeMap<&'static str, f64>,
}

/// Round trips before and after.
type Distance2 = Option<(f64, f64)>;

/// Everything measured, for this part and for the split in cycles.
#[derive(Debug, Default)]
pub struct Measured {
    rounds: Vec<Round>,
    errors: BTreeMap<&'static str, String>,
    outside: BTreeMap<Setup, f64>,
}

impl Measured {
    /// Values of one case in one setup, at one distance or at all.
    pub fn values(&self, setup: Setup, case: &str, distance: Option<Distance>) -> Samples {
        self.matching(setup, distance).filter_map(|round| round.value(setup, case)).collect()
    }

    /// Differences to the native run of the same round.
    pub fn over_native(&self, setup: Setup, case: &str, distance: Option<Distance>) -> Samples {
        let pair = |round: &Round| Some(round.value(setup, case)? - round.value(Setup::Native, case)?);
        self.matching(setup, distance).filter_map(pair).collect()
    }

    /// Ratios to the native run of the same round.
    fn ratio(&self, setup: Setup, case: &str) -> Samples {
        let pair = |round: &Round| Some(round.value(setup, case)? / round.value(Setup::Native, case)?);
        self.matching(setup, None).filter_map(pair).collect()
    }

    /// A floor by name.
    pub fn floor(&self, name: &str) -> Samples {
        self.rounds.iter().filter_map(|round| round.floors.get(name).copied()).collect()
    }

    fn matching(&self, setup: Setup, distance: Option<Distance>) -> impl Iterator<Item = &Round> {
        self.rounds.iter().filter(move |round| match (distance, round.runs.get(&setup)) {
            (None, Some(_)) => true,
            (Some(wanted), Some((Some((before, after)), _))) => Distance::of(*before, *after) == wanted,
            _ => false,
        })
    }
}

impl Round {
    fn value(&self, setup: Setup, case: &str) -> Option<f64> {
        self.runs.get(&setup)?.1.get(case).copied()
    }
}

/// Measures everything, interleaved.
pub fn measure(folder: &Path, rcb: Option<&Rcb>, cpus: &[usize], quick: bool) -> Result<Measured> {
    let guest = Guest::prepare(folder)?;
    let two = [cpus[0], *cpus.get(1).unwrap_or(&cpus[0])];
    let rounds = if quick { 5 } else { 15 };
    let mut measured = Measured::default();
    for _ in 0..rounds {
        let mut round = Round::default();
        for setup in Setup::ALL {
            let needed = if setup == Setup::Pair { 2 } else { 1 };
            if measured.errors.contains_key(setup.name()) || cpus.len() < needed {
                continue;
            }
            let crowded = setup.replicated().zip(rcb).is_some_and(|(how, rcb)| rcb.is_oversubscribed(how.replicas));
            let (windows, percent) = if crowded { ("3", "5") } else { ("15", "100") };
            let before = ping_pong_ns(two);
            match run(setup, &guest, rcb, cpus, &guest.args(windows, percent, &[])) {
                Ok(run) => _ = round.runs.insert(setup, (before.zip(ping_pong_ns(two)), run)),
                Err(error) => _ = measured.errors.insert(setup.name(), format!("{error:#}")),
            }
        }
        floors(&mut round, two);
        measured.rounds.push(round);
    }
    outside(&mut measured, &guest, rcb, cpus)?;
    Ok(measured)
}

fn floors(round: &mut Round, cpus: [usize; 2]) {
    let stops = [
        ("PTRACE_SYSCALL, 2 stops, same CPU", Stop::EntryAndExit, cpus[0]),
        ("PTRACE_SYSCALL, 2 stops, other CPU", Stop::EntryAndExit, cpus[1]),
        ("PTRACE_SYSEMU, 1 stop, same CPU", Stop::EntryOnly, cpus[0]),
        ("PTRACE_SYSEMU, 1 stop, other CPU", Stop::EntryOnly, cpus[1]),
    ];
    for (name, stop, tracee) in stops {
        // Where tracing is forbidden the row stays empty.
        if let Ok(ns) = ptrace_call_ns(stop, cpus[0], tracee, 500) {
            round.floors.insert(name, ns);
        }
    }
    let here = [cpus[0], cpus[0]];
    round.floors.insert("futex wake-up, same CPU", round_trip_ns(here, Wait::Futex, 3, 300) / 2.0);
    round.floors.insert("yield, same CPU", round_trip_ns(here, Wait::Yield, 3, 300) / 2.0);
    if cpus[0] != cpus[1] {
        round.floors.insert("futex wake-up, other CPU", round_trip_ns(cpus, Wait::Futex, 3, 300) / 2.0);
        round.floors.insert("spin on a cache line, other CPU", round_trip_ns(cpus, Wait::Spin, 3, 2000) / 2.0);
    }
}

/// The cost of getppid from outside, as a check on what the guest says: the difference of the shortest wall times of
/// a long and a short run, over the calls between them.
fn outside(measured: &mut Measured, guest: &Guest, rcb: Option<&Rcb>, cpus: &[usize]) -> Result<()> {
    const WINDOWS: u32 = 200;
    for setup in [Setup::Native, Setup::One, Setup::Two, Setup::TwoStrict] {
        if measured.errors.contains_key(setup.name()) || (setup.replicated().is_some() && rcb.is_none()) {
            continue;
        }
        let shortest = |windows: u32| -> Result<Option<f64>> {
            let mut walls = Samples::default();
            for _ in 0..5 {
                let begin = std::time::Instant::now();
                run(setup, guest, rcb, cpus, &guest.args(&windows.to_string(), "100", &["getppid"]))?;
                walls.push(begin.elapsed().as_secs_f64());
            }
            Ok(walls.min())
        };
        if let (Some(short), Some(long)) = (shortest(0)?, shortest(WINDOWS)?) {
            measured.outside.insert(setup, (long - short) * 1e9 / f64::from(WINDOWS * 2000));
        }
    }
    Ok(())
}

/// Tables and limits.
pub fn part(measured: &Measured, rcb: Option<&Rcb>) -> Part {
    // Distances at which two replicas ran; without any such run those at which the native ones did.
    let ran = if measured.matching(Setup::Two, None).next().is_some() { Setup::Two } else { Setup::Native };
    let seen: Vec<_> = [Distance::Near, Distance::Far]
        .into_iter()
        .filter(|&distance| measured.matching(ran, Some(distance)).next().is_some())
        .collect();
    let mut tables = vec![per_call(measured, rcb)];
    tables.extend(seen.iter().map(|&distance| added(measured, distance)));
    tables.push(floor_table(measured));
    let mut limits = Vec::new();
    for &distance in &seen {
        let near = distance == Distance::Near;
        let mut add = |what: &str, setup, case, near_us: f64, far_us: f64| {
            let median = measured.over_native(setup, case, Some(distance)).median();
            let name = format!("{what} over native, {}", distance.name());
            let at_most = if near { near_us } else { far_us };
            limits.push(Limit { what: name, at_most, measured: median.map(|ns| ns / 1000.0), unit: "us" });
        };
        add("getppid, n=2 output,", Setup::Two, "getppid", 0.25, 0.45);
        add("getppid, n=2 strict,", Setup::TwoStrict, "getppid", 0.35, 0.8);
        add("getpriority, n=2 output,", Setup::Two, PLAINEST, 0.25, 0.45);
        add("getpriority, n=2 strict,", Setup::TwoStrict, PLAINEST, 0.35, 0.8);
        add("write 1 B, n=2 output,", Setup::Two, "write 1 B", 0.35, 0.9);
        add("rdtsc, n=2 output,", Setup::Two, "rdtsc", 0.35, 0.45);
    }
    let signal = measured.values(Setup::Two, "signal path", None).median();
    limits.push(Limit {
        what: "call on the signal path, n=2".into(),
        at_most: 2.8,
        measured: signal.map(|ns| ns / 1000.0),
        unit: "us",
    });
    for case in ["read 64 KiB", "pread 64 KiB"] {
        let ratio = measured.ratio(Setup::Two, case).median();
        limits.push(Limit {
            what: format!("{case} of a file, n=2, over native"),
            at_most: 2.5,
            measured: ratio,
            unit: "",
        });
    }
    Part { name: "calls", tables, limits, samples: samples(measured) }
}

fn per_call(measured: &Measured, rcb: Option<&Rcb>) -> Table {
    let trips: Samples = Setup::ALL
        .iter()
        .flat_map(|setup| measured.rounds.iter().filter_map(|round| round.runs.get(setup)?.0))
        .flat_map(|(before, after)| [before, after])
        .collect();
    let mut note = format!(
        "Nanoseconds per call: median over {} rounds of the median of short windows in the guest (range). Ping-pong \
         between the two CPUs, before and after each run: {} ns (below {NEAR_NS:.0} is near).",
        measured.rounds.len(),
        trips.text(0),
    );
    if rcb.is_some_and(|rcb| rcb.is_oversubscribed(3)) {
        note.push_str(" n=3 is oversubscribed: there are fewer CPUs than replicas.");
    }
    for (setup, error) in &measured.errors {
        _ = write!(note, " {setup} failed: {error}.");
    }
    if !measured.outside.is_empty() {
        let seen: Vec<_> = measured.outside.iter().map(|(setup, ns)| format!("{} {ns:.0}", setup.name())).collect();
        _ = write!(note, " getppid as seen from outside, by the difference of two whole runs: {}.", seen.join(", "));
    }
    let mut columns = vec!["call"];
    columns.extend(Setup::ALL.map(Setup::name));
    let mut table = Table::new("Cost of a system call", &note, &columns);
    for case in CASES {
        let cells = Setup::ALL.map(|setup| measured.values(setup, case, None).text(0));
        table.row([case.to_owned()].into_iter().chain(cells));
    }
    table
}

fn added(measured: &Measured, distance: Distance) -> Table {
    let setups = [Setup::Pair, Setup::One, Setup::Two, Setup::TwoStrict];
    let mut columns = vec!["call"];
    columns.extend(setups.map(Setup::name));
    let title = format!("Added over native, CPUs {}", distance.name());
    let note = "Nanoseconds per call: differences to the native run of the same round, median (range).";
    let mut table = Table::new(&title, note, &columns);
    for case in CASES {
        let cells = setups.map(|setup| measured.over_native(setup, case, Some(distance)).text(0));
        table.row([case.to_owned()].into_iter().chain(cells));
    }
    table
}

fn floor_table(measured: &Measured) -> Table {
    let note = "What other techniques cost before they do anything: getppid under a tracer that only lets it go on, and \
                one notification between two threads. Measured in the same rounds.";
    let mut table = Table::new("Floors of other techniques", note, &["technique", "ns", "times getpriority with n=2"]);
    let ours = measured.values(Setup::Two, PLAINEST, None).median();
    let names: std::collections::BTreeSet<_> =
        measured.rounds.iter().flat_map(|round| round.floors.keys().copied()).collect();
    for name in names {
        let floor = measured.floor(name);
        let times = floor.median().zip(ours).map(|(floor, ours)| floor / ours);
        table.row([name.to_owned(), floor.text(0), number(times, 1)]);
    }
    table
}

fn samples(measured: &Measured) -> Value {
    let mut setups = Map::new();
    for setup in Setup::ALL {
        let cases: Map<_, _> =
            CASES.iter().map(|case| ((*case).to_owned(), measured.values(setup, case, None).json())).collect();
        let trips: Vec<_> = measured.rounds.iter().map(|round| round.runs.get(&setup).and_then(|run| run.0)).collect();
        setups.insert(setup.name().to_owned(), json!({ "cases": cases, "ping_pong_ns": trips }));
    }
    let floors: Map<_, _> = measured
        .rounds
        .iter()
        .flat_map(|round| round.floors.keys())
        .map(|name| ((*name).to_owned(), measured.floor(name).json()))
        .collect();
    json!({ "ns_per_call": setups, "floors_ns": floors, "errors": measured.errors })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(native: f64, two: f64, trip: f64) -> Round {
        let of = |value| (Some((trip, trip)), Run::from([("getppid".to_owned(), value)]));
        Round { runs: BTreeMap::from([(Setup::Native, of(native)), (Setup::Two, of(two))]), ..Round::default() }
    }

    #[test]
    fn differences_are_taken_within_a_round_and_by_distance() {
        let rounds = vec![round(100.0, 300.0, 98.0), round(150.0, 360.0, 97.0), round(100.0, 700.0, 400.0)];
        let measured = Measured { rounds, ..Measured::default() };
        let near = measured.over_native(Setup::Two, "getppid", Some(Distance::Near));
        assert_eq!(near, [200.0, 210.0].into_iter().collect());
        assert_eq!(measured.over_native(Setup::Two, "getppid", Some(Distance::Far)).median(), Some(600.0));
        assert_eq!(measured.values(Setup::Two, "getppid", None).len(), 3);
        assert!(measured.values(Setup::Three, "getppid", None).is_empty());
    }

    #[test]
    fn limits_depend_on_the_distance_seen() {
        let measured = Measured { rounds: vec![round(100.0, 400.0, 98.0)], ..Measured::default() };
        let limits = part(&measured, None).limits;
        let getppid = limits.iter().find(|limit| limit.what.starts_with("getppid, n=2 output")).unwrap();
        assert!(getppid.what.ends_with("near") && !getppid.is_kept());
        assert!(!limits.iter().any(|limit| limit.what.ends_with("far")));
    }
}

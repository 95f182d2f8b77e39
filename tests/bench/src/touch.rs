//! The memory microbenchmark: what it costs to touch pages of 4 KiB and of 2 MiB, natively and replicated.

use crate::calls::Setup;
use crate::report::{Part, Table};
use anyhow::{Context, Result};
use rcb_overhead::launch::{Rcb, Running, succeed};
use rcb_overhead::samples::Samples;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The guest.
const SOURCE: &str = include_str!("../guests/touch.c");
/// Setups that are compared.
const SETUPS: [Setup; 5] = [Setup::Native, Setup::Pair, Setup::One, Setup::Two, Setup::Three];

/// Sizes of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pages {
    Small,
    Huge,
}

impl Pages {
    fn name(self) -> &'static str {
        match self {
            Self::Small => "4 KiB",
            Self::Huge => "2 MiB",
        }
    }
}

/// One run: nanoseconds per 4 KiB at first, later, and MiB of huge pages.
type Run = [f64; 3];

fn parse(stdout: &[u8]) -> Option<Run> {
    let text = String::from_utf8_lossy(stdout);
    let mut words = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || words.next()?.ok();
    Some([next()?, next()?, next()? / 1024.0])
}

/// Compiles the guest.
fn prepare(folder: &Path) -> Result<PathBuf> {
    let (source, program) = (folder.join("touch.c"), folder.join("touch"));
    std::fs::write(&source, SOURCE)?;
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-o"]).arg(&program).arg(&source);
    succeed(&mut compiler, &rcb_overhead::machine::allowed_cpus()).context("cannot compile the guest")?;
    Ok(program)
}

/// Runs the guest once. Natively it asks for huge pages itself; replicas get them from `rcb run --huge-pages`.
fn run(program: &Path, rcb: Option<&Rcb>, cpus: &[usize], size: &[&str; 2], setup: Setup, pages: Pages) -> Result<Run> {
    let advice = match (pages, setup.replicated()) {
        (Pages::Small, _) => "small",
        (Pages::Huge, None) => "huge",
        (Pages::Huge, Some(_)) => "plain",
    };
    let args = [size[0], size[1], advice];
    let finished = if let Some(how) = setup.replicated() {
        let words = rcb.context("there is no rcb command")?.words(how);
        let mut command = Command::new(&words[0]);
        let (end, options) = words[1..].split_last().context("no words")?;
        command.args(options).args((pages == Pages::Huge).then_some("--huge-pages")).arg(end).arg(program).args(args);
        vec![succeed(command.stdout(Stdio::piped()), cpus)?]
    } else {
        let start = |cpu: &usize| {
            let mut command = Command::new(program);
            Running::start(command.args(args).stdout(Stdio::piped()).stdin(Stdio::null()), &[*cpu])
        };
        let used = if setup == Setup::Pair { 2 } else { 1 };
        let running: Vec<_> = cpus[..used.min(cpus.len())].iter().map(start).collect::<Result<_>>()?;
        running.into_iter().map(Running::finish).collect::<Result<_>>()?
    };
    let runs = finished.iter().map(|done| parse(&done.stdout).context("the guest printed something else"));
    let runs: Vec<Run> = runs.collect::<Result<_>>()?;
    // Of two copies the slower one counts.
    Ok([0, 1, 2].map(|index| runs.iter().map(|run| run[index]).fold(0.0, f64::max)))
}

/// Measures interleaved.
pub fn part(folder: &Path, rcb: Option<&Rcb>, cpus: &[usize], quick: bool) -> Result<Part> {
    let (rounds, size) = if quick { (3, ["64", "4"]) } else { (9, ["256", "8"]) };
    let program = prepare(folder)?;
    let mut all: BTreeMap<(Pages, usize), [Samples; 3]> = BTreeMap::new();
    for _ in 0..rounds {
        for pages in [Pages::Small, Pages::Huge] {
            for (index, setup) in SETUPS.iter().enumerate() {
                if setup.replicated().is_some() && rcb.is_none() {
                    continue;
                }
                let run = run(&program, rcb, cpus, &size, *setup, pages)?;
                let samples = all.entry((pages, index)).or_default();
                run.iter().zip(samples).for_each(|(value, samples)| samples.push(*value));
            }
        }
    }
    let note = format!(
        "Nanoseconds per 4 KiB of {} MiB of private memory: first the write that makes the kernel find a page, then later \
         writes in a scattered order; median of {rounds} (range), interleaved. Replicas get huge pages by --huge-pages, \
         native copies ask themselves. `huge` is how many MiB came so.",
        size[0]
    );
    let columns = ["what", "native", "2 natives", "n=1", "n=2", "n=3"];
    let mut table = Table::new("Touching memory", &note, &columns);
    let mut raw = Map::new();
    for pages in [Pages::Small, Pages::Huge] {
        for (index, what) in ["first", "later", "huge MiB"].iter().enumerate() {
            let name = format!("{what}, {}", pages.name());
            let samples = |setup: usize| all.get(&(pages, setup)).map(|samples| &samples[index]);
            let cells = (0..SETUPS.len()).map(|setup| samples(setup).map_or_else(|| "-".into(), |one| one.text(1)));
            table.row([name.clone()].into_iter().chain(cells));
            let json =
                (0..SETUPS.len()).filter_map(|setup| Some((SETUPS[setup].name().to_owned(), samples(setup)?.json())));
            raw.insert(name, json!(json.collect::<Map<_, _>>()));
        }
    }
    Ok(Part { name: "touch", tables: vec![table], limits: Vec::new(), samples: raw.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guest_touches_memory_natively() {
        let folder = tempfile::tempdir().unwrap();
        let program = prepare(folder.path()).unwrap();
        let cpus = rcb_overhead::machine::allowed_cpus();
        let small = run(&program, None, &cpus, &["16", "1"], Setup::Native, Pages::Small).unwrap();
        assert!(small[0] > 0.0 && small[1] > 0.0);
        assert!(small[2].abs() < 1e-9, "{} MiB of huge pages, although it asked for none", small[2]);
    }

    #[test]
    fn what_the_guest_prints() {
        assert_eq!(parse(b"1.50\t0.25\t2048\n"), Some([1.5, 0.25, 2.0]));
        assert_eq!(parse(b"1.50\n"), None);
    }
}

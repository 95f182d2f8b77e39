//! What checkpoints and the comparison of memory cost real programs: two replicas with them over two without.

use crate::programs::{Plan, together};
use crate::report::{Limit, Part, Table};
use anyhow::{Context, Result};
use rcb_overhead::launch::{Rcb, Replicated};
use rcb_overhead::samples::Samples;
use rcb_overhead::suite::Entry;
use serde_json::{Map, json};
use std::ffi::OsString;
use std::time::Instant;

/// Entries of the suite: bzip2, python3 and cc1.
pub const ENTRIES: [&str; 3] = ["bzip2", "python3", "gcc.cc1"];
/// Options that are compared with a run without, and how much longer a run with them may take.
const SETTINGS: [(&str, f64); 2] = [("--checkpoint", 1.05), ("--scrub", 1.03)];
/// Seconds from one to the next.
const PERIOD: &str = "1";

/// The words of the runtime with an option.
fn with(words: &[OsString], option: Option<&str>) -> Vec<OsString> {
    let mut words = words.to_vec();
    let end = words.len().saturating_sub(1);
    if let Some(option) = option {
        words.splice(end..end, [option, PERIOD].map(OsString::from));
    }
    words
}

/// Wall time of one run with each setting, the one without first; `turn` decides which one begins.
fn round(plan: &Plan<'_>, entry: &Entry, words: &[OsString], cpus: [usize; 2], turn: usize) -> Result<Vec<f64>> {
    let mut walls = vec![0.0; SETTINGS.len() + 1];
    let mut first = None;
    for step in 0..walls.len() {
        let index = (step + turn) % walls.len();
        let option = index.checked_sub(1).map(|index| SETTINGS[index].0);
        let words = with(words, option);
        let run = together(plan, entry, &[("replicas", Some(&words), &cpus)])?;
        let outcome = run.outcomes.into_iter().next().context("a run without an outcome")?;
        if let Some(status) = outcome.failure() {
            anyhow::bail!("{} with {} failed, {status}: {}", entry.name, option.unwrap_or("nothing"), run.complaint);
        }
        walls[index] = run.wall;
        match &first {
            None => first = Some(outcome),
            Some(first) => {
                if let Some(difference) = outcome.difference(first) {
                    anyhow::bail!("{} with {}: {difference}", entry.name, option.unwrap_or("nothing"));
                }
            }
        }
    }
    Ok(walls)
}

/// Goes round the entries.
pub fn part(plan: &Plan<'_>, rcb: Option<&Rcb>, cpus: &[usize]) -> Result<Part> {
    let rcb = rcb.context("there is no rcb command")?;
    let [first, second, ..] = cpus else { anyhow::bail!("two CPUs are needed for two replicas") };
    let words = rcb.words(Replicated { replicas: 2, strict: false });
    let note = "Seconds from start to end as two replicas, and what an option with a period of 1 s makes of it, run by run, median \
                (range), interleaved. Output and files were compared in every run.";
    let mut table =
        Table::new("Checkpoints and comparison of memory", note, &["program", "n=2", "--checkpoint 1", "--scrub 1"]);
    let (mut raw, mut limits) = (Map::new(), Vec::new());
    for entry in plan.entries.iter().filter(|entry| ENTRIES.contains(&entry.name.as_str())) {
        let mut plain = Samples::default();
        let mut ratios = vec![Samples::default(); SETTINGS.len()];
        for turn in 0..plan.pairs {
            if turn > 0 && Instant::now() > plan.deadline {
                break;
            }
            let walls = round(plan, entry, &words, [*first, *second], turn)?;
            plain.push(walls[0]);
            ratios.iter_mut().zip(&walls[1..]).for_each(|(samples, wall)| samples.push(wall / walls[0]));
        }
        table.row([entry.name.clone(), plain.text(3)].into_iter().chain(ratios.iter().map(|one| one.text(3))));
        for ((option, at_most), samples) in SETTINGS.iter().zip(&ratios) {
            raw.insert(format!("{} {option}", entry.name), json!(samples.json()));
            limits.push(Limit {
                what: format!("{}, {option} {PERIOD}, over n=2 without", entry.name),
                at_most: *at_most,
                measured: samples.median().filter(|_| plan.is_full),
                unit: "",
            });
        }
    }
    Ok(Part { name: "mending", tables: vec![table], limits, samples: raw.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_stands_before_the_program() {
        let words = ["rcb", "run", "--"].map(OsString::from);
        assert_eq!(with(&words, Some("--scrub")), ["rcb", "run", "--scrub", "1", "--"].map(OsString::from));
        assert_eq!(with(&words, None), words);
    }
}

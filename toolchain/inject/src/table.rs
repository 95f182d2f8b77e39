//! Campaigns as text, as Markdown and as data.

use crate::outcome::{Class, Counts, Estimate};
use crate::store::{Key, Row, Stored};
use serde::Serialize;
use std::fmt::Write;

/// Faults of these classes are listed one by one, up to so many.
const LISTED: usize = 20;

/// One campaign with its figures.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    /// What it is.
    pub campaign: Key,
    /// Length of the undisturbed run in seconds.
    pub length_s: f64,
    /// Trials.
    pub trials: u64,
    /// Those that had an effect.
    pub effective: u64,
    /// Each class with its share of all.
    pub classes: Vec<Share>,
    /// Corrected ones among the effective.
    pub corrected: Estimate,
    /// Corrected and stopped ones among the effective.
    pub detected: Estimate,
    /// Of the detected ones with a single replica to blame: those in which the right one was.
    pub rightly_blamed: Blame,
    /// Median and largest time to heal in milliseconds.
    pub heal_ms: Option<(f64, f64)>,
    /// Every trial.
    pub rows: Vec<Row>,
}

/// One class.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Share {
    /// Which.
    pub class: Class,
    /// How many.
    pub count: u64,
    /// Its share with the 95 % interval.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// Whether the right replica was blamed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Blame {
    /// Exactly the one that was hit.
    pub right: u64,
    /// Somebody.
    pub all: u64,
}

impl Summary {
    /// The figures of a campaign.
    pub fn new(stored: Stored) -> Self {
        let counts: Counts = stored.trials.iter().map(|row| row.class).collect();
        let effective = counts.effective();
        let corrected = counts.of(Class::Corrected);
        let share = |class| Share { class, count: counts.of(class), estimate: counts.share(class) };
        let blamed = stored.trials.iter().filter(|row| !row.blamed.is_empty());
        let right = blamed.clone().filter(|row| row.replica.is_some_and(|replica| row.blamed == [replica]));
        let mut heal: Vec<u64> = stored.trials.iter().filter_map(|row| row.heal_us).collect();
        heal.sort_unstable();
        let milliseconds = |us: u64| us as f64 / 1e3;
        Self {
            length_s: stored.length_us as f64 / 1e6,
            trials: counts.total(),
            effective,
            classes: Class::ALL.map(share).into(),
            corrected: Estimate::new(corrected, effective),
            detected: Estimate::new(corrected + counts.of(Class::Stopped), effective),
            rightly_blamed: Blame { right: right.count() as u64, all: blamed.count() as u64 },
            heal_ms: heal.last().map(|last| (milliseconds(heal[heal.len() / 2]), milliseconds(*last))),
            campaign: stored.key,
            rows: stored.trials,
        }
    }

    fn count(&self, class: Class) -> u64 {
        self.classes.iter().find(|share| share.class == class).map_or(0, |share| share.count)
    }

    /// What is promised not to happen has happened.
    pub fn breaks_promise(&self) -> bool {
        self.campaign.replicas >= 2
            && Class::ALL.into_iter().any(|class| class.breaks_promise() && self.count(class) > 0)
    }
}

/// A campaign for people.
pub fn text(summary: &Summary) -> String {
    let key = &summary.campaign;
    let mut out = String::new();
    let _ = writeln!(out, "{}", key.command.join(" "));
    let _ = writeln!(
        out,
        "{}, {}, seed {}; undisturbed run {:.1} ms\n",
        match key.replicas {
            0 => "alone".to_owned(),
            1 => "1 replica".to_owned(),
            n => format!("{n} replicas"),
        },
        faults(key),
        key.seed,
        1e3 * summary.length_s
    );
    let _ = writeln!(out, "  {:<24} {:>7} {:>9}   95 % interval", "class", "trials", "share");
    for Share { class, count, estimate } in &summary.classes {
        let _ = writeln!(
            out,
            "  {class:<24} {count:>7} {:>7.2} %   {:.2} to {:.2} %",
            100.0 * estimate.share,
            100.0 * estimate.low,
            100.0 * estimate.high
        );
    }
    let _ = writeln!(out, "  {:<24} {:>7}", "all", summary.trials);
    let _ = writeln!(
        out,
        "\n  {} had an effect: corrected {}, corrected or stopped {}",
        summary.effective, summary.corrected, summary.detected
    );
    if summary.rightly_blamed.all > 0 {
        let Blame { right, all } = summary.rightly_blamed;
        let _ = writeln!(out, "  blamed, when anybody was: the right replica alone in {right} of {all}");
    }
    if let Some((median, largest)) = summary.heal_ms {
        let _ = writeln!(out, "  time to heal: median {median:.2} ms, largest {largest:.2} ms");
    }
    list(&mut out, summary);
    out
}

/// What was done, in words.
fn faults(key: &Key) -> String {
    match (key.kind.as_str(), key.bits) {
        ("skip", _) => "one instruction left out".into(),
        (kind, 1) => format!("{kind} of 1 bit: {}", key.targets.join(", ")),
        (kind, bits) => format!("{kind} of {bits} bits: {}", key.targets.join(", ")),
    }
}

/// The trials that one wants to see.
fn list(out: &mut String, summary: &Summary) {
    let is_listed = |row: &&Row| match summary.campaign.replicas {
        0 | 1 => row.class == Class::Silent,
        _ => row.class.breaks_promise(),
    };
    let listed: Vec<&Row> = summary.rows.iter().filter(is_listed).collect();
    for row in listed.iter().take(LISTED) {
        let replica = row.replica.map_or_else(String::new, |replica| format!("replica {replica}: "));
        let _ = writeln!(out, "  trial {}, {}: {replica}{} at {}", row.number, row.class, row.place, row.at);
        let _ = writeln!(out, "    {}", row.difference);
    }
    if listed.len() > LISTED {
        let _ = writeln!(out, "  and {} more", listed.len() - LISTED);
    }
}

/// Campaigns as rows of one table of Markdown.
pub fn markdown(summaries: &[Summary]) -> String {
    let mut out = String::from(
        "| program | n | faults | trials | no effect | corrected | stopped | crashed | hung | lost | silent | silent, 95 % below \
         | detected of effective |\n|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for summary in summaries {
        let (key, count) = (&summary.campaign, |class| summary.count(class));
        let silent = Estimate::new(count(Class::Silent), summary.trials);
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.2} % | {:.1} % |",
            shortened(&key.command),
            key.replicas,
            faults(key),
            summary.trials,
            count(Class::NoEffect),
            count(Class::Corrected),
            count(Class::Stopped),
            count(Class::Crashed),
            count(Class::Hung),
            count(Class::Lost),
            count(Class::Silent),
            100.0 * silent.high,
            100.0 * summary.detected.share,
        );
    }
    out
}

/// A command as a cell of a table.
fn shortened(command: &[String]) -> String {
    const LONGEST: usize = 50;
    let words = command.join(" ").replace(['|', '`', '\n'], " ");
    if words.chars().count() <= LONGEST {
        return words;
    }
    words.chars().take(LONGEST).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, class: Class, blamed: &[u64], heal_us: Option<u64>) -> Row {
        Row {
            number,
            attempt: 0,
            class,
            target: "ip".into(),
            place: "rip bit 3".into(),
            at: "/bin/ls+0x1 (0x1)".into(),
            replica: Some(1),
            after_us: 1,
            ended: "exit 0".into(),
            fault: None,
            blamed: blamed.into(),
            heal_us,
            length_us: 1,
            difference: "output differs".into(),
        }
    }

    fn summary() -> Summary {
        let key = Key {
            version: "1".into(),
            command: vec!["ls".into(), "a|b".into()],
            replicas: 3,
            options: vec![],
            targets: vec!["ip".into(), "memory".into()],
            kind: "flip".into(),
            bits: 1,
            seed: 7,
        };
        let trials = vec![
            row(0, Class::NoEffect, &[], None),
            row(1, Class::Corrected, &[1], Some(900)),
            row(2, Class::Corrected, &[0], Some(1500)),
            row(3, Class::Silent, &[], None),
        ];
        Summary::new(Stored { key, golden: String::new(), length_us: 20_000, trials })
    }

    #[test]
    fn figures_follow_from_the_trials() {
        let summary = summary();
        assert_eq!((summary.trials, summary.effective, summary.heal_ms), (4, 3, Some((1.5, 1.5))));
        assert_eq!(summary.rightly_blamed, Blame { right: 1, all: 2 });
        assert!((summary.corrected.share - 2.0 / 3.0).abs() < 1e-12);
        assert!(summary.breaks_promise());
        let json = serde_json::to_value(&summary).expect("JSON");
        assert_eq!((&json["classes"][5]["class"], &json["classes"][5]["count"]), (&"silent".into(), &1.into()));
    }

    #[test]
    fn the_text_shows_what_went_wrong() {
        let text = text(&summary());
        for line in [
            "3 replicas, flip of 1 bit: ip, memory, seed 7; undisturbed run 20.0 ms",
            "  silent corruption              1   25.00 %   4.56 to 69.94 %",
            "the right replica alone in 1 of 2",
            "  trial 3, silent corruption: replica 1: rip bit 3 at /bin/ls+0x1 (0x1)",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_table_has_a_row_for_each_campaign() {
        let table = markdown(&[summary(), summary()]);
        assert_eq!(table.lines().count(), 4);
        assert!(
            table.contains("| `ls a b` | 3 | flip of 1 bit: ip, memory | 4 | 1 | 2 | 0 | 0 | 0 | 0 | 1 |"),
            "{table}"
        );
    }
}

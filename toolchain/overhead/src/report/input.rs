//! What kinds of files there are: documents of `rcb estimate` and `rcb measure`, results of `make bench`, and records of
//! runs, among them those with an injected fault.

use crate::document::Document;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything taken from the files.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Documents, with the names of their files.
    pub documents: Vec<(String, Document)>,
    /// Results of the benchmark.
    pub benches: Vec<Bench>,
    /// Runs with an injected fault, by what was hit.
    pub injections: BTreeMap<String, Injected>,
    /// Records without an injected fault; they have nothing to show here.
    pub plain_records: usize,
}

/// What is read of the results of `make bench`.
#[derive(Clone, Debug, Deserialize)]
pub struct Bench {
    /// Parts with their tables.
    pub parts: Vec<BenchPart>,
}

/// One part of the benchmark.
#[derive(Clone, Debug, Deserialize)]
pub struct BenchPart {
    /// Its name.
    pub name: String,
    /// Its tables.
    #[serde(default)]
    pub tables: Vec<BenchTable>,
}

/// A table of the benchmark.
#[derive(Clone, Debug, Deserialize)]
pub struct BenchTable {
    /// Heading.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Cells.
    pub rows: Vec<Vec<String>>,
}

/// Ends of runs with an injected fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Injected {
    /// Runs.
    pub runs: u64,
    /// The replicas disagreed, or one ended: told, and nothing wrong left.
    pub noticed: u64,
    /// Nobody noticed anything: the fault was in something no longer used.
    pub quiet: u64,
    /// The fault did not take place.
    pub missed: u64,
}

impl Input {
    /// Adds a file.
    ///
    /// # Errors
    /// When it is of no known kind.
    pub fn add(&mut self, name: &str, text: &str) -> Result<()> {
        self.add_text(name, text).with_context(|| name.to_owned())
    }

    fn add_text(&mut self, name: &str, text: &str) -> Result<()> {
        let first = text.lines().next().unwrap_or_default();
        if serde_json::from_str::<Value>(first).is_ok_and(|line| line["event"].is_string()) {
            return self.add_record(text);
        }
        let value: Value = serde_json::from_str(text)
            .context("it is neither JSON nor the record of a run; rcb estimate --json, rcb measure --json, rcb run --record and make bench write what can be shown")?;
        if value["kind"].is_string() {
            self.documents.push((name.to_owned(), Document::parse(text)?));
        } else if value["parts"].is_array() {
            self.benches.push(serde_json::from_value(value).context("it is no result of make bench")?);
        } else {
            bail!("it is JSON of no kind that is known here");
        }
        Ok(())
    }

    fn add_record(&mut self, text: &str) -> Result<()> {
        let mut target = None;
        let (mut noticed, mut missed, mut complete) = (false, false, false);
        for line in text.lines() {
            let event: Value = serde_json::from_str(line).context("a line of the record is no JSON")?;
            match event["event"].as_str() {
                Some("start") => target = event["inject"].as_str().map(target_of),
                Some("fault") => noticed = true,
                Some("not-injected") => missed = true,
                Some("summary") => complete = true,
                _ => {}
            }
        }
        if !complete {
            bail!("the record has no summary: the run broke off");
        }
        let Some(target) = target else {
            self.plain_records += 1;
            return Ok(());
        };
        let sum = self.injections.entry(target).or_default();
        sum.runs += 1;
        match (missed, noticed) {
            (true, _) => sum.missed += 1,
            (_, true) => sum.noticed += 1,
            _ => sum.quiet += 1,
        }
        Ok(())
    }
}

/// What `--inject` hits, without where exactly: `reg` of `replica=1,call=3,reg=rbx,bit=4`.
fn target_of(spec: &str) -> String {
    let mut words = spec.split(',').map(|word| word.split('=').next().unwrap_or(word));
    let target = words.rfind(|word| !["replica", "call", "bit"].contains(word));
    match target {
        Some("reg") => "register",
        Some("mem") => "memory",
        Some(other) => other,
        None => "unknown",
    }
    .to_owned()
}

/// The interval in which a share lies with 95 % confidence: Wilson's score interval (E. B. Wilson, 1927), which stays
/// sensible for few runs and for shares near 0 and 1.
pub fn wilson(hits: u64, runs: u64) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_964;
    if runs == 0 {
        return None;
    }
    #[allow(clippy::cast_precision_loss, reason = "counts of runs")]
    let (hits, runs) = (hits as f64, runs as f64);
    let share = hits / runs;
    let scale = 1.0 + Z * Z / runs;
    let middle = (share + Z * Z / (2.0 * runs)) / scale;
    let half = Z / scale * (share * (1.0 - share) / runs + Z * Z / (4.0 * runs * runs)).sqrt();
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(inject: &str, event: &str) -> String {
        format!("{{\"event\":\"start\",\"inject\":{inject}}}\n{event}{{\"event\":\"summary\",\"replicas\":[]}}\n")
    }

    #[test]
    fn kinds_of_files() {
        let mut input = Input::default();
        input.add("a", &crate::text::tests::document().to_json()).unwrap();
        input.add("b", r#"{"schema":1,"parts":[{"name":"calls","samples":{}}]}"#).unwrap();
        input.add("c", &record("null", "")).unwrap();
        assert_eq!((input.documents.len(), input.benches.len(), input.plain_records), (1, 1, 1));
        for bad in ["", "x", "{}", "{\"event\":\"start\"}", "{\"kind\":\"estimate\"}"] {
            let error = format!("{:#}", input.add("bad", bad).unwrap_err());
            assert!(error.starts_with("bad: "), "{error}");
        }
    }

    #[test]
    fn runs_with_a_fault_are_counted_by_what_was_hit() {
        let mut input = Input::default();
        let reg = "\"replica=1,call=3,reg=rbx,bit=4\"";
        input.add("1", &record(reg, "{\"event\":\"fault\"}\n")).unwrap();
        input.add("2", &record(reg, "")).unwrap();
        input.add("3", &record("\"replica=0,call=9,hang\"", "{\"event\":\"not-injected\"}\n")).unwrap();
        assert_eq!(input.injections["register"], Injected { runs: 2, noticed: 1, quiet: 1, missed: 0 });
        assert_eq!(input.injections["hang"], Injected { runs: 1, missed: 1, ..Injected::default() });
    }

    #[test]
    fn shares_have_intervals() {
        assert_eq!(wilson(0, 0), None);
        let (low, high) = wilson(0, 10).unwrap();
        assert!(low.abs() < 1e-12 && (high - 0.2775).abs() < 1e-3, "{high}");
        let (low, high) = wilson(5, 10).unwrap();
        assert!((low - 0.2366).abs() < 1e-3 && (high - 0.7634).abs() < 1e-3, "{low} {high}");
    }
}

//! What `rcb run --stats --record` says about a run.

use crate::work::Mix;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Counters of one replica; times in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Account {
    /// In user mode: program and agent.
    pub user_s: f64,
    /// In the kernel.
    pub system_s: f64,
    /// Ready to run, but the CPU had something else to do.
    pub delayed_s: f64,
    /// Largest resident set, KiB.
    pub max_rss_kib: u64,
    /// The agent's own work, as sampled.
    pub own_s: f64,
    /// Waiting for peers.
    pub wait_s: f64,
    /// Of these, asleep; the rest spins.
    pub sleep_s: f64,
    /// In the kernel with calls of the program, as sampled.
    pub kernel_s: f64,
    /// Spent on reading the clock for these numbers; in none of them.
    pub reading_s: f64,
    /// System calls.
    pub calls: u64,
    /// Bytes of calls that were hashed to be compared; 0 with one replica.
    pub bytes_compared: u64,
    /// Of the calls, those through patched sites.
    pub patched: u64,
    /// Times it waited.
    pub waits: u64,
}

impl Account {
    /// CPU time, without reading the clock.
    pub fn work_s(&self) -> f64 {
        self.user_s + self.system_s - self.reading_s
    }

    /// What its agent had to do.
    pub fn mix(&self) -> Mix {
        Mix { calls: self.calls, bytes: self.bytes_compared }
    }

    /// Waiting for peers by spinning.
    pub fn spin_s(&self) -> f64 {
        self.wait_s - self.sleep_s
    }
}

/// The fields of the record that are used here; serde ignores the others.
#[derive(Deserialize)]
struct Replica {
    user_s: f64,
    system_s: f64,
    delayed_s: f64,
    max_rss_kib: u64,
    stats: Stats,
}

#[derive(Deserialize)]
struct Stats {
    own_s: f64,
    wait_s: f64,
    sleep_s: f64,
    kernel_s: f64,
    reading_s: f64,
    calls: u64,
    bytes_compared: u64,
    patched: u64,
    waits: u64,
}

/// What is kept of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// One account per replica; the first one is the leader's.
    pub replicas: Vec<Account>,
    /// CPU of each replica at the start.
    pub cpus: Vec<u32>,
    /// Calls that were refused, by name.
    pub refused: Vec<String>,
    /// How often replicas were moved.
    pub moves: usize,
}

/// Reads a record.
///
/// # Errors
/// When the file is not there, is no record, or has no summary: the run broke off.
pub fn read(path: &Path) -> Result<Record> {
    let text = fs::read_to_string(path).with_context(|| format!("there is no record {}", path.display()))?;
    parse(&text).with_context(|| format!("the record {}", path.display()))
}

fn parse(text: &str) -> Result<Record> {
    let mut record = Record::default();
    let mut complete = false;
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).context("a line that is no JSON")?;
        match value["event"].as_str() {
            Some("start") => {
                let cpus = value["cpus"].as_array().into_iter().flatten();
                record.cpus = cpus.filter_map(Value::as_u64).map(|cpu| cpu as u32).collect();
            }
            Some("refusal") => record.refused.extend(value["name"].as_str().map(str::to_owned)),
            Some("move") => record.moves += 1,
            Some("summary") => {
                let replicas: Vec<Replica> = serde_json::from_value(value["replicas"].clone()).context("summary")?;
                record.replicas = replicas.iter().map(account).collect();
                complete = true;
            }
            _ => {}
        }
    }
    if !complete {
        bail!("it has no summary");
    }
    Ok(record)
}

fn account(replica: &Replica) -> Account {
    let Replica { user_s, system_s, delayed_s, max_rss_kib, stats } = replica;
    Account {
        user_s: *user_s,
        system_s: *system_s,
        delayed_s: *delayed_s,
        max_rss_kib: *max_rss_kib,
        own_s: stats.own_s,
        wait_s: stats.wait_s,
        sleep_s: stats.sleep_s,
        kernel_s: stats.kernel_s,
        reading_s: stats.reading_s,
        calls: stats.calls,
        bytes_compared: stats.bytes_compared,
        patched: stats.patched,
        waits: stats.waits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_becomes_accounts() {
        let text = concat!(
            r#"{"event":"start","schema":1,"cpus":[1,0]}"#,
            "\n",
            r#"{"event":"refusal","name":"fork","sentence":"no"}"#,
            "\n",
            r#"{"event":"move","replica":1}"#,
            "\n",
            r#"{"event":"summary","wall_s":1,"replicas":[{"user_s":0.5,"system_s":0.25,"delayed_s":0,"max_rss_kib":9,"stats":{"#,
            r#""own_s":0.1,"wait_s":0.3,"sleep_s":0.1,"kernel_s":0.2,"reading_s":0.05,"calls":7,"bytes_compared":99,"patched":6,"waits":2,"new":1}}]}"#,
        );
        let record = parse(text).unwrap();
        assert_eq!((record.cpus, record.refused, record.moves), (vec![1, 0], vec!["fork".to_owned()], 1));
        assert!((record.replicas[0].work_s() - 0.7).abs() < 1e-12);
        assert!((record.replicas[0].spin_s() - 0.2).abs() < 1e-12);
        assert_eq!(record.replicas[0].mix(), Mix { calls: 7, bytes: 99 });
    }

    #[test]
    fn a_run_that_broke_off_is_none() {
        assert!(parse("{\"event\":\"start\"}").is_err());
        assert!(parse("nonsense").is_err());
        assert!(parse("{\"event\":\"summary\",\"replicas\":[{}]}").is_err());
    }
}

//! `rcb run --history` and `rcb history`: which CPU disagrees more often than chance, over many runs.

mod statistics;
mod store;

use crate::history::statistics::{LEVEL, at_least, lower_ratio};
use crate::history::store::{Cpu, Run, Store};
use anyhow::{Context, Result, ensure};
use clap::Args;
use nix::sys::memfd::{MFdFlags, memfd_create};
use rcb_keeper::config::RunConfig;
use rcb_keeper::{Inherited, Outcome};
use serde_json::json;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The variable that names the file where `--history` does not.
const VARIABLE: &str = "RCB_HISTORY";

/// Text behind the options.
const NOTES: &str = "\
Every run with --history FILE (or RCB_HISTORY) adds its replicas with their CPUs, CPU times and faults. A fault counts for the
CPU of the replica that was blamed; where nobody was (two replicas), for the CPUs of all. If all CPUs were equally good,
faults would be shared out like CPU time; `times as often` is how much more often this CPU disagrees, at least, than the
others, an exact bound of 95 % for all CPUs together. Above 1 it is no chance: take it out of service and test it.

Examples:
  RCB_HISTORY=~/.rcb-history rcb run -n 3 -- ./simulate input
  rcb history ~/.rcb-history";

#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct HistoryArgs {
    /// The store [default: what RCB_HISTORY names].
    file: Option<PathBuf>,
    /// Count runs with injected faults, too.
    #[arg(long)]
    with_injected: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// The file that is wanted, if any.
pub(crate) fn file(option: Option<PathBuf>) -> Option<PathBuf> {
    option.or_else(|| std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from))
}

/// Runs a program and adds the run to the history.
pub(crate) fn recorded(mut config: RunConfig, path: &Path, inherited: &Inherited) -> Result<Outcome> {
    // A wrong path is known before anything runs.
    drop(Store::open(path)?);
    // A record of our own, in memory, unless the user wants one.
    let mut own = File::from(memfd_create(c"rcb-record", MFdFlags::MFD_CLOEXEC).context("making a record in memory")?);
    let is_own = config.record.is_none();
    let record = config.record.get_or_insert_with(|| format!("/proc/self/fd/{}", own.as_raw_fd()).into()).clone();
    let outcome = rcb_keeper::run(&config, inherited);
    let mut add = || -> Result<()> {
        let mut text = String::new();
        if is_own {
            own.read_to_string(&mut text).context("reading the record")?;
        } else {
            text = std::fs::read_to_string(&record).context("reading the record")?;
        }
        let host = nix::unistd::gethostname().context("asking for the name of this machine")?;
        let Some(run) = Run::of_record(&text) else { return Ok(()) };
        Store::open(path)?.add(&host.to_string_lossy(), &run)
    };
    if let Err(error) = add() {
        // The guest has run: its status counts.
        rcb_keeper::run::say(&format!("warning: the run is not in the history: {error:#}"));
    }
    Ok(outcome?)
}

/// One CPU with what follows from the numbers.
struct Judged {
    cpu: Cpu,
    faults: u64,
    share: f64,
    chance: f64,
    ratio: f64,
}

/// Compares each CPU with the others of its machine.
fn judge(cpus: &[Cpu]) -> Vec<Judged> {
    let judged = |cpu: &Cpu| {
        let peers = || cpus.iter().filter(|peer| peer.host == cpu.host);
        let faults = |cpu: &Cpu| cpu.blamed + cpu.involved;
        let (all, time) = (peers().map(faults).sum(), peers().map(|peer| peer.used_s).sum::<f64>());
        let share = if time > 0.0 { cpu.used_s / time } else { 1.0 / peers().count() as f64 };
        Judged {
            faults: faults(cpu),
            share,
            chance: at_least(faults(cpu), all, share),
            ratio: if share < 1.0 { lower_ratio(faults(cpu), all, share, peers().count() as u64) } else { 0.0 },
            cpu: cpu.clone(),
        }
    };
    cpus.iter().map(judged).collect()
}

/// Shows the history.
pub(crate) fn run(args: &HistoryArgs) -> Result<Outcome> {
    let path = file(args.file.clone()).context("name the store, or set RCB_HISTORY")?;
    ensure!(path.exists(), "{}: there is no such file", path.display());
    let judged = judge(&Store::open(&path)?.cpus(args.with_injected)?);
    let page = if args.json { format!("{:#}\n", as_json(&judged)) } else { as_text(&judged) };
    std::io::stdout().write_all(page.as_bytes()).context("writing the result")?;
    Ok(Outcome::Exit(0))
}

fn as_json(judged: &[Judged]) -> serde_json::Value {
    let cpu = |it: &Judged| {
        json!({
            "host": it.cpu.host, "cpu": it.cpu.number, "runs": it.cpu.runs, "cpu_s": it.cpu.used_s, "blamed": it.cpu.blamed,
            "involved": it.cpu.involved, "share_of_time": it.share, "probability_by_chance": it.chance,
            "times_as_often_at_least": it.ratio, "stands_out": it.ratio > 1.0,
        })
    };
    json!({ "level": LEVEL, "cpus": judged.iter().map(cpu).collect::<Vec<_>>() })
}

fn as_text(judged: &[Judged]) -> String {
    if judged.is_empty() {
        return "no runs yet\n".into();
    }
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{:<16} {:>4} {:>7} {:>10} {:>7} {:>8} {:>10} {:>10}  times as often",
        "machine", "CPU", "runs", "CPU time", "share", "blamed", "unclear", "by chance"
    );
    for it in judged {
        let Cpu { host, number, runs, used_s, blamed, involved } = &it.cpu;
        let bound = if it.faults == 0 { String::new() } else { format!("at least {:.2}", it.ratio) };
        let mark = if it.ratio > 1.0 { "  more than chance" } else { "" };
        let line = format!(
            "{host:<16} {number:>4} {runs:>7} {used_s:>8.1} s {:>5.1} % {blamed:>8} {involved:>10} {:>10.2e}  {bound}{mark}",
            100.0 * it.share,
            it.chance
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bad_one_is_marked() {
        let cpu = |number, blamed| Cpu { host: "h".into(), number, runs: 10, used_s: 100.0, blamed, involved: 1 };
        let judged = judge(&[cpu(0, 0), cpu(1, 12), cpu(2, 0), cpu(3, 1)]);
        let text = as_text(&judged);
        let marked: Vec<_> = text.lines().filter(|line| line.ends_with("more than chance")).collect();
        assert!(marked.len() == 1 && marked[0].contains(" 1      10"), "{text}");
        assert_eq!(as_json(&judged)["cpus"][1]["stands_out"], true);
        assert_eq!(as_text(&[]), "no runs yet\n");
    }

    #[test]
    fn one_cpu_alone_has_nothing_to_be_compared_with() {
        let alone = Cpu { host: "h".into(), number: 0, runs: 1, used_s: 1.0, blamed: 3, involved: 0 };
        assert!(judge(&[alone])[0].ratio < 1.0);
    }
}

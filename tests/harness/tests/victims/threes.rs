//! Three replicas with checkpoints: one fault is healed by the majority, two at once are undone by going back.

use crate::checkpoints::{await_back, ends_well, is_frozen, options_in};
use crate::claim;
use crate::deaths::started;
use crate::harms::is_zombie;
use crate::heals::{await_healed, events};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_tests::launch::{Launch, signal_to};
use rcb_tests::require::trial;
use rcb_tests::sandbox::Sandbox;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = Vec::new();
    for (who, other) in [(0, 1), (1, 2), (2, 0)] {
        for mode in ["busy", "silent"] {
            let name = format!("back-three-{who}-{other}-{mode}");
            all.push(trial(name, ["cc"], move || two_at_once(who, other, mode)));
        }
    }
    all.push(trial("back-three-in-turn", ["cc"], in_turn));
    all
}

fn start(sandbox: &Sandbox, mode: &str) -> Result<(Launch, PathBuf), Failed> {
    let (record, options) = options_in(sandbox, "0.05");
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let (_, launch) = started(sandbox, 3, &options, mode)?;
    Ok((launch, record))
}

/// The process of a replica now, after whatever was done last.
fn pid_now(record: &Path, who: usize) -> Result<i32, Failed> {
    let mut pid = None;
    let text = std::fs::read_to_string(record)?;
    for event in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let said = match event["event"].as_str() {
            Some("replica") if event["replica"] == who => &event["pid"],
            Some("healed") if event["replica"] == who && event["group"] == 0 => &event["new_pid"],
            Some("rolled-back") if event["group"] == 0 => &event["pids"][who],
            _ => continue,
        };
        pid = said.as_i64();
    }
    Ok(pid.ok_or("the record names no such replica")? as i32)
}

/// Kills two before the supervisor can replace the first.
fn kill_two(launch: &Launch, record: &Path, who: usize, other: usize) -> Result<(), Failed> {
    let pids = [pid_now(record, who)?, pid_now(record, other)?];
    launch.signal(Signal::SIGSTOP);
    while !std::fs::read_to_string(format!("/proc/{}/stat", launch.pid()))?.contains(") T ") {
        std::thread::sleep(Duration::from_micros(100));
    }
    for pid in pids {
        signal_to(pid, Signal::SIGKILL);
    }
    // One that is not there yet when the supervisor looks would be replaced after the other.
    while !pids.into_iter().all(is_zombie) {
        std::thread::sleep(Duration::from_micros(100));
    }
    launch.signal(Signal::SIGCONT);
    Ok(())
}

/// Waits until each replica has left a copy since the latest replacement, which takes older ones with it.
fn await_copies(launch: &Launch) -> Result<(), Failed> {
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(200));
    while launch.replicas().into_iter().filter(|pid| is_frozen(*pid)).count() < 3 {
        claim(start.elapsed() < Duration::from_secs(10), || "no copies are left".into())?;
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Nobody is left to make a majority: all go back.
fn two_at_once(who: usize, other: usize, mode: &str) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (launch, record) = start(&sandbox, mode)?;
    std::thread::sleep(Duration::from_millis(200));
    kill_two(&launch, &record, who, other)?;
    await_back(&record, 1)?;
    ends_well(launch)
}

/// One is replaced, then two are lost, and again.
fn in_turn() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (launch, record) = start(&sandbox, "busy")?;
    for round in 0..3 {
        std::thread::sleep(Duration::from_millis(200));
        signal_to(pid_now(&record, round)?, Signal::SIGKILL);
        await_healed(&record, round + 1)?;
        await_copies(&launch)?;
        kill_two(&launch, &record, round, (round + 1) % 3)?;
        await_back(&record, round + 1)?;
    }
    let healed = events(&record, "healed")?.len();
    claim(healed == 3, || format!("{healed} were replaced"))?;
    ends_well(launch)
}

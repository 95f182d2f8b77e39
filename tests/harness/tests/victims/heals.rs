//! With three replicas a fault in one is corrected: the guest goes on, its output is what it would have been, and the
//! set is whole again.

use crate::claim;
use crate::deaths::{nothing_left, started};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_tests::launch::{Launch, signal_to};
use rcb_tests::outcome::{Ended, differences};
use rcb_tests::require::trial;
use rcb_tests::runtime::Setting;
use rcb_tests::sandbox::Sandbox;
use rcb_tests::victim;
use serde_json::Value;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = Vec::new();
    for who in 0..3 {
        for mode in ["busy", "silent"] {
            for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
                let name = format!("heal-{}-{who}-{mode}", signal.as_str().to_lowercase());
                all.push(trial(name, ["cc"], move || harmed(who, signal, mode)));
            }
        }
        for what in ["kill", "hang", "result,bit=3", "reg=rsp,bit=5", "reg=rbx,bit=1", "input,bit=2"] {
            let kind = what.split(',').next().unwrap_or(what).replace('=', "-");
            let name = format!("heal-inject-{kind}-{who}");
            all.push(trial(name, ["cc"], move || injected(who, what)));
        }
    }
    for what in ["kill-begun", "kill-done"] {
        all.push(trial(format!("heal-{what}"), ["cc"], move || in_the_middle(what)));
    }
    all.push(trial("scrub-mends", ["cc"], || scrubbed(3)));
    all.push(trial("scrub-detects", ["cc"], || scrubbed(2)));
    all.push(trial("heal-computing", ["cc"], computing));
    all.push(trial("heal-locks-and-timer", ["cc"], locks_and_timer));
    all.push(trial("heal-one-after-the-other", ["cc"], one_after_the_other));
    all.push(trial("two-at-once-are-not-healed", ["cc"], two_at_once));
    all
}

/// The events of a kind so far.
pub(crate) fn events(record: &Path, kind: &str) -> Result<Vec<Value>, Failed> {
    Ok(victim::read_record(record)?.into_iter().filter(|event| event["event"] == kind).collect())
}

/// The process of a replica of the first group now.
pub(crate) fn pid_of(record: &Path, who: usize) -> Result<i32, Failed> {
    let healed = events(record, "healed")?;
    let is_meant = |event: &&Value| event["replica"] == who && event["group"] == 0;
    let latest = healed.iter().rev().find(is_meant).and_then(|event| event["new_pid"].as_i64());
    let first = events(record, "replica")?.iter().find(|event| event["replica"] == who).and_then(|e| e["pid"].as_i64());
    Ok(latest.or(first).ok_or("the record names no such replica")? as i32)
}

/// Waits until so many replicas have been replaced.
pub(crate) fn await_healed(record: &Path, count: usize) -> Result<Vec<Value>, Failed> {
    await_healed_for(record, count, Duration::from_secs(15))
}

/// The same with another patience.
pub(crate) fn await_healed_for(record: &Path, count: usize, patience: Duration) -> Result<Vec<Value>, Failed> {
    let start = Instant::now();
    loop {
        let healed = events(record, "healed")?;
        if healed.len() >= count {
            return Ok(healed);
        }
        if start.elapsed() > patience {
            return Err(format!("{} of {count} replicas were replaced", healed.len()).into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn record_in(sandbox: &Sandbox) -> (std::path::PathBuf, [String; 4]) {
    let record = sandbox.path().join("record");
    let options = ["--deadline", "1", "--record", &record.display().to_string()].map(String::from);
    (record, options)
}

fn start(sandbox: &Sandbox, mode: &str) -> Result<(Launch, std::path::PathBuf), Failed> {
    let (record, options) = record_in(sandbox);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let (_, launch) = started(sandbox, 3, &options, mode)?;
    Ok((launch, record))
}

/// The guest ends as if nothing had happened, and nothing is left.
fn ends_well(mut launch: Launch) -> Result<(), Failed> {
    launch.stdin = None;
    let done = launch.finish()?;
    claim(done.ended == Ended::Exit(0), || format!("ended with {}\n{}", done.ended, done.report))?;
    claim(done.report.contains("corrected:"), || format!("nothing is said of a correction:\n{}", done.report))?;
    nothing_left(&done)
}

/// A replica gets a signal from outside.
fn harmed(who: usize, signal: Signal, mode: &str) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (mut launch, record) = start(&sandbox, mode)?;
    signal_to(pid_of(&record, who)?, signal);
    if let Some(input) = launch.stdin.as_mut().filter(|_| mode == "silent") {
        // As long as all wait for the input, nobody waits for a follower that is stopped.
        input.write_all(b"x")?;
    }
    let healed = await_healed(&record, 1)?;
    claim(healed[0]["replica"] == who, || format!("replica {who} should have been replaced: {}", healed[0]))?;
    claim(launch.replicas().len() == 3, || format!("{:?} should be three replicas", launch.replicas()))?;
    ends_well(launch)
}

/// A fault at a call in the second half of a program that computes and writes: at the first one at which it has an
/// effect, since a flip may hit a dead register or an unused result.
fn injected(who: usize, what: &str) -> Result<(), Failed> {
    let victim = victim::named("compute");
    let prepared = victim.prepared()?;
    for call in prepared.calls / 2..prepared.calls {
        let sandbox = Sandbox::new()?;
        let (record, options) = record_in(&sandbox);
        let mut case = prepared.case.clone();
        case.options = options.into();
        case.options.extend(["--inject".into(), format!("replica={who},call={call},{what}")]);
        let seen = sandbox.run(&case, Setting::output(3))?;
        let text = differences(&prepared.native, &seen, case.compare_files);
        claim(text.is_empty(), || format!("call {call}: {text}\n{}", seen.report))?;
        let healed = events(&record, "healed")?;
        claim(healed.len() <= 1 && healed.iter().all(|event| event["replica"] == who), || format!("{healed:?}"))?;
        if !healed.is_empty() {
            return Ok(());
        }
    }
    Err("the fault had no effect at any call".into())
}

/// The leader dies between its note that it begins a write and the answer: nothing is lost, and nothing comes twice.
fn in_the_middle(what: &str) -> Result<(), Failed> {
    let victim = victim::named("compute");
    let prepared = victim.prepared()?;
    let mut healed = 0;
    for back in 1..30 {
        let sandbox = Sandbox::new()?;
        let (record, options) = record_in(&sandbox);
        let mut case = prepared.case.clone();
        case.options = options.into();
        case.options.extend(["--inject".into(), format!("replica=0,call={},{what}", prepared.calls - back)]);
        let seen = sandbox.run(&case, Setting::output(3))?;
        let text = differences(&prepared.native, &seen, case.compare_files);
        claim(text.is_empty(), || format!("{back} calls before the end: {text}\n{}", seen.report))?;
        healed += events(&record, "healed")?.len();
    }
    claim(healed > 5, || format!("only {healed} leaders died in the middle of a call"))
}

/// A new leader has the record lock and the timer of the lost one.
fn locks_and_timer() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (mut launch, record) = start(&sandbox, "holds")?;
    signal_to(pid_of(&record, 0)?, Signal::SIGKILL);
    await_healed(&record, 1)?;
    launch.stdin = None;
    let done = launch.finish()?;
    let said = String::from_utf8_lossy(&done.stdout);
    claim(done.ended == Ended::Exit(0) && said == "rings\ntaken\n", || {
        format!("{}: {said}{}", done.ended, done.report)
    })?;
    nothing_left(&done)
}

/// A guest that makes no call is copied where it stands.
fn computing() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (launch, record) = start(&sandbox, "spin")?;
    // All replicas have made their last call.
    std::thread::sleep(Duration::from_millis(700));
    signal_to(pid_of(&record, 2)?, Signal::SIGKILL);
    await_healed(&record, 1)?;
    claim(launch.replicas().len() == 3, || format!("{:?} should be three replicas", launch.replicas()))?;
    launch.signal(Signal::SIGTERM);
    let done = launch.finish()?;
    claim(done.ended == Ended::Signal(Signal::SIGTERM as i32), || format!("ended with {}", done.ended))?;
    nothing_left(&done)
}

/// Each replica in turn, twice; leaders among them.
fn one_after_the_other() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (launch, record) = start(&sandbox, "busy")?;
    for (count, who) in [0, 1, 2, 0, 1, 2].into_iter().enumerate() {
        signal_to(pid_of(&record, who)?, Signal::SIGKILL);
        await_healed(&record, count + 1)?;
    }
    ends_well(launch)
}

/// Two of three cannot outvote each other.
fn two_at_once() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (launch, record) = start(&sandbox, "silent")?;
    let pids = [pid_of(&record, 1)?, pid_of(&record, 2)?];
    let supervisor = launch.pid();
    // Both have ended before the supervisor looks.
    signal_to(supervisor, Signal::SIGSTOP);
    for pid in pids {
        signal_to(pid, Signal::SIGKILL);
    }
    std::thread::sleep(Duration::from_millis(50));
    signal_to(supervisor, Signal::SIGCONT);
    let done = launch.finish()?;
    claim(done.ended == Ended::Exit(victim::DISAGREED), || format!("ended with {}\n{}", done.ended, done.report))?;
    nothing_left(&done)
}

/// A bit of memory that the program never looks at is found by a comparison of memory, and mended by a majority.
fn scrubbed(replicas: usize) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let record = sandbox.path().join("record");
    let options = ["--scrub", "0.02", "--record", &record.display().to_string()].map(String::from);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let (_, mut launch) = started(&sandbox, replicas, &options, "busy")?;
    std::thread::sleep(Duration::from_millis(300));
    let quiet = events(&record, "scrubbed")?;
    claim(quiet.is_empty(), || format!("differences without a fault: {quiet:?}"))?;
    let address = flip_environment(pid_of(&record, 1)?)?;
    if replicas == 2 {
        let done = launch.finish()?;
        claim(done.ended == Ended::Exit(victim::DISAGREED), || format!("ended with {}\n{}", done.ended, done.report))?;
        claim(done.report.contains(&format!("differs at {address:#x}")), || done.report.clone())?;
        return nothing_left(&done);
    }
    let start = Instant::now();
    while events(&record, "scrubbed")?.is_empty() && start.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let found = events(&record, "scrubbed")?;
    let expected = serde_json::json!({
        "event": "scrubbed", "group": 0, "address": format!("{address:#x}"), "bits": 1, "replicas": [1], "mended": true,
    });
    claim(found == [expected.clone()], || format!("{found:?} should be {expected}"))?;
    launch.stdin = None;
    let done = launch.finish()?;
    claim(done.ended == Ended::Exit(0), || format!("ended with {}\n{}", done.ended, done.report))
}

/// Flips a bit of a process in the strings at the end of its stack.
pub(crate) fn flip_environment(pid: i32) -> Result<u64, Failed> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let stack = maps.lines().find(|line| line.ends_with("[stack]")).ok_or("no stack")?;
    let end = stack.split(['-', ' ']).nth(1).and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or("no end")?;
    let address = end - 64;
    let memory = std::fs::OpenOptions::new().read(true).write(true).open(format!("/proc/{pid}/mem"))?;
    let mut byte = [0];
    memory.read_exact_at(&mut byte, address)?;
    memory.write_all_at(&[byte[0] ^ 4], address)?;
    Ok(address)
}

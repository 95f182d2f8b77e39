//! Two replicas with checkpoints: a fault in one of them is corrected by going back, output is not repeated, and a fault that
//! comes back is permanent.

use crate::claim;
use crate::deaths::{nothing_left, started};
use crate::heals::{events, flip_environment};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_tests::case::Case;
use rcb_tests::launch::{Finished, Launch, signal_to};
use rcb_tests::outcome::{Ended, differences};
use rcb_tests::require::trial;
use rcb_tests::runtime::Setting;
use rcb_tests::sandbox::Sandbox;
use rcb_tests::victim;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = Vec::new();
    for who in 0..2 {
        for mode in ["busy", "silent"] {
            for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
                let name = format!("back-{}-{who}-{mode}", signal.as_str().to_lowercase());
                all.push(trial(name, ["cc"], move || harmed(who, signal, mode)));
            }
        }
        for what in ["kill", "hang", "result,bit=3", "reg=rsp,bit=5", "reg=rbx,bit=1", "input,bit=2"] {
            let kind = what.split(',').next().unwrap_or(what).replace('=', "-");
            let name = format!("back-inject-{kind}-{who}");
            all.push(trial(name, ["cc"], move || injected(who, what)));
        }
    }
    for what in ["kill-begun", "kill-done"] {
        all.push(trial(format!("back-{what}"), ["cc"], move || in_the_middle(what)));
        all.push(trial(format!("back-twice-{what}"), ["cc"], move || a_copy_in_the_middle(what)));
    }
    all.push(trial("back-one-after-the-other", ["cc"], one_after_the_other));
    all.push(trial("back-locks-and-timer", ["cc"], locks_and_timer));
    all.push(trial("back-latent", ["cc"], latent));
    all.push(trial("back-wrong-copy", ["cc"], wrong_copy));
    all.push(trial("back-permanent", ["cc"], permanent));
    all.push(trial("back-names-who-was-wrong", ["cc"], names_who_was_wrong));
    all.push(trial("back-pipeline", ["sort"], pipeline));
    all
}

pub(crate) fn options_in(sandbox: &Sandbox, period: &str) -> (PathBuf, Vec<String>) {
    let record = sandbox.path().join("record");
    let words = ["--deadline", "1", "--checkpoint", period, "--record", &record.display().to_string()];
    (record, words.map(String::from).into())
}

fn start(sandbox: &Sandbox, period: &str, mode: &str) -> Result<(Launch, PathBuf), Failed> {
    let (record, options) = options_in(sandbox, period);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let (_, launch) = started(sandbox, 2, &options, mode)?;
    Ok((launch, record))
}

/// The process of a replica now.
pub(crate) fn pid_of(record: &Path, who: usize) -> Result<i32, Failed> {
    let back = events(record, "rolled-back")?;
    let latest = back.iter().rev().find(|event| event["group"] == 0).and_then(|event| event["pids"][who].as_i64());
    let first = events(record, "replica")?.iter().find(|event| event["replica"] == who).and_then(|e| e["pid"].as_i64());
    Ok(latest.or(first).ok_or("the record names no such replica")? as i32)
}

/// Waits until the replicas have gone back so many times.
pub(crate) fn await_back(record: &Path, count: usize) -> Result<(), Failed> {
    let start = Instant::now();
    while events(record, "rolled-back")?.len() < count {
        if start.elapsed() > Duration::from_secs(15) {
            return Err(format!("went back {} times, not {count}", events(record, "rolled-back")?.len()).into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The guest ends as if nothing had happened, and nothing is left.
pub(crate) fn ends_well(mut launch: Launch) -> Result<(), Failed> {
    launch.stdin = None;
    let done = launch.finish()?;
    claim(done.ended == Ended::Exit(0), || format!("ended with {}\n{}", done.ended, done.report))?;
    claim(done.report.contains("corrected:"), || format!("nothing is said of a correction:\n{}", done.report))?;
    nothing_left(&done)
}

/// A replica gets a signal from outside.
fn harmed(who: usize, signal: Signal, mode: &str) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (mut launch, record) = start(&sandbox, "0.05", mode)?;
    std::thread::sleep(Duration::from_millis(200));
    signal_to(pid_of(&record, who)?, signal);
    if (who, signal, mode) == (1, Signal::SIGSTOP, "silent") {
        // As long as the leader waits for its input, nobody waits for the follower.
        launch.stdin = None;
    }
    await_back(&record, 1)?;
    ends_well(launch)
}

/// A fault at a call in the second half of a program that computes and writes: at the first one at which it has an
/// effect, since a flip may hit a dead register or an unused result.
fn injected(who: usize, what: &str) -> Result<(), Failed> {
    let victim = victim::named("compute");
    let prepared = victim.prepared()?;
    for call in prepared.calls / 2..prepared.calls {
        let sandbox = Sandbox::new()?;
        let (record, options) = options_in(&sandbox, "0.01");
        let mut case = prepared.case.clone();
        case.options = options;
        case.options.extend(["--inject".into(), format!("replica={who},call={call},{what}")]);
        let seen = sandbox.run(&case, Setting::strict(2))?;
        let text = differences(&prepared.native, &seen, case.compare_files);
        claim(text.is_empty(), || format!("call {call}: {text}\n{}", seen.report))?;
        let back = events(&record, "rolled-back")?;
        claim(back.len() <= 1, || format!("{back:?}"))?;
        if !back.is_empty() {
            return Ok(());
        }
    }
    Err("the fault had no effect at any call".into())
}

/// The leader dies between its note that it begins a write and the answer: nothing is lost, and nothing comes twice.
fn in_the_middle(what: &str) -> Result<(), Failed> {
    let victim = victim::named("compute");
    let prepared = victim.prepared()?;
    let mut back = 0;
    for before in 1..30 {
        let sandbox = Sandbox::new()?;
        let (record, options) = options_in(&sandbox, "0.01");
        let mut case = prepared.case.clone();
        case.options = options;
        case.options.extend(["--inject".into(), format!("replica=0,call={},{what}", prepared.calls - before)]);
        let seen = sandbox.run(&case, Setting::strict(2))?;
        let text = differences(&prepared.native, &seen, case.compare_files);
        claim(text.is_empty(), || format!("{before} calls before the end: {text}\n{}", seen.report))?;
        back += events(&record, "rolled-back")?.len();
    }
    claim(back > 5, || format!("only {back} leaders died in the middle of a call"))
}

/// A leader that is a copy itself dies in the middle of a write: what the kernel has counted for it is judged rightly, too.
fn a_copy_in_the_middle(what: &str) -> Result<(), Failed> {
    let run = |call: u64, is_lost: bool| -> Result<Finished, Failed> {
        let sandbox = Sandbox::new()?;
        let (record, mut options) = options_in(&sandbox, "1000");
        options.extend(["--inject".into(), format!("replica=0,call={call},{what}")]);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let (_, mut launch) = started(&sandbox, 2, &options, "writes")?;
        if is_lost {
            signal_to(pid_of(&record, 0)?, Signal::SIGKILL);
            await_back(&record, 1)?;
        }
        launch.stdin.as_mut().ok_or("no input")?.write_all(b"x")?;
        Ok(launch.finish()?)
    };
    let whole = run(1 << 40, false)?;
    let last = whole.report.split("ended at call ").nth(1).and_then(|rest| rest.split(' ').next());
    let last: u64 = last.and_then(|text| text.parse().ok()).ok_or_else(|| whole.report.clone())?;
    let done = run(last - 10, true)?;
    let is_whole = done.ended == Ended::Exit(0) && done.stdout == "a line\n".repeat(50).as_bytes();
    claim(is_whole, || format!("{}, {} bytes\n{}", done.ended, done.stdout.len(), done.report))?;
    claim(done.report.matches("went back").count() == 2, || done.report.clone())?;
    nothing_left(&done)
}

/// Each replica in turn, three times.
fn one_after_the_other() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (launch, record) = start(&sandbox, "0.05", "busy")?;
    for (count, who) in [0, 1, 0, 1, 0, 1].into_iter().enumerate() {
        std::thread::sleep(Duration::from_millis(150));
        signal_to(pid_of(&record, who)?, Signal::SIGKILL);
        await_back(&record, count + 1)?;
    }
    ends_well(launch)
}

/// The copy of a leader has its record lock and its timer.
fn locks_and_timer() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (mut launch, record) = start(&sandbox, "0.05", "holds")?;
    signal_to(pid_of(&record, 0)?, Signal::SIGKILL);
    await_back(&record, 1)?;
    launch.stdin = None;
    let done = launch.finish()?;
    let said = String::from_utf8_lossy(&done.stdout);
    claim(done.ended == Ended::Exit(0) && said == "rings\ntaken\n", || {
        format!("{}: {said}{}", done.ended, done.report)
    })?;
    nothing_left(&done)
}

/// Memory that was wrong before the latest checkpoint is right again after a rollback to an older one.
fn latent() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (launch, record) = start(&sandbox, "0.02", "sums")?;
    flip_environment(pid_of(&record, 1)?)?;
    std::thread::sleep(Duration::from_millis(300));
    ends_well(launch)
}

/// Memory that was wrong before every checkpoint to which the journal reaches back is wrong again after every rollback.
fn permanent() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (mut launch, record) = start(&sandbox, "0.02", "reads")?;
    flip_environment(pid_of(&record, 1)?)?;
    // It reads more than the journal holds.
    let line = launch.line()?;
    claim(line == "read", || format!("the guest said {line:?}"))?;
    std::thread::sleep(Duration::from_millis(200));
    launch.stdin = None;
    let done = launch.finish()?;
    claim(done.ended == Ended::Exit(victim::DISAGREED), || format!("ended with {}\n{}", done.ended, done.report))?;
    let says = done.report.contains("the fault is permanent") && done.report.contains("stays with the replica");
    claim(says, || done.report.clone())?;
    nothing_left(&done)
}

/// A frozen copy that is wrong itself is no way back: it is noticed, and nothing wrong is printed.
fn wrong_copy() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (mut launch, record) = start(&sandbox, "1000", "sums")?;
    let copy = launch.replicas().into_iter().find(|pid| is_frozen(*pid)).ok_or("there is no frozen copy")?;
    flip_environment(copy)?;
    signal_to(pid_of(&record, 0)?, Signal::SIGKILL);
    await_back(&record, 1)?;
    launch.stdin = None;
    let done = launch.finish()?;
    let is_found = done.ended == Ended::Exit(victim::DISAGREED) && done.stdout.is_empty();
    claim(is_found, || format!("ended with {}\n{}", done.ended, done.report))?;
    nothing_left(&done)
}

/// Done again, a call tells which of two had been wrong.
fn names_who_was_wrong() -> Result<(), Failed> {
    let victim = victim::named("compute");
    let prepared = victim.prepared()?;
    for who in 0..2 {
        let sandbox = Sandbox::new()?;
        let (record, options) = options_in(&sandbox, "0.01");
        let mut case = prepared.case.clone();
        case.options = options;
        // Two comparisons of memory come with checkpoints, before the program's first call.
        let call = prepared.calls - 3 + 2;
        case.options.extend(["--inject".into(), format!("replica={who},call={call},input,bit=2")]);
        let seen = sandbox.run(&case, Setting::strict(2))?;
        let told = events(&record, "retried")?;
        let is_named = told.len() == 1 && told[0]["replica"] == who && told[0]["seq"] == call;
        claim(is_named, || format!("replica {who} should be named: {told:?}\n{}", seen.report))?;
    }
    Ok(())
}

/// Replicas of a tree of processes die all the time: what comes out is right, or the run has ended with 120.
fn pipeline() -> Result<(), Failed> {
    const SCRIPT: &str = "for i in 1 2 3 4 5 6; do seq 1 30000 | sort -r | tail -n $i; done";
    let native = std::process::Command::new("sh").args(["-c", SCRIPT]).output()?;
    let mut corrected = 0;
    for round in 0..6u64 {
        let sandbox = Sandbox::new()?;
        let (record, options) = options_in(&sandbox, "0.02");
        let mut words = Setting::strict(2).prefix(&options);
        words.extend(["sh", "-c", SCRIPT].map(String::from));
        let launch = Launch::start(&Case::shell("pipeline", ""), &words, &sandbox.fresh_work(None)?)?;
        let mut step = 0;
        // As long as there is somebody to be killed.
        loop {
            std::thread::sleep(Duration::from_millis(35 + 7 * ((round + step) % 5)));
            if launch.replicas().is_empty() {
                break;
            }
            // Frozen copies are no replicas: they block every signal.
            let living: Vec<i32> = launch.replicas().into_iter().filter(|pid| !is_frozen(*pid)).collect();
            if let Some(pid) = living.get((round + step) as usize % living.len().max(1)) {
                signal_to(*pid, Signal::SIGKILL);
            }
            step += 1;
        }
        let done = launch.finish()?;
        corrected += events(&record, "rolled-back")?.len();
        match done.ended {
            Ended::Exit(0) => claim(done.stdout == native.stdout, || format!("wrong output\n{}", done.report))?,
            Ended::Exit(victim::DISAGREED) => {
                claim(native.stdout.starts_with(&done.stdout), || format!("wrong output\n{}", done.report))?;
            }
            other => return Err(format!("ended with {other}\n{}", done.report).into()),
        }
        nothing_left(&done)?;
    }
    claim(corrected > 2, || format!("only {corrected} faults were corrected"))
}

pub(crate) fn is_frozen(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    // All but SIGKILL and SIGSTOP.
    status.lines().any(|line| line == "SigBlk:\tfffffffffffbfeff")
}

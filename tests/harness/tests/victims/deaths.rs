//! A replica or the supervisor dies, stops or hangs while the guest runs.

use crate::checkpoints::{options_in, pid_of};
use crate::claim;
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_tests::case::Case;
use rcb_tests::launch::{Finished, Launch, PATIENCE, signal_to};
use rcb_tests::outcome::Ended;
use rcb_tests::require::trial;
use rcb_tests::runtime::{Setting, rcb};
use rcb_tests::sandbox::Sandbox;
use rcb_tests::{made_once, processes, tests_dir, victim};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = Vec::new();
    for (replicas, who) in [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)] {
        let name = format!("kill-replica-{who}-of-{replicas}");
        all.push(trial(name, ["cc"], move || harmed(replicas, who, Signal::SIGKILL, "busy")));
    }
    for (replicas, who) in [(2, 0), (2, 1), (3, 1)] {
        let name = format!("stop-replica-{who}-of-{replicas}");
        all.push(trial(name, ["cc"], move || harmed(replicas, who, Signal::SIGSTOP, "busy")));
    }
    all.push(trial("kill-blocked-leader", ["cc"], || harmed(2, 0, Signal::SIGKILL, "silent")));
    all.push(trial("kill-waiting-follower", ["cc"], || harmed(2, 1, Signal::SIGKILL, "silent")));
    all.push(trial("kill-computing-replica", ["cc"], || harmed(2, 1, Signal::SIGKILL, "spin")));
    for (what, replicas) in [("hang", 2), ("hang", 3), ("kill", 2), ("kill", 3)] {
        for who in 0..replicas {
            let name = format!("inject-{what}-{who}-of-{replicas}");
            all.push(trial(name, ["cc"], move || injected(what, replicas, who)));
        }
    }
    for mode in ["busy", "silent", "spin"] {
        for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            let name = format!("supervisor-{}-{mode}", signal.as_str().to_lowercase());
            all.push(trial(name, ["cc"], move || supervisor_dies(signal, mode)));
        }
    }
    all.push(trial("group-interrupt", ["cc"], group_interrupt));
    for signal in [Signal::SIGFPE, Signal::SIGSEGV, Signal::SIGILL, Signal::SIGUSR1] {
        let name = format!("stray-{}", signal.as_str().to_lowercase());
        all.push(trial(name, ["/usr/bin/python3"], move || stray(signal)));
    }
    all.push(trial("guest-ends-by-itself", ["cc"], guest_ends));
    for checkpoints in [false, true] {
        let name = format!("kill-at-the-end{}", if checkpoints { "-with-checkpoints" } else { "" });
        all.push(trial(name, [], move || lost_at_the_end(checkpoints)));
    }
    all
}

/// A program of `tests/victims`, compiled.
pub(crate) fn guest(name: &str) -> PathBuf {
    let source = tests_dir().join("victims").join(name).with_extension("c");
    let text = std::fs::read(&source).expect("the source can be read");
    let folder = made_once(&format!("rcb-tests-{name}"), &[&text], |folder| {
        let words = [folder.join(name), source];
        let status = Command::new("cc").args(["-O1", "-o"]).args(words).status().expect("cc can be started");
        assert!(status.success(), "victims/{name}.c does not compile");
    });
    folder.join(name)
}

/// Starts the steady guest and waits until it says that it runs.
pub(crate) fn started(
    sandbox: &Sandbox,
    replicas: usize,
    options: &[&str],
    mode: &str,
) -> Result<(Case, Launch), Failed> {
    let work = sandbox.fresh_work(None)?;
    let mut case = Case::program("steady", &guest("steady"), &[mode.to_string()]);
    case.options = options.iter().map(|word| (*word).into()).collect();
    let mut launch = Launch::start(&case, &case.command(Setting::output(replicas)), &work)?;
    let line = launch.line()?;
    claim(line == "ready", || format!("the guest said {line:?}"))?;
    Ok((case, launch))
}

/// The run has ended with 120, a report, and nothing left behind.
fn detected(done: &Finished) -> Result<(), Failed> {
    claim(done.ended == Ended::Exit(victim::DISAGREED), || format!("ended with {}\n{}", done.ended, done.report))?;
    claim(done.report.contains("fault:"), || format!("no report:\n{}", done.report))?;
    nothing_left(done)
}

pub(crate) fn nothing_left(done: &Finished) -> Result<(), Failed> {
    claim(done.left.is_empty(), || format!("processes are left: {:?}\n{}", done.left, done.report))
}

/// A replica gets a signal from outside.
fn harmed(replicas: usize, who: usize, signal: Signal, mode: &str) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let record = sandbox.path().join("record");
    let options = ["--no-heal", "--deadline", "1", "--record", &record.display().to_string()].map(String::from);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let (_, launch) = started(&sandbox, replicas, &options, mode)?;
    let events = victim::read_record(&record)?;
    let pid = events
        .iter()
        .find(|event| event["event"] == "replica" && event["replica"] == who)
        .and_then(|event| event["pid"].as_i64())
        .ok_or("the record names no such replica")?;
    let replica = launch.replicas();
    claim(replica.contains(&(pid as i32)), || format!("{pid} is not among the children {replica:?}"))?;
    let start = Instant::now();
    signal_to(pid as i32, signal);
    let done = launch.finish()?;
    detected(&done)?;
    claim(start.elapsed() < PATIENCE / 2, || format!("noticed only after {:?}", start.elapsed()))?;
    let word = if signal == Signal::SIGKILL { "SIGKILL" } else { "replica" };
    claim(done.report.contains(word), || format!("the report does not say {word}:\n{}", done.report))?;
    blamed(&record, who)
}

/// A replica hangs or dies at a call.
fn injected(what: &str, replicas: usize, who: usize) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let victim = victim::named("compute");
    let prepared = victim.prepared()?;
    let record = sandbox.path().join("record");
    let spec = format!("replica={who},call={},{what}", prepared.calls / 2);
    let mut case = prepared.case.clone();
    case.options = ["--no-heal", "--deadline", "1", "--inject", &spec, "--record", &record.display().to_string()]
        .map(String::from)
        .into();
    let seen = sandbox.run(&case, Setting::output(replicas))?;
    claim(seen.ended == Ended::Exit(victim::DISAGREED), || format!("ended with {}\n{}", seen.ended, seen.report))?;
    claim(prepared.native.stdout.starts_with(&seen.stdout), || "wrong bytes have left".into())?;
    claim(seen.stdout.len() < prepared.native.stdout.len(), || "all output left all the same".into())?;
    blamed(&record, who)
}

/// The record blames this replica alone.
fn blamed(record: &std::path::Path, who: usize) -> Result<(), Failed> {
    let events = victim::read_record(record)?;
    let fault = events.iter().find(|event| event["event"] == "fault").ok_or("no event `fault`")?;
    claim(fault["blamed"] == serde_json::json!([who]), || {
        format!("replica {who} should be blamed: {} ({})", fault["blamed"], fault["headline"])
    })
}

/// The supervisor gets a signal: it dies by that signal and takes all replicas with it.
fn supervisor_dies(signal: Signal, mode: &str) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (_, launch) = started(&sandbox, 2, &[], mode)?;
    let replicas = launch.replicas();
    claim(replicas.len() == 2, || format!("{replicas:?} should be two replicas"))?;
    launch.signal(signal);
    let done = launch.finish()?;
    claim(done.ended == Ended::Signal(signal as i32), || format!("ended with {}\n{}", done.ended, done.report))?;
    nothing_left(&done)?;
    let alive: Vec<i32> =
        replicas.into_iter().filter(|&pid| processes::look(pid).is_some_and(|p| p.state != 'Z')).collect();
    claim(alive.is_empty(), || format!("replicas {alive:?} have outlived the supervisor"))
}

/// Ctrl-C reaches the whole group at once, as a terminal sends it.
fn group_interrupt() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (_, launch) = started(&sandbox, 3, &[], "busy")?;
    nix::sys::signal::killpg(nix::unistd::Pid::from_raw(launch.pid()), Signal::SIGINT)?;
    let done = launch.finish()?;
    claim(done.ended == Ended::Signal(Signal::SIGINT as i32), || {
        format!("ended with {}\n{}", done.ended, done.report)
    })?;
    nothing_left(&done)
}

/// Nothing happens: the guest ends when its input does.
fn guest_ends() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    for mode in ["busy", "silent"] {
        let (_, mut launch) = started(&sandbox, 3, &["--deadline", "1"], mode)?;
        launch.stdin = None;
        let done = launch.finish()?;
        claim(done.ended == Ended::Exit(0), || format!("{mode}: ended with {}\n{}", done.ended, done.report))?;
        claim(done.report.is_empty(), || format!("{mode}: {} said\n{}", rcb().display(), done.report))?;
        nothing_left(&done)?;
    }
    Ok(())
}

/// Somebody sends a signal to a follower, which nobody has business with: nothing happens. The leader's process is the
/// guest's, and its handler runs.
fn stray(signal: Signal) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let work = sandbox.fresh_work(None)?;
    let script = format!(
        "import os, signal, sys\n\
         signal.signal(signal.{}, lambda number, frame: os.write(1, b'caught\\n'))\n\
         os.write(1, b'ready\\n')\n\
         for line in sys.stdin: os.write(1, line.encode())\n\
         os.write(1, b'end\\n')",
        signal.as_str()
    );
    let mut words = Setting::output(3).prefix(&[]);
    words.extend(["/usr/bin/python3".into(), "-c".into(), script]);
    let mut launch = Launch::start(&Case::shell("stray", ""), &words, &work)?;
    claim(launch.line()? == "ready", || "the guest is not ready".into())?;
    let replicas = launch.replicas();
    let mut input = launch.stdin.take().ok_or("no standard input")?;
    for follower in &replicas[1..] {
        for _ in 0..3 {
            signal_to(*follower, signal);
            writeln!(input, "on")?;
            let line = launch.line()?;
            claim(line == "on", || format!("after {signal} to a follower the guest said {line:?}"))?;
        }
    }
    signal_to(replicas[0], signal);
    writeln!(input, "on")?;
    let lines = [launch.line()?, launch.line()?];
    claim(lines.contains(&"caught".into()), || format!("after {signal} to the leader the guest said {lines:?}"))?;
    drop(input);
    let done = launch.finish()?;
    claim(done.ended == Ended::Exit(0) && done.stdout == b"end\n", || {
        format!("{lines:?}, ended {} after {:?}\n{}", done.ended, String::from_utf8_lossy(&done.stdout), done.report)
    })?;
    claim(done.report.is_empty(), || done.report.clone())?;
    nothing_left(&done)
}

/// One of two replicas has asked to end, and is killed before the other one has: nothing is left that could go wrong.
fn lost_at_the_end(checkpoints: bool) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (record, mut options) = options_in(&sandbox, "1000");
    options.retain(|word| checkpoints || !["--checkpoint", "1000"].contains(&word.as_str()));
    let mut words = Setting::strict(2).prefix(&options);
    words.extend(["sh", "-c", "echo ready; read line; exit 3"].map(String::from));
    let mut launch = Launch::start(&Case::shell("shell", ""), &words, &sandbox.fresh_work(None)?)?;
    claim(launch.line()? == "ready", || "the guest is not ready".into())?;
    let [leader, follower] = [pid_of(&record, 0)?, pid_of(&record, 1)?];
    // Both wait for the line, of one byte; the leader takes it for both, and then waits for the other one with its end.
    std::thread::sleep(Duration::from_millis(100));
    signal_to(follower, Signal::SIGSTOP);
    launch.stdin.as_mut().ok_or("no input")?.write_all(b"\n")?;
    std::thread::sleep(Duration::from_millis(100));
    signal_to(leader, Signal::SIGKILL);
    signal_to(follower, Signal::SIGCONT);
    let done = launch.finish()?;
    let is_said = done.report.contains("corrected: replica 0 was lost when the others had agreed to end");
    claim(done.ended == Ended::Exit(3) && is_said, || format!("ended with {}\n{}", done.ended, done.report))?;
    nothing_left(&done)
}

//! The supervisor with a stand-in for the agent: starting, watching, verdicts, ends, and that nothing is left behind.
#![allow(unsafe_code, reason = "sends signals, asks for descriptors, prepares a child")]

use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// An example of this package; cargo builds them for every test run.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("exe");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps/test");
    folder.join("examples").join(name)
}

/// Descriptors of this process that stay open over exec.
fn inheritable() -> Vec<i32> {
    // SAFETY: F_GETFD only asks.
    (3..1024).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } == 0).collect()
}

/// `supervise` in a process group of its own.
fn command(replicas: usize, deadline: f64, words: &str) -> Command {
    let mut command = Command::new(example("supervise"));
    command.arg(example("stand_in_agent")).arg(replicas.to_string()).arg(deadline.to_string());
    command.args(words.split_whitespace()).stdin(Stdio::null()).process_group(0);
    // A test started in the background inherits these as ignored, and then nothing would end the supervisor.
    let defaults = || {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            // SAFETY: a disposition of the child, between fork and exec.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: the closure only calls signal(2).
    unsafe { command.pre_exec(defaults) };
    command
}

fn run(replicas: usize, words: &str) -> Output {
    command(replicas, 30.0, words).output().expect("runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Processes that execute the stand-in and belong to this process group.
fn group_members(group: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        fields.get(2) == Some(&group.to_string().as_str()) && fields.first() != Some(&"Z")
    })
    .collect()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what} did not happen in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn agreed_ends_pass_through() {
    for replicas in [1, 2, 3, 8] {
        let output = run(replicas, "exit=7");
        assert_eq!((output.status.code(), stderr(&output)), (Some(7), String::new()), "{replicas} replicas");
    }
    assert_eq!(run(2, "exit=0").status.code(), Some(0));
    for signal in [libc::SIGTERM, libc::SIGSEGV, libc::SIGKILL] {
        let output = run(2, &format!("signal={signal}"));
        assert_eq!((output.status.signal(), stderr(&output)), (Some(signal), String::new()));
    }
}

#[test]
fn replicas_see_what_the_supervisor_inherited() {
    let mut command = command(2, 30.0, "descriptors signals");
    // SAFETY: dup2 and signal may be called between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::dup2(0, 17);
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        });
    }
    let output = command.output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut open: Vec<i32> = [0, 1, 2, 17].into_iter().chain(inheritable()).collect();
    open.sort_unstable();
    open.dedup();
    let numbers: Vec<String> = open.iter().map(i32::to_string).collect();
    assert_eq!(text.matches(&format!("open {}\n", numbers.join(" "))).count(), 2, "{text}");
    // All but the agent's traps and job control are blocked; only SIGPIPE is ignored, SIGHUP virtually.
    assert_eq!(text.matches("SigBlk:\tffffffffbfc1fa27\n").count(), 2, "{text}");
    assert_eq!(text.matches("SigIgn:\t0000000000001000\n").count(), 2, "{text}");
}

#[test]
fn disagreement_is_reported_and_everybody_killed() {
    let output = run(3, "call=1 0:call=2 1:call=1 2:call=2 1:fault=1 0:wait=1 park");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(120), "{text}");
    for line in [
        "rcb: fault: replica 1 disagrees with the majority at call 2 (write)\n",
        "rcb:   to blame: 1; in agreement: 0 and 2\n",
        "argument 3: [0] 0x2  [1] 0x1  [2] 0x2\n",
        "rcb:   to repeat: rcb run -n 3 -- true call=1",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(text.lines().all(|line| line.starts_with("rcb: ")), "{text}");
}

#[test]
fn death_without_agreement() {
    let output = run(2, "1:die=9 park");
    assert_eq!(output.status.code(), Some(120));
    assert!(stderr(&output).contains("replica 1 was killed by SIGKILL without agreement"));
    assert!(stderr(&run(2, "1:leave=0 park")).contains("replica 1 exited with status 0 without agreement"));
    // Alone there is nobody to disagree with.
    assert_eq!(run(1, "die=9").status.signal(), Some(libc::SIGKILL));
    assert_eq!(run(1, "leave=3").status.code(), Some(3));
}

#[test]
fn one_that_does_not_end_with_the_others() {
    let output = run(2, "0:exit=0 park");
    assert_eq!(output.status.code(), Some(120));
    assert!(stderr(&output).contains("replica 1 did not end although all had agreed to"), "{}", stderr(&output));
}

#[test]
fn silence_and_deadlock() {
    let output = command(2, 0.5, "call=1 0:call=1 0:wait=1 0:park spin").output().expect("runs");
    assert_eq!(output.status.code(), Some(120));
    assert!(stderr(&output).contains("replica 1 is silent"), "{}", stderr(&output));
    let output = command(2, 0.5, "call=1 0:wait=1 1:wait=0 park").output().expect("runs");
    assert_eq!(output.status.code(), Some(120));
    assert!(stderr(&output).contains("all replicas wait for each other"), "{}", stderr(&output));
}

#[test]
fn a_replica_that_is_stopped_in_a_call_that_blocks_is_noticed() {
    let words = "call=1 signals 0:block 1:call=1 1:wait=0 park";
    let mut child = command(2, 0.5, words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    for _ in 0..4 {
        lines.next().expect("a line from each").expect("text");
    }
    // It blocks for longer than the deadline, which is its right.
    std::thread::sleep(Duration::from_millis(900));
    assert!(child.try_wait().expect("asked").is_none());
    let first = group_members(child.id()).into_iter().filter(|pid| *pid != child.id()).min().expect("replicas");
    // SAFETY: the supervisor has not reaped it, because it lives.
    unsafe { libc::kill(first as i32, libc::SIGSTOP) };
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(120));
    assert!(stderr(&output).contains("replica 0 was stopped"), "{}", stderr(&output));
}

#[test]
fn a_fault_that_was_not_injected_is_told() {
    let output = run(2, "--inject call=1 exit=0");
    let warning = "rcb: warning: the fault was not injected: replica 1 ended at call 1 and did not reach call 9\n";
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), warning));
    assert_eq!(stderr(&run(2, "--inject call=1 1:injected exit=0")), "");
}

#[test]
fn failures_of_the_agent_are_ours_when_it_is_alone() {
    assert_eq!(run(1, "fault=6 park").status.code(), Some(125));
    assert_eq!(run(2, "1:fault=6 park").status.code(), Some(120));
}

#[test]
fn programs_that_cannot_be_loaded() {
    // The stand-in says that opening failed (site 2) with ENOENT.
    let output = run(2, "fault=9 park");
    assert_eq!(output.status.code(), Some(127), "{}", stderr(&output));
    assert!(stderr(&output).starts_with("rcb: error: true: opening the program"), "{}", stderr(&output));
}

#[test]
fn refusals_are_told_once() {
    let output = run(3, "refuse=425 refuse=425 refuse=425 exit=0");
    let text = stderr(&output);
    assert_eq!(text.matches("rcb: warning: refused io_uring_setup: ").count(), 1, "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn the_record_holds_the_run() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("record");
    let words = format!("--record {} call=1 0:call=2 1:call=3 1:fault=1 park", path.display());
    let output = run(2, &words);
    assert_eq!(output.status.code(), Some(120));
    let text = std::fs::read_to_string(path).expect("record");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().expect("event")).collect();
    assert_eq!(events, ["start", "replica", "replica", "fault", "summary"]);
    assert_eq!((&lines[0]["schema"], &lines[0]["replicas"]), (&1.into(), &2.into()));
    assert_eq!((&lines[3]["kind"], &lines[3]["seq"]), (&"mismatch".into(), &2.into()));
    assert_eq!(lines[4]["status"], 120);
    assert!(lines[4]["wall_s"].as_f64().is_some_and(|wall| wall > 0.0));
    assert!(stderr(&output).contains("rcb: statistics ("));
}

/// Starts replicas that stay, and waits until they are there.
fn start_parked(replicas: usize) -> (std::process::Child, u32) {
    let mut child = command(replicas, 30.0, "signals park").stdout(Stdio::piped()).spawn().expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    for _ in 0..replicas * 2 {
        lines.next().expect("a line from each").expect("text");
    }
    let group = child.id();
    assert_eq!(group_members(group).len(), replicas + 1);
    (child, group)
}

#[test]
fn signals_of_the_user_end_everything() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        let (mut child, group) = start_parked(2);
        // To the whole group, as the terminal does.
        // SAFETY: the group is that of the child, which is not reaped yet.
        unsafe { libc::kill(-(group as i32), signal) };
        let status = child.wait().expect("ends");
        assert_eq!(status.signal(), Some(signal));
        assert!(group_members(group).is_empty(), "after signal {signal}");
    }
}

#[test]
fn nobody_survives_the_supervisor() {
    let (mut child, group) = start_parked(3);
    // SAFETY: the child is not reaped yet.
    unsafe { libc::kill(group as i32, libc::SIGKILL) };
    child.wait().expect("ends");
    wait_until("the end of all replicas", || group_members(group).is_empty());
}

#[test]
fn stopping_the_group_is_not_silence() {
    let mut child =
        command(2, 0.3, "call=1 0:call=1 0:wait=1 signals park").stdout(Stdio::piped()).spawn().expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    lines.next().expect("a line").expect("text");
    let group = child.id();
    // SAFETY: the group is that of the child, which is not reaped yet.
    unsafe { libc::kill(-(group as i32), libc::SIGSTOP) };
    // Longer than the deadline: this is the time that must not count.
    std::thread::sleep(Duration::from_millis(900));
    let resumed = Instant::now();
    // SAFETY: as above.
    unsafe { libc::kill(-(group as i32), libc::SIGCONT) };
    let output = child.wait_with_output().expect("ends");
    // It is silent after all, but only after a deadline of running.
    assert_eq!(output.status.code(), Some(120));
    assert!(resumed.elapsed() > Duration::from_millis(150), "{:?}", resumed.elapsed());
}

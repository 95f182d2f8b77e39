//! Deaths in a tree of processes: a fault in any group stops all, and nobody is left behind.

use crate::claim;
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_tests::case::Case;
use rcb_tests::launch::{Finished, Launch, PATIENCE, signal_to};
use rcb_tests::outcome::Ended;
use rcb_tests::require::trial;
use rcb_tests::runtime::Setting;
use rcb_tests::sandbox::Sandbox;
use rcb_tests::{processes, victim};
use std::time::{Duration, Instant};

/// A shell with two children and a grandchild, which all wait.
const TREE: &str = "sleep 50 & (sleep 51; echo no) & sleep 1; echo ready; wait";
/// Processes of the guest in it.
const PROCESSES: usize = 4;

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = Vec::new();
    for (replicas, column) in [(2, 0), (2, 1), (3, 2)] {
        let name = format!("tree-kill-replica-{column}-of-{replicas}");
        all.push(trial(name, ["sleep"], move || replica_dies(replicas, column)));
    }
    for column in 0..3 {
        let name = format!("heal-tree-{column}");
        all.push(trial(name, ["sleep"], move || replica_is_replaced(column)));
    }
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT] {
        let name = format!("tree-supervisor-{}", signal.as_str().to_lowercase());
        all.push(trial(name, ["sleep"], move || supervisor_dies(signal)));
    }
    all.push(trial("tree-too-many", ["perl"], too_many));
    all
}

/// Starts the tree and waits until all of it is there.
fn started(sandbox: &Sandbox, replicas: usize, options: &[&str]) -> Result<Launch, Failed> {
    let work = sandbox.fresh_work(None)?;
    let mut words =
        Setting::output(replicas).prefix(&options.iter().map(|word| (*word).to_string()).collect::<Vec<_>>());
    words.extend(["sh", "-c", TREE].map(String::from));
    let mut launch = Launch::start(&Case::shell("tree", ""), &words, &work)?;
    let line = launch.line()?;
    claim(line == "ready", || format!("the guest said {line:?}"))?;
    let there = launch.replicas();
    claim(there.len() == PROCESSES * replicas, || format!("{there:?} should be {PROCESSES} x {replicas} replicas"))?;
    Ok(launch)
}

fn nothing_left(done: &Finished, replicas: Vec<i32>) -> Result<(), Failed> {
    claim(done.left.is_empty(), || format!("processes are left: {:?}\n{}", done.left, done.report))?;
    let alive: Vec<i32> =
        replicas.into_iter().filter(|&pid| processes::look(pid).is_some_and(|p| p.state != 'Z')).collect();
    claim(alive.is_empty(), || format!("replicas {alive:?} have outlived the run"))
}

/// One replica of the first child dies. A group's replicas are forked one after the other, so their numbers are in a row.
fn replica_dies(replicas: usize, column: usize) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let launch = started(&sandbox, replicas, &["--no-heal"])?;
    let there = launch.replicas();
    signal_to(there[replicas + column], Signal::SIGKILL);
    let done = launch.finish()?;
    claim(done.ended == Ended::Exit(victim::DISAGREED), || format!("ended with {}\n{}", done.ended, done.report))?;
    claim(done.report.contains("killed by SIGKILL"), || format!("no such report:\n{}", done.report))?;
    nothing_left(&done, there)
}

/// With three the first child's replica is replaced, and the tree lives on until somebody ends it.
fn replica_is_replaced(column: usize) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let launch = started(&sandbox, 3, &[])?;
    let there = launch.replicas();
    let victim = there[3 + column];
    signal_to(victim, Signal::SIGKILL);
    let whole = || {
        let now = launch.replicas();
        now.len() == PROCESSES * 3 && !now.contains(&victim)
    };
    let start = Instant::now();
    while !whole() && start.elapsed() < PATIENCE / 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    claim(whole(), || format!("{:?} should be {PROCESSES} x 3 replicas", launch.replicas()))?;
    let there = launch.replicas();
    launch.signal(Signal::SIGKILL);
    let done = launch.finish()?;
    claim(done.report.contains("corrected:"), || format!("no such report:\n{}", done.report))?;
    nothing_left(&done, there)
}

/// The supervisor gets a signal: it and the whole first group die of it; SIGKILL takes all at once.
fn supervisor_dies(signal: Signal) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let launch = started(&sandbox, 2, &[])?;
    let there = launch.replicas();
    let supervisor = launch.pid();
    launch.signal(signal);
    if signal != Signal::SIGKILL {
        // What the shell leaves behind goes on, as natively; the supervisor is told once more, now for these.
        let first = there[0];
        // Taken note of, too: before that the signal would be one more for the shell.
        let gone = || processes::look(first).is_none();
        for _ in 0..2000 {
            if gone() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        claim(gone(), || format!("the shell did not die of {signal}"))?;
        signal_to(supervisor, signal);
    }
    let done = launch.finish()?;
    claim(done.ended == Ended::Signal(signal as i32), || format!("ended with {}\n{}", done.ended, done.report))?;
    nothing_left(&done, there)
}

/// More processes than there can be: fork fails, the guest goes on.
fn too_many() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let all = "my $n = 0; for (1 .. 300) { my $p = fork; last unless defined $p; if (!$p) { sleep 60; exit } $n++; push @p, $p } \
               print $n > 100 && $n < 300 ? \"limit\\n\" : \"$n\\n\"; kill 9, @p; 1 while wait > 0; print \"end\\n\"";
    let mut words = Setting::output(2).prefix(&[]);
    words.extend(["perl", "-e", all].map(String::from));
    let seen = sandbox.run_words(&Case::shell("many", ""), &words, "seen")?;
    claim(seen.ended == Ended::Exit(0), || format!("ended with {}\n{}", seen.ended, seen.report))?;
    claim(seen.stdout == b"limit\nend\n", || String::from_utf8_lossy(&seen.stdout).into_owned())
}

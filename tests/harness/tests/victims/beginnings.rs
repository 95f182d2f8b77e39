//! Two replicas with checkpoints where there is no checkpoint yet, or a fork under way: at the start of the first program,
//! between a fork and its child.

use crate::checkpoints::{is_frozen, options_in, pid_of};
use crate::claim;
use crate::deaths::nothing_left;
use crate::harms::is_zombie;
use crate::heals::{events, flip_environment};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_tests::case::Case;
use rcb_tests::launch::{Finished, Launch, signal_to};
use rcb_tests::outcome::Ended;
use rcb_tests::require::trial;
use rcb_tests::runtime::Setting;
use rcb_tests::sandbox::Sandbox;
use rcb_tests::victim;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Forks and executes without pipes.
const PLAIN: &str =
    "for i in 1 2 3 4 5 6; do /bin/echo $i; (echo sub $i); (exec /bin/echo $i); done; env -i /bin/echo end";
/// Forks in every way a shell knows, without a pipe that the first process itself reads from.
const FORKS: &str = "for i in 1 2 3 4 5 6; do /bin/echo $i | cat; (echo sub $i); done; env -i /bin/echo end";

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = vec![trial("back-memory-before-fork", [], memory_before_a_fork)];
    all.push(trial("back-newborn-killed", [], newborns));
    all.push(trial("back-newborn-flipped", [], flipped_child));
    all.push(trial("newborn-killed-2", [], newborns_without_checkpoints));
    for who in 0..2 {
        all.push(trial(format!("back-at-start-{who}"), [], move || at_the_start(who)));
        all.push(trial(format!("back-in-forks-{who}"), [], move || in_forks(who)));
    }
    all
}

fn shell(sandbox: &Sandbox, script: &str) -> Result<(Launch, PathBuf), Failed> {
    let (record, options) = options_in(sandbox, "1000");
    Ok((launched(sandbox, &options, script)?, record))
}

fn launched(sandbox: &Sandbox, options: &[String], script: &str) -> Result<Launch, Failed> {
    let mut words = Setting::strict(2).prefix(options);
    words.extend(["sh", "-c", script].map(String::from));
    Ok(Launch::start(&Case::shell("shell", ""), &words, &sandbox.fresh_work(None)?)?)
}

/// The run has ended with status 0 and printed what it should.
fn is_whole(done: &Finished, script: &str) -> Result<(), Failed> {
    let native = std::process::Command::new("sh").args(["-c", script]).output()?;
    claim(done.ended == Ended::Exit(0) && done.stdout == native.stdout, || {
        format!("ended with {}, printed {:?}\n{}", done.ended, String::from_utf8_lossy(&done.stdout), done.report)
    })?;
    nothing_left(done)
}

/// Waits for the first processes.
fn await_first(record: &Path, who: usize) -> Result<i32, Failed> {
    loop {
        if record.exists()
            && let Ok(pid) = pid_of(record, who)
        {
            return Ok(pid);
        }
    }
}

/// A replica is killed before it has left a copy: the program is started over.
fn at_the_start(who: usize) -> Result<(), Failed> {
    let mut over = 0;
    for _ in 0..40 {
        let sandbox = Sandbox::new()?;
        let (launch, record) = shell(&sandbox, "echo once")?;
        signal_to(await_first(&record, who)?, Signal::SIGKILL);
        is_whole(&launch.finish()?, "echo once")?;
        over += events(&record, "started-over")?.len();
        if over == 3 {
            return Ok(());
        }
    }
    Err(format!("started over {over} times").into())
}

/// A replica is killed at any time while the program does nothing but fork and wait: no child is lost, none is made twice.
fn in_forks(who: usize) -> Result<(), Failed> {
    let mut back = 0;
    for round in 0..16 {
        let sandbox = Sandbox::new()?;
        let (launch, record) = shell(&sandbox, FORKS)?;
        let pid = await_first(&record, who)?;
        std::thread::sleep(Duration::from_micros(3100 * round + 900));
        signal_to(pid, Signal::SIGKILL);
        is_whole(&launch.finish()?, FORKS)?;
        back += events(&record, "rolled-back")?.len();
    }
    claim(back > 4, || format!("only {back} of 16 were killed in time"))
}

/// Kills the `number`th process that appears.
fn kill_newborn(launch: &Launch, number: usize) {
    let mut seen = Vec::new();
    let mut births = 0;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) && !is_zombie(launch.pid()) {
        for pid in launch.replicas() {
            if !seen.contains(&pid) {
                seen.push(pid);
                births += 1;
                if births == number {
                    return signal_to(pid, Signal::SIGKILL);
                }
            }
        }
    }
}

/// One process of a tree is killed the moment that it is there: child, program or frozen copy.
fn newborns() -> Result<(), Failed> {
    let mut mended = 0;
    // The first two are replicas that wait to be let go; the next ones are their copies.
    for number in 5..35 {
        let sandbox = Sandbox::new()?;
        let (launch, record) = shell(&sandbox, PLAIN)?;
        kill_newborn(&launch, number);
        is_whole(&launch.finish()?, PLAIN)?;
        mended += events(&record, "healed")?.len() + events(&record, "rolled-back")?.len();
    }
    claim(mended > 2, || format!("only {mended} of 30 had an effect"))
}

/// A bit flips in the leader's child, which waits for its peer while the other parent is kept from forking: the child finds
/// that its memory is not what it was handed, and is replaced before it has left a copy.
fn flipped_child() -> Result<(), Failed> {
    const SCRIPT: &str = "until [ -e flipped ]; do (exec /usr/bin/env >/dev/null); done; echo end";
    let sandbox = Sandbox::new()?;
    let (launch, record) = shell(&sandbox, SCRIPT)?;
    let parents = [await_first(&record, 0)?, await_first(&record, 1)?];
    let lone = || {
        let children = launch.replicas().into_iter().filter(|pid| !parents.contains(pid) && !is_frozen(*pid));
        let children: Vec<i32> = children.filter(|pid| !is_zombie(*pid)).collect();
        if let [one] = children[..] { Some(one) } else { None }
    };
    let mut is_flipped = false;
    let start = Instant::now();
    while !is_flipped && !is_zombie(launch.pid()) && start.elapsed() < Duration::from_mins(1) {
        signal_to(parents[1], Signal::SIGSTOP);
        std::thread::sleep(Duration::from_micros(200));
        if lone().is_some() {
            std::thread::sleep(Duration::from_millis(2));
        }
        if let Some(child) = lone().filter(|pid| waits_for_its_peer(*pid)) {
            flip_environment(child)?;
            is_flipped = true;
        }
        signal_to(parents[1], Signal::SIGCONT);
        std::thread::sleep(Duration::from_micros(300));
    }
    std::fs::write(sandbox.path().join("work/flipped"), "")?;
    let done = launch.finish()?;
    claim(done.ended == Ended::Exit(0) && done.stdout == b"end\n", || {
        format!("ended with {}\n{}", done.ended, done.report)
    })?;
    nothing_left(&done)?;
    let healed = events(&record, "healed")?;
    let is_child = |event: &serde_json::Value| event["group"] != 0 && event["replica"] == 0;
    let is_right = is_flipped && healed.len() == 1 && is_child(&healed[0]);
    claim(is_right, || format!("a child of the leader should have been replaced: {healed:?}\n{}", done.report))
}

/// Whether a process sleeps on the word in which its peer would say that it is there, the fifth of a segment.
fn waits_for_its_peer(pid: i32) -> bool {
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let mut words = call.split(' ');
    words.next() == Some("202") && words.next().is_some_and(|word| word.starts_with("0x3a00") && word.ends_with("0010"))
}

/// Without checkpoints the run ends, with the right output or with a report: nobody waits for a process that will not come.
fn newborns_without_checkpoints() -> Result<(), Failed> {
    let native = std::process::Command::new("sh").args(["-c", FORKS]).output()?;
    let mut detected = 0;
    for number in 3..33 {
        let sandbox = Sandbox::new()?;
        let launch = launched(&sandbox, &["--deadline".into(), "1".into()], FORKS)?;
        kill_newborn(&launch, number);
        let done = launch.finish()?;
        let is_end = match done.ended {
            Ended::Exit(0) => done.stdout == native.stdout,
            Ended::Exit(victim::DISAGREED) => native.stdout.starts_with(&done.stdout),
            _ => false,
        };
        claim(is_end, || format!("{number}: ended with {}\n{}", done.ended, done.report))?;
        detected += usize::from(done.ended == Ended::Exit(victim::DISAGREED));
        nothing_left(&done)?;
    }
    claim(detected > 2, || format!("only {detected} of 30 were noticed"))
}

/// What a child would be handed is compared before: the parent goes back, since the child could not.
fn memory_before_a_fork() -> Result<(), Failed> {
    const SCRIPT: &str = "echo ready; read line; /usr/bin/env | tail -n 1 | wc -l; (:); echo end";
    for who in 0..2 {
        let sandbox = Sandbox::new()?;
        let (mut launch, record) = shell(&sandbox, SCRIPT)?;
        claim(launch.line()? == "ready", || "the guest is not ready".into())?;
        let pid = pid_of(&record, who)?;
        claim(!is_frozen(pid), || "the record names a copy".into())?;
        flip_environment(pid)?;
        launch.stdin.as_mut().ok_or("no input")?.write_all(b"go\n")?;
        let done = launch.finish()?;
        let is_right = done.ended == Ended::Exit(0) && done.stdout == b"1\nend\n";
        claim(is_right, || format!("ended with {}, printed {:?}\n{}", done.ended, done.stdout, done.report))?;
        let back = events(&record, "rolled-back")?;
        claim(back.len() == 1 && back[0]["kind"] == "memory", || format!("{back:?}\n{}", done.report))?;
        nothing_left(&done)?;
    }
    Ok(())
}

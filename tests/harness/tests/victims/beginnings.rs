//! Two replicas with checkpoints where there is no checkpoint yet, or a fork under way: at the start of the first program,
//! between a fork and its child.

use crate::checkpoints::{is_frozen, options_in, pid_of};
use crate::claim;
use crate::deaths::nothing_left;
use crate::heals::{events, flip_environment};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_tests::case::Case;
use rcb_tests::launch::{Finished, Launch, signal_to};
use rcb_tests::outcome::Ended;
use rcb_tests::require::trial;
use rcb_tests::runtime::Setting;
use rcb_tests::sandbox::Sandbox;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Forks in every way a shell knows, without a pipe that the first process itself reads from.
const FORKS: &str = "for i in 1 2 3 4 5 6; do /bin/echo $i | cat; (echo sub $i); done; env -i /bin/echo end";

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = vec![trial("back-memory-before-fork", [], memory_before_a_fork)];
    for who in 0..2 {
        all.push(trial(format!("back-at-start-{who}"), [], move || at_the_start(who)));
        all.push(trial(format!("back-in-forks-{who}"), [], move || in_forks(who)));
    }
    all
}

fn shell(sandbox: &Sandbox, script: &str) -> Result<(Launch, PathBuf), Failed> {
    let (record, options) = options_in(sandbox, "1000");
    let mut words = Setting::strict(2).prefix(&options);
    words.extend(["sh", "-c", script].map(String::from));
    Ok((Launch::start(&Case::shell("shell", ""), &words, &sandbox.fresh_work(None)?)?, record))
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

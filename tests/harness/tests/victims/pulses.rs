//! Replicas that get little of a CPU, and busy machines: whoever is only slow is not blamed.

use crate::claim;
use crate::harms::{SOON, Worker, begun, natively};
use crate::heals::pid_of;
use libtest_mimic::{Failed, Trial};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rcb_tests::launch::signal_to;
use rcb_tests::require::trial;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = Vec::new();
    for who in 0..3 {
        all.push(trial(format!("starve-pulses-{who}"), ["cc"], move || pulses(who)));
        all.push(trial(format!("starve-idle-{who}"), ["cc", "chrt"], move || idle(who)));
    }
    all.push(trial("starve-all", ["cc"], all_are_slow));
    all.push(trial("starve-long-steps", ["cc", "renice"], long_steps));
    all
}

/// A process that uses a CPU for as long as this lives.
struct Busy(Child);

impl Busy {
    fn start(cpu: Option<usize>) -> Result<Self, Failed> {
        let child = Command::new("sh").args(["-c", "while :; do :; done"]).stdout(Stdio::null()).spawn()?;
        let busy = Self(child);
        if let Some(cpu) = cpu {
            bind(busy.0.id() as i32, cpu)?;
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn bind(pid: i32, cpu: usize) -> Result<(), Failed> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    Ok(sched_setaffinity(Pid::from_raw(pid), &set)?)
}

/// Nobody was blamed, and the output is right.
fn was_patient(worker: Worker, expected: &[u8]) -> Result<(), Failed> {
    let events = worker.ends_with(expected)?;
    let mut blamed = events.iter().filter(|event| event["event"] == "healed" || event["event"] == "fault");
    claim(blamed.next().is_none(), || format!("somebody was blamed: {events:?}"))
}

/// A replica is stopped for less than the deadline again and again, and runs for a moment in between.
fn pulses(who: usize) -> Result<(), Failed> {
    let (worker, _, expected) = begun(&["table", "40"], &SOON)?;
    let pid = pid_of(&worker.record, who)?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) && worker.launch.replicas().contains(&pid) {
        signal_to(pid, Signal::SIGSTOP);
        std::thread::sleep(Duration::from_millis(400));
        signal_to(pid, Signal::SIGCONT);
        std::thread::sleep(Duration::from_millis(20));
    }
    was_patient(worker, &expected)
}

/// A replica runs only when nobody else wants its CPU, and somebody else always wants it.
fn idle(who: usize) -> Result<(), Failed> {
    let (worker, _, expected) = begun(&["table", "6"], &["--deadline", "10"])?;
    let pid = pid_of(&worker.record, who)?;
    let _busy = Busy::start(Some(0))?;
    bind(pid, 0)?;
    let policy = Command::new("chrt").args(["--idle", "--pid", "0", &pid.to_string()]).status()?;
    claim(policy.success(), || format!("chrt: {policy}"))?;
    was_patient(worker, &expected)
}

/// Long steps on a busy machine, and one replica gets a fourth of what the others get: it takes many times as long, with the
/// deadline that there is without an option, and nobody takes it for astray.
fn long_steps() -> Result<(), Failed> {
    let mut worker = Worker::with_options(&["slow", "2"], &[])?;
    let line = worker.launch.line()?;
    let cpus = std::thread::available_parallelism()?.get();
    let _busy: Vec<Busy> = (0..cpus).map(|cpu| Busy::start(Some(cpu))).collect::<Result<_, _>>()?;
    let pid = pid_of(&worker.record, 1)?;
    bind(pid, 0)?;
    let slowed = Command::new("renice").args(["-n", "5", "-p", &pid.to_string()]).stdout(Stdio::null()).status()?;
    claim(slowed.success(), || format!("renice: {slowed} ({line})"))?;
    let native = natively(&["slow", "2"])?;
    let first = native.iter().position(|byte| *byte == b'\n').ok_or("no line")?;
    was_patient(worker, &native[first + 1..])
}

/// Three replicas share the machine with twice as many busy processes as it has CPUs.
fn all_are_slow() -> Result<(), Failed> {
    let cpus = std::thread::available_parallelism()?.get();
    let busy: Vec<Busy> = (0..2 * cpus).map(|_| Busy::start(None)).collect::<Result<_, _>>()?;
    let (worker, _, expected) = begun(&["table", "60"], &SOON)?;
    was_patient(worker, &expected)?;
    drop(busy);
    Ok(())
}

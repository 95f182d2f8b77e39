//! A write that waits, in the leader of three: for room in a pipe, or for the others.

use crate::claim;
use crate::deaths::nothing_left;
use crate::harms::{Worker, natively};
use crate::heals::{await_healed, pid_of};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_tests::case::Case;
use rcb_tests::launch::{Launch, signal_to};
use rcb_tests::outcome::Ended;
use rcb_tests::require::trial;
use rcb_tests::runtime::Setting;
use rcb_tests::sandbox::Sandbox;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("harm-pipe-full", ["cc"], leader_dies),
        trial("harm-pipe-flip", ["cc"], bit_flips),
        trial("harm-compared-flip-output", [], || compared(Setting::output(3))),
        trial("harm-compared-flip-strict", [], || compared(Setting::strict(3))),
    ]
}

/// The leader dies in the middle of a write that waits for room in a pipe: some bytes have left, and the rest follows.
fn leader_dies() -> Result<(), Failed> {
    let (worker, expected) = waiting()?;
    signal_to(pid_of(&worker.record, 0)?, Signal::SIGKILL);
    worker.is_healed(0, &["died"])?;
    worker.ends_with(&expected).map(drop)
}

/// `worker pipe` whose leader waits, and all that it shall write.
fn waiting() -> Result<(Worker, Vec<u8>), Failed> {
    let words = ["pipe", "300"];
    let expected = natively(&words)?;
    let worker = Worker::start(&words)?;
    // A pipe holds 64 KiB, so the write stands still for as long as nobody reads: in the poll that waits for room.
    let stands = |pid: i32| {
        let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        let mut words = call.split(' ').skip(2);
        call.starts_with("7 ") && words.next() == Some("0x1") && words.next() == Some("0xffffffffffffffff")
    };
    let start = Instant::now();
    while !pid_of(&worker.record, 0).is_ok_and(stands) {
        claim(start.elapsed() < Duration::from_secs(10), || "the leader does not write".into())?;
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok((worker, expected))
}

/// A bit flips in the leader's buffer while its write waits: nothing of it has been given to the kernel, and nothing is.
fn bit_flips() -> Result<(), Failed> {
    let (worker, expected) = waiting()?;
    let memory = worker.memory(0)?;
    let found = places(pid_of(&worker.record, 0)?, &memory, &expected[..4096])?;
    let last = found.first().ok_or("the buffer is not to be found")? + expected.len() as u64 - 10;
    let mut byte = [0];
    memory.read_exact_at(&mut byte, last)?;
    claim(byte[0] == expected[expected.len() - 10], || "that is another buffer".into())?;
    memory.write_all_at(&[byte[0] ^ 1], last)?;
    // Reading what is there lets the write go on.
    let record = worker.record.clone();
    let events = worker.ends_with(&expected)?;
    let healed: Vec<_> = events.iter().filter(|event| event["event"] == "healed").collect();
    let is_right = healed.len() == 1 && healed[0]["kind"] == "buffer" && healed[0]["replica"] == 0;
    claim(is_right, || format!("{}: {healed:?}", record.display()))
}

/// Where the private memory of a process has these bytes.
fn places(pid: i32, memory: &File, wanted: &[u8]) -> Result<Vec<u64>, Failed> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
        let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).ok_or("not a range")?;
        let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
        let mut bytes = vec![0; (end - start) as usize];
        if memory.read_exact_at(&mut bytes, start).is_ok() {
            let windows = bytes.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted);
            all.extend(windows.map(|(at, _)| start + at as u64));
        }
    }
    Ok(all)
}

/// A bit flips in what the leader is about to write once the others are there too: after its digest was posted, before the
/// kernel takes the bytes.
fn compared(setting: Setting) -> Result<(), Failed> {
    const SCRIPT: &str = "echo ready; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo counted to $i; echo end";
    const LINE: &[u8] = b"counted to 300000\n";
    let sandbox = Sandbox::new()?;
    let record = sandbox.path().join("record");
    let options = ["--deadline", "5", "--record", &record.display().to_string()].map(String::from);
    let mut words = setting.prefix(&options);
    words.extend(["sh", "-c", SCRIPT].map(String::from));
    let mut launch = Launch::start(&Case::shell("shell", ""), &words, &sandbox.fresh_work(None)?)?;
    claim(launch.line()? == "ready", || "the guest is not ready".into())?;
    // It counts and has nothing to agree on, and the others have to wait for it.
    signal_to(pid_of(&record, 1)?, Signal::SIGSTOP);
    let leader = pid_of(&record, 0)?;
    let memory = OpenOptions::new().read(true).write(true).open(format!("/proc/{leader}/mem"))?;
    let start = Instant::now();
    let at = loop {
        let found = places(leader, &memory, LINE)?;
        let call = std::fs::read_to_string(format!("/proc/{leader}/syscall"))?;
        if !found.is_empty() && call.starts_with("202 ") {
            break found;
        }
        claim(start.elapsed() < Duration::from_secs(4), || format!("the leader does not wait: {call}"))?;
        std::thread::sleep(Duration::from_millis(1));
    };
    for at in at {
        memory.write_all_at(b"A", at)?;
    }
    signal_to(pid_of(&record, 1)?, Signal::SIGCONT);
    let healed = await_healed(&record, 1)?;
    let done = launch.finish()?;
    let expected = [LINE, b"end\n"].concat();
    claim(done.ended == Ended::Exit(0) && done.stdout == expected, || {
        format!("ended with {}, printed {:?}\n{}", done.ended, String::from_utf8_lossy(&done.stdout), done.report)
    })?;
    let is_right = healed.len() == 1 && healed[0]["kind"] == "buffer" && healed[0]["replica"] == 0;
    claim(is_right, || format!("{healed:?}"))?;
    nothing_left(&done)
}

//! A write that waits for room in a pipe, in the leader of three.

use crate::claim;
use crate::harms::{Worker, natively};
use crate::heals::pid_of;
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_tests::launch::signal_to;
use rcb_tests::require::trial;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("harm-pipe-full", ["cc"], leader_dies), trial("harm-pipe-flip", ["cc"], bit_flips)]
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
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", pid_of(&worker.record, 0)?))?;
    let memory = worker.memory(0)?;
    let head = &expected[..4096];
    let found = maps.lines().filter(|line| line.contains(" rw-p ")).find_map(|line| {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        let [start, end] = [start, end].map(|word| u64::from_str_radix(word, 16).unwrap_or(0));
        let mut bytes = vec![0; (end - start) as usize];
        memory.read_exact_at(&mut bytes, start).ok()?;
        bytes.windows(head.len()).position(|window| window == head).map(|at| start + at as u64)
    });
    let last = found.ok_or("the buffer is not to be found")? + expected.len() as u64 - 10;
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

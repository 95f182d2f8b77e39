//! A wrong bit in the log, which all replicas read: what all followers take wrongly alike must not outvote the leader.

use crate::claim;
use crate::deaths::nothing_left;
use crate::harms::{Worker, natively};
use crate::heals::pid_of;
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::Signal;
use rcb_abi::segment::{Head, RING, Record, Segment, Wait, phase};
use rcb_tests::launch::signal_to;
use rcb_tests::outcome::Ended;
use rcb_tests::require::trial;
use rcb_tests::victim;
use std::fs::File;
use std::mem::offset_of;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    let word = |name, place| trial(format!("log-record-{name}"), ["cc"], move || wrong_record(place));
    vec![word("result", offset_of!(Record, result)), word("flags", offset_of!(Record, flags))]
}

/// A word of a replica's own segment.
fn word(memory: &File, place: usize) -> Result<u64, Failed> {
    let mut bytes = [0; 8];
    memory.read_exact_at(&mut bytes, rcb_abi::OWN_ADDR + place as u64)?;
    Ok(u64::from_ne_bytes(bytes))
}

const SEQ: usize = offset_of!(Segment, head) + offset_of!(Head, seq);

/// A bit changes in a record of the leader before its followers read it: they are stopped for a moment, and the leader is some
/// calls ahead of them.
fn wrong_record(place: usize) -> Result<(), Failed> {
    let words = ["asks", "2000"];
    let expected = natively(&words)?;
    let mut worker = Worker::with_options(&words, &["--deadline", "10"])?;
    worker.launch.line()?;
    let followers = [pid_of(&worker.record, 1)?, pid_of(&worker.record, 2)?];
    let (leader, others) = (worker.memory(0)?, [worker.memory(1)?, worker.memory(2)?]);
    let tell = |signal| {
        for pid in followers {
            signal_to(pid, signal);
        }
    };
    let start = Instant::now();
    let flipped = loop {
        claim(start.elapsed() < Duration::from_secs(10), || "the leader never ran ahead".into())?;
        tell(Signal::SIGSTOP);
        std::thread::sleep(Duration::from_millis(50));
        // It stands still as well: it waits for them.
        let stands = word(&leader, offset_of!(Segment, wait) + offset_of!(Wait, phase))? as u32 == phase::WAIT_REQUEST;
        let ahead = word(&leader, SEQ)?;
        let behind = word(&others[0], SEQ)?.max(word(&others[1], SEQ)?);
        // Neither the request at which they are nor the one for which there is no answer.
        if stands && ahead > behind + 3 {
            let slot = (behind + 2) as usize % RING;
            let at = offset_of!(Segment, records) + slot * size_of::<Record>() + place;
            let at = rcb_abi::OWN_ADDR + at as u64;
            let mut byte = [0];
            leader.read_exact_at(&mut byte, at)?;
            leader.write_all_at(&[byte[0] ^ 1], at)?;
            break behind + 2;
        }
        tell(Signal::SIGCONT);
    };
    tell(Signal::SIGCONT);
    worker.launch.stdin = None;
    let record = worker.record.clone();
    let done = worker.launch.finish()?;
    claim(done.ended == Ended::Exit(victim::DISAGREED), || format!("ended with {}\n{}", done.ended, done.report))?;
    let text = String::from_utf8_lossy(&expected).into_owned();
    let rest = &expected[text.find('\n').ok_or("no line")? + 1..];
    claim(rest.starts_with(&done.stdout), || "wrong bytes have left".into())?;
    let events = victim::read_record(&record)?;
    let fault = events.iter().find(|event| event["event"] == "fault").ok_or("no event `fault`")?;
    claim(fault["kind"] == "log", || format!("at request {flipped}: {fault}"))?;
    claim(events.iter().all(|event| event["event"] != "healed"), || format!("{events:?}"))?;
    nothing_left(&done)
}

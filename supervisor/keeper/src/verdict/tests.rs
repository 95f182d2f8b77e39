//! The words for made-up evidence. Who is blamed when is tested where it is decided.

#![allow(clippy::large_stack_arrays, reason = "tests may use some of the stack")]

use super::{judge as judge_with, *};
use rcb_abi::segment::phase;
use rcb_guard::Fault;

/// A request `write(1, 0x1000, count)` whose chain follows from everything before.
fn request(seq: u64, chain: u64, count: u64) -> Trace {
    Trace {
        seq,
        chain,
        nr: 1,
        nargs: 3,
        rip: 0x40_1000,
        result: count,
        args: [1, 0x1000, count, 0, 0, 0],
        input: chain ^ 1,
        sample: [b'x'; 16],
        sample_len: 3,
        reserved: 0,
    }
}

fn witness(trace: &[Trace]) -> Witness {
    Witness { pid: 1, cpu: 0, said: Statement::of(trace), end: None }
}

fn judge(cause: &Cause, witnesses: &[Witness]) -> Judgement {
    judge_with(cause, witnesses, &|replica, slot, _| format!("{replica}:{}", slot.seq))
}

fn fault(kind: u32, seq: u64) -> Cause {
    Cause::Fault { observer: 0, fault: Fault { kind, seq, peer: 1, ..Fault::default() } }
}

#[test]
fn the_first_difference_is_the_place() {
    let good = vec![request(1, 10, 4), request(2, 20, 5), request(3, 30, 6)];
    let bad = vec![request(1, 10, 4), request(2, 21, 7), request(3, 31, 6)];
    let judgement = judge(&fault(kind::MISMATCH, 3), &[witness(&good), witness(&bad)]);
    assert_eq!((judgement.seq, judgement.kind), (Some(2), "mismatch"));
    assert_eq!(judgement.headline, "the replicas disagree at call 2 (write)");
    assert!(judgement.blamed.is_empty());
    assert_eq!(judgement.requests, [Some("0:2".into()), Some("1:2".into())]);
    let whats: Vec<_> = judgement.differences.iter().map(|difference| difference.what.as_str()).collect();
    assert_eq!(whats, ["argument 3", "input digest", "result"]);
    assert_eq!(judgement.differences[0].values, [Some("0x5".into()), Some("0x7".into())]);
}

#[test]
fn three_tell_who_is_wrong() {
    let good = || witness(&[request(7, 10, 4)]);
    let judgement = judge(&fault(kind::MISMATCH, 7), &[good(), witness(&[request(7, 11, 4)]), good()]);
    assert_eq!(judgement.blamed, [1]);
    assert_eq!(judgement.headline, "replica 1 disagrees with the majority at call 7 (write)");
}

#[test]
fn registers_count_between_those_parked_at_the_call() {
    let slots = |chain| [Trace { input: 0, ..request(7, chain, 4) }];
    let mut left = witness(&slots(10));
    let mut right = witness(&slots(11));
    right.said.regs.rbx = 32;
    let cause = fault(kind::MISMATCH, 7);
    let judgement = judge(&cause, &[left.clone(), right.clone()]);
    assert_eq!(judgement.differences.len(), 1);
    assert_eq!(judgement.differences[0].what, "register rbx");
    assert!(judgement.notes.is_empty());
    // A third one waits at the same call: it has left no registers, so nothing is said about them.
    let mut third = witness(&slots(10));
    third.said.phase = phase::WAIT_RESULT;
    let judgement = judge(&cause, &[left.clone(), right.clone(), third]);
    assert_eq!(judgement.differences.len(), 1);
    assert_eq!(judgement.differences[0].values, [Some("0x0".into()), Some("0x20".into()), None]);
    // One has gone on: its registers are those of a later call.
    left.said = Statement::of(&[slots(10)[0], request(8, 20, 1)]);
    let judgement = judge(&cause, &[left, right]);
    assert!(judgement.differences.is_empty() && judgement.notes.len() == 1);
}

#[test]
fn a_different_result_before_is_shown() {
    let mut bad = vec![request(6, 5, 4), request(7, 11, 4)];
    bad[0].result = (-2i64) as u64;
    let witnesses = [witness(&[request(6, 5, 4), request(7, 10, 4)]), witness(&bad)];
    let judgement = judge(&fault(kind::MISMATCH, 7), &witnesses);
    let before =
        judgement.differences.iter().find(|difference| difference.what.starts_with("result of the call before"));
    let values = &before.expect("listed").values;
    assert_eq!(values[0].as_deref(), Some("0x4"));
    assert!(values[1].as_deref().is_some_and(|text| text.contains("ENOENT")), "{values:?}");
}

#[test]
fn deaths_and_silence_name_the_replica() {
    let witnesses = [witness(&[]), witness(&[])];
    let died = judge(&Cause::Died { replica: 1, end: End::Signal(libc::SIGKILL) }, &witnesses);
    assert_eq!((died.blamed, died.seq), (vec![1], None));
    assert_eq!(died.headline, "replica 1 was killed by SIGKILL without agreement");
    let silent = |stopped| judge(&Cause::Silent { replica: 0, waiting: 1, stopped }, &witnesses);
    assert_eq!((silent(false).blamed, silent(false).kind), (vec![0], "silent"));
    assert_eq!((silent(true).kind, silent(true).notes.len()), ("stopped", 1));
    assert!(silent(true).headline.starts_with("replica 0 was stopped"));
}

#[test]
fn silence_and_waiting_after_a_difference_are_a_disagreement() {
    let good = || witness(&[request(7, 10, 4)]);
    let bad = || witness(&[request(7, 11, 4)]);
    let apart = judge(&Cause::Deadlock, &[good(), good(), bad()]);
    assert_eq!((apart.kind, apart.blamed), ("mismatch", vec![2]));
    let silent = judge(&Cause::Silent { replica: 0, waiting: 2, stopped: false }, &[good(), good(), bad()]);
    let words = "replica 2 disagrees with the majority at call 7 (write), and replica 0 is silent";
    assert_eq!((silent.kind, silent.headline.as_str()), ("mismatch", words));
    let equal = judge(&Cause::Deadlock, &[good(), good()]);
    assert_eq!((equal.kind, equal.blamed, equal.seq), ("deadlock", vec![], None));
}

#[test]
fn corrupt_evidence_is_survived() {
    let slot = Trace { nargs: u32::MAX, sample_len: u32::MAX, nr: u32::MAX, ..request(u64::MAX, 1, 2) };
    let witnesses = [witness(&[slot]), witness(&[request(u64::MAX, 2, 2)])];
    let judgement = judge(&fault(99, u64::MAX), &witnesses);
    assert_eq!(judgement.kind, "unknown");
}

#[test]
fn lists_read_well() {
    assert_eq!((list(&[]), list(&[1]), list(&[0, 2])), (String::new(), "1".into(), "0 and 2".into()));
    assert_eq!(list(&[0, 1, 2]), "0, 1 and 2");
}

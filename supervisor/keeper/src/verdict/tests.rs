//! The verdict on made-up evidence.

use super::{judge as judge_with, *};
use crate::areas::Fault;
use rcb_abi::segment::phase;

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

fn witness(trace: Vec<Trace>) -> Witness {
    Witness {
        pid: 1,
        cpu: 0,
        phase: phase::PARKED,
        seq: trace.last().map_or(0, |slot| slot.seq),
        trace,
        regs: Regs::default(),
        fault: Fault::default(),
        end: None,
    }
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
    let judgement = judge(&fault(kind::MISMATCH, 3), &[witness(good), witness(bad)]);
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
    let good = || witness(vec![request(7, 10, 4)]);
    let judgement = judge(&fault(kind::MISMATCH, 7), &[good(), witness(vec![request(7, 11, 4)]), good()]);
    assert_eq!(judgement.blamed, [1]);
    assert_eq!(judgement.headline, "replica 1 disagrees with the majority at call 7 (write)");
}

#[test]
fn three_opinions_blame_nobody() {
    let witnesses = [10, 11, 12].map(|chain| witness(vec![request(7, chain, 4)]));
    assert!(judge(&fault(kind::MISMATCH, 7), &witnesses).blamed.is_empty());
}

#[test]
fn registers_count_when_all_stand_at_the_call() {
    let mut left = witness(vec![request(7, 10, 4)]);
    let mut right = witness(vec![request(7, 11, 4)]);
    (left.trace[0].input, right.trace[0].input) = (0, 0);
    right.regs.rbx = 32;
    let cause = fault(kind::MISMATCH, 7);
    let judgement = judge(&cause, &[left.clone(), right.clone()]);
    assert_eq!(judgement.differences.len(), 1);
    assert_eq!(judgement.differences[0].what, "register rbx");
    assert!(judgement.notes.is_empty());
    // One has gone on: its registers are those of a later call.
    left.trace.push(request(8, 20, 1));
    left.seq = 8;
    let judgement = judge(&cause, &[left, right]);
    assert!(judgement.differences.is_empty() && judgement.notes.len() == 1);
}

#[test]
fn a_different_result_before_is_shown() {
    let mut bad = vec![request(6, 5, 4), request(7, 11, 4)];
    bad[0].result = (-2i64) as u64;
    let witnesses = [witness(vec![request(6, 5, 4), request(7, 10, 4)]), witness(bad)];
    let judgement = judge(&fault(kind::MISMATCH, 7), &witnesses);
    let before =
        judgement.differences.iter().find(|difference| difference.what.starts_with("result of the call before"));
    let values = &before.expect("listed").values;
    assert_eq!(values[0].as_deref(), Some("0x4"));
    assert!(values[1].as_deref().is_some_and(|text| text.contains("ENOENT")), "{values:?}");
}

#[test]
fn deaths_and_silence_name_the_replica() {
    let witnesses = [witness(vec![]), witness(vec![])];
    let died = judge(&Cause::Died { replica: 1, end: End::Signal(libc::SIGKILL) }, &witnesses);
    assert_eq!((died.blamed, died.seq), (vec![1], None));
    assert_eq!(died.headline, "replica 1 was killed by SIGKILL without agreement");
    let silent = judge(&Cause::Silent { replica: 0, waiting: 1 }, &witnesses);
    assert_eq!((silent.blamed, silent.kind), (vec![0], "silent"));
}

#[test]
fn a_deadlock_after_a_difference_is_a_disagreement() {
    let good = || witness(vec![request(7, 10, 4)]);
    let apart = judge(&Cause::Deadlock, &[good(), good(), witness(vec![request(7, 11, 4)])]);
    assert_eq!((apart.kind, apart.blamed), ("mismatch", vec![2]));
    let equal = judge(&Cause::Deadlock, &[good(), good()]);
    assert_eq!((equal.kind, equal.blamed, equal.seq), ("deadlock", vec![], None));
}

#[test]
fn unreadable_words_are_their_writers_fault_if_two_say_so() {
    let mut accuser = witness(vec![]);
    accuser.fault = Fault { kind: kind::PAYLOAD, peer: 1, ..Fault::default() };
    let cause = fault(kind::PAYLOAD, 3);
    let one = judge(&cause, &[accuser.clone(), witness(vec![]), witness(vec![])]);
    assert!(one.blamed.is_empty());
    let two = judge(&cause, &[accuser.clone(), witness(vec![]), accuser]);
    assert_eq!(two.blamed, [1]);
}

#[test]
fn corrupt_evidence_is_survived() {
    let mut slot = request(u64::MAX, 1, 2);
    (slot.nargs, slot.sample_len, slot.nr) = (u32::MAX, u32::MAX, u32::MAX);
    let witnesses = [witness(vec![slot]), witness(vec![request(u64::MAX, 2, 2)])];
    let judgement = judge(&fault(99, u64::MAX), &witnesses);
    assert_eq!(judgement.kind, "unknown");
}

#[test]
fn lists_read_well() {
    assert_eq!((list(&[]), list(&[1]), list(&[0, 2])), (String::new(), "1".into(), "0 and 2".into()));
    assert_eq!(list(&[0, 1, 2]), "0, 1 and 2");
}

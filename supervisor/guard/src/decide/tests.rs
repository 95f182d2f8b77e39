//! Verdicts on made-up statements.

#![allow(clippy::large_stack_arrays, reason = "tests may use some of the stack")]

extern crate std;

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

mod accusations;

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

/// A statement with something changed.
fn with(mut statement: Statement, change: impl FnOnce(&mut Statement)) -> Statement {
    change(&mut statement);
    statement
}

fn judge(cause: &Cause, statements: &[Statement]) -> Verdict {
    decide(cause, &statements.iter().collect::<Vec<_>>())
}

fn blamed(cause: &Cause, statements: &[Statement]) -> Vec<usize> {
    judge(cause, statements).blamed.iter().collect()
}

fn fault(kind: u32, seq: u64) -> Cause {
    Cause::Fault { observer: 0, fault: Fault { kind, seq, peer: 1, ..Fault::default() } }
}

const MISMATCH: u32 = kind::MISMATCH;

#[test]
fn the_first_difference_is_the_place() {
    let good = Statement::of(&[request(1, 10, 4), request(2, 20, 5), request(3, 30, 6)]);
    let bad = Statement::of(&[request(1, 10, 4), request(2, 21, 7), request(3, 31, 6)]);
    let verdict = judge(&fault(MISMATCH, 3), &[good, bad]);
    assert_eq!((verdict.place, verdict.seq), (Some(2), Some(2)));
    assert_eq!((verdict.blamed, verdict.ground), (Replicas::NONE, Ground::Nothing));
}

#[test]
fn three_tell_who_is_wrong() {
    let good = Statement::of(&[request(7, 10, 4)]);
    let bad = Statement::of(&[request(7, 11, 4)]);
    let verdict = judge(&fault(MISMATCH, 7), &[good, bad, good]);
    assert_eq!((verdict.blamed, verdict.ground), (Replicas::one(1), Ground::Majority));
    // An argument alone, if the chain does not show it.
    let other = Statement::of(&[request(7, 10, 5)]);
    assert_eq!(blamed(&fault(MISMATCH, 7), &[good, good, other]), [2]);
}

#[test]
fn three_opinions_blame_nobody() {
    let statements = [10, 11, 12].map(|chain| Statement::of(&[request(7, chain, 4)]));
    assert!(blamed(&fault(MISMATCH, 7), &statements).is_empty());
}

#[test]
fn who_comes_late_is_not_blamed_beside_one_who_differs() {
    let good = Statement::of(&[request(7, 10, 4)]);
    let bad = Statement::of(&[request(7, 11, 4)]);
    let late = Statement::of(&[request(6, 9, 4)]);
    assert_eq!(blamed(&fault(MISMATCH, 7), &[good, good, good, bad, late]), [3]);
    // Two against one that is not there is no majority of four.
    assert!(blamed(&fault(MISMATCH, 7), &[good, good, bad, late]).is_empty());
}

#[test]
fn a_number_that_jumps_is_seen() {
    let good = Statement::of(&[request(7, 10, 4)]);
    // The head was hit: nothing in its ring belongs to that number.
    let jumped = with(Statement::EMPTY, |it| (it.seq, it.phase) = (7 | 1 << 40, phase::PARKED));
    assert_eq!(blamed(&fault(MISMATCH, 7), &[good, jumped, good]), [1]);
    assert!(blamed(&fault(MISMATCH, 7), &[good, jumped]).is_empty());
}

#[test]
fn a_head_against_its_own_trace_tells_even_two() {
    let good = Statement::of(&[request(7, 10, 4)]);
    let torn = with(good, |it| it.chain = 11);
    let verdict = judge(&fault(MISMATCH, 7), &[good, torn]);
    assert_eq!((verdict.blamed, verdict.ground), (Replicas::one(1), Ground::Contradiction));
    // Somebody who runs may be about to show the next chain.
    let running = with(torn, |it| it.phase = phase::RUN);
    assert!(blamed(&fault(MISMATCH, 7), &[good, running]).is_empty());
    assert!(blamed(&fault(MISMATCH, 7), &[torn, torn]).is_empty());
}

#[test]
fn deeds_name_the_replica() {
    let pair = [Statement::EMPTY; 2];
    assert_eq!(blamed(&Cause::Died { replica: 1, end: End::Signal(9) }, &pair), [1]);
    assert_eq!(blamed(&Cause::NotEnded { replica: 0 }, &pair), [0]);
    assert_eq!(blamed(&fault(kind::AGENT_PANIC, 0), &pair), [0]);
    assert_eq!(blamed(&fault(kind::BUFFER, 0), &pair), [0]);
    let silent = |stopped| Cause::Silent { replica: 0, waiting: 1, stopped };
    assert_eq!(blamed(&silent(false), &pair), [0]);
    assert_eq!(judge(&silent(true), &pair).ground, Ground::Deed);
}

#[test]
fn a_difference_tells_more_than_silence_but_not_than_a_stop() {
    let good = Statement::of(&[request(7, 10, 4)]);
    let bad = Statement::of(&[request(7, 11, 4)]);
    let silent = |stopped| Cause::Silent { replica: 0, waiting: 1, stopped };
    assert_eq!(blamed(&silent(false), &[good, bad, good]), [1]);
    assert!(blamed(&silent(false), &[good, bad]).is_empty());
    assert_eq!(blamed(&silent(true), &[good, bad, good]), [0]);
}

#[test]
fn silence_is_no_deed_of_one_whom_the_majority_accompanies() {
    let on_its_way = with(Statement::of(&[request(7, 10, 4)]), |it| it.phase = phase::RUN);
    let waits = with(Statement::of(&[request(7, 10, 4), request(8, 12, 4)]), |it| it.phase = phase::WAIT_REQUEST);
    let silent = Cause::Silent { replica: 0, waiting: 2, stopped: false };
    assert!(blamed(&silent, &[on_its_way, on_its_way, waits]).is_empty());
    assert_eq!(blamed(&silent, &[on_its_way, waits, waits]), [0]);
    // Those who wait for its answer to the same request do not accompany it.
    let waits_here = with(on_its_way, |it| it.phase = phase::WAIT_RESULT);
    assert_eq!(blamed(&silent, &[on_its_way, waits_here, waits_here]), [0]);
}

#[test]
fn all_waiting_for_each_other_is_judged_by_traces_then_by_numbers() {
    let good = Statement::of(&[request(7, 10, 4)]);
    let ahead = Statement::of(&[request(7, 10, 4), request(8, 12, 4)]);
    assert_eq!(blamed(&Cause::Deadlock, &[good, good, Statement::of(&[request(7, 11, 4)])]), [2]);
    assert_eq!(blamed(&Cause::Deadlock, &[ahead, good, ahead]), [1]);
    let verdict = judge(&Cause::Deadlock, &[good, good]);
    assert_eq!((verdict.seq, verdict.ground), (None, Ground::Nothing));
    assert!(blamed(&Cause::Deadlock, &[good, ahead]).is_empty());
}

#[test]
fn unreadable_words_are_their_writers_fault_if_most_say_so() {
    let accuser = with(Statement::EMPTY, |it| (it.fault.kind, it.fault.peer) = (kind::PAYLOAD, 1));
    let cause = fault(kind::PAYLOAD, 3);
    assert!(blamed(&cause, &[accuser, Statement::EMPTY, Statement::EMPTY]).is_empty());
    let verdict = judge(&cause, &[accuser, Statement::EMPTY, accuser]);
    assert_eq!((verdict.blamed, verdict.ground), (Replicas::one(1), Ground::Accusation));
}

#[test]
fn waits_end_when_the_words_are_there() {
    for (peer_seq, answered, request, result) in
        [(4, 0, false, false), (5, 4, true, false), (5, 5, true, true), (6, 0, true, true)]
    {
        assert_eq!(is_served(phase::WAIT_REQUEST, 5, peer_seq, answered), request);
        assert_eq!(is_served(phase::WAIT_RESULT, 5, peer_seq, answered), result);
        assert!(!is_served(phase::BLOCKED, 5, peer_seq, answered));
    }
}

fn any_cause() -> impl Strategy<Value = Cause> {
    let number = prop_oneof![0usize..9, any::<usize>()];
    let a_fault = (number.clone(), 0u32..11, any::<u32>(), prop_oneof![0u64..4, any::<u64>()]);
    prop_oneof![
        a_fault.prop_map(|(observer, kind, peer, seq)| Cause::Fault {
            observer,
            fault: Fault { kind, peer, seq, ..Fault::default() },
        }),
        number.clone().prop_map(|replica| Cause::Died { replica, end: End::Exit(0) }),
        (number.clone(), any::<bool>()).prop_map(|(replica, stopped)| Cause::Silent { replica, waiting: 0, stopped }),
        number.prop_map(|replica| Cause::Astray { replica, waiting: 0 }),
        Just(Cause::Deadlock),
    ]
}

fn any_statement() -> impl Strategy<Value = Statement> {
    let slot = (1u64..4, 0u64..3, any::<u32>()).prop_map(|(seq, chain, nargs)| {
        let mut slot = request(seq, chain, 4);
        slot.nargs = nargs;
        slot
    });
    let words = (0u32..11, 0u32..4, 0u64..4, 0u64..3);
    let answer = (0u64..5, 0u64..3);
    (prop::collection::vec(slot, 0..4), 0u64..5, 0u32..8, words, answer).prop_map(
        |(slots, head, phase, (kind, peer, seq, own_chain), (answered, chain))| {
            with(Statement::of(&slots).answering(answered, chain), |it| {
                (it.seq, it.phase) = (it.seq.max(head), phase);
                it.fault = Fault { kind, peer, seq, own_chain, ..Fault::default() };
            })
        },
    )
}

proptest! {
    #[test]
    fn every_input_has_a_verdict(cause in any_cause(), statements in prop::collection::vec(any_statement(), 0..12)) {
        let verdict = judge(&cause, &statements);
        prop_assert_eq!(verdict.blamed.is_empty(), verdict.ground == Ground::Nothing);
    }

    #[test]
    fn what_any_replica_says_has_a_verdict(statements in prop::collection::vec(any_statement(), 1..9), which in any::<prop::sample::Index>()) {
        let observer = which.index(statements.len());
        let cause = Cause::Fault { observer, fault: statements[observer].fault };
        let verdict = judge(&cause, &statements);
        prop_assert_eq!(verdict.blamed.is_empty(), verdict.ground == Ground::Nothing);
        prop_assert!(verdict.blamed.iter().all(|replica| replica < statements.len()));
        // One word against another is not enough, and nobody is refuted by fewer than two.
        if verdict.ground == Ground::Refuted {
            prop_assert!(statements.len() > 2 && verdict.blamed == Replicas::one(observer) && verdict.place.is_none());
        }
    }

    #[test]
    fn one_that_differs_from_two_or_more_equals_is_found(
        count in 3usize..9, bad in any::<prop::sample::Index>(), seq in 1u64..1000, bit in 0u32..64,
    ) {
        let bad = bad.index(count);
        let mut statements = std::vec![Statement::of(&[request(seq, 10, 4)]); count];
        statements[bad] = Statement::of(&[request(seq, 0xa ^ 1 << bit, 4)]);
        for cause in [fault(MISMATCH, seq), Cause::Deadlock] {
            prop_assert_eq!(blamed(&cause, &statements), [bad]);
        }
    }

    #[test]
    fn two_that_differ_blame_nobody(chains in any::<(u64, u64)>(), seq in 1u64..1000) {
        let pair = [chains.0, chains.1].map(|chain| Statement::of(&[request(seq, chain, 4)]));
        prop_assert!(blamed(&fault(MISMATCH, seq), &pair).is_empty());
        prop_assert!(blamed(&Cause::Deadlock, &pair).is_empty());
    }
}

//! Accusations while all traces agree: which hold, which fall back on the observer.

use super::*;

/// What replica 0 says when it takes request 7 of replica 1 for another one.
fn says(kind: u32, peer_chain: u64) -> Fault {
    Fault { kind, peer: 1, seq: 7, own_chain: 10, peer_chain, ..Fault::default() }
}

/// Replica 0 says so, and the others are as they are.
fn accused_by(said: Fault, others: &[Statement]) -> Verdict {
    let own = with(Statement::of(&[request(7, 10, 4)]), |it| it.fault = said);
    let statements: Vec<_> = core::iter::once(own).chain(others.iter().copied()).collect();
    judge(&Cause::Fault { observer: 0, fault: said }, &statements)
}

fn found(verdict: Verdict) -> (Vec<usize>, Ground) {
    (verdict.blamed.iter().collect(), verdict.ground)
}

#[test]
fn a_lone_accusation_that_all_refute_falls_back() {
    let here = with(Statement::of(&[request(7, 10, 4)]), |it| it.phase = phase::WAIT_RESULT);
    let further = Statement::of(&[request(7, 10, 4), request(8, 12, 4)]);
    let said = says(MISMATCH, 11);
    let refuted = (std::vec![0], Ground::Refuted);
    assert_eq!(found(accused_by(said, &[here, here])), refuted);
    // The accused is the leader, whose answer is there and right; the other one has or has not taken it yet.
    assert_eq!(found(accused_by(said, &[further.answering(7, 10), here])), refuted);
    assert_eq!(found(accused_by(said, &[further.answering(7, 10), further])), refuted);
    // All others think that this request needs no answer.
    assert_eq!(found(accused_by(said, &[further, further])), refuted);
    // It accuses nobody that is there, or itself.
    for peer in [0, 3, u32::MAX] {
        assert_eq!(found(accused_by(Fault { peer, ..said }, &[here, here])), refuted);
    }
    // Two cannot tell.
    assert_eq!(found(accused_by(said, &[here])), (std::vec![], Ground::Nothing));
}

#[test]
fn an_accusation_stands_as_long_as_something_may_show_it() {
    let here = with(Statement::of(&[request(7, 10, 4)]), |it| it.phase = phase::RUN);
    let further = Statement::of(&[request(7, 10, 4), request(8, 12, 4)]);
    let late = Statement::of(&[request(6, 9, 4)]);
    let said = says(MISMATCH, 11);
    let nobody = (std::vec![], Ground::Nothing);
    // The head may be what the observer has seen, or is about to be posted.
    let other_head = with(here, |it| it.chain = 11);
    assert_eq!(found(accused_by(said, &[other_head, here])), nobody);
    // The accused has gone on without an answer, and the third may be about to, or to complain.
    assert_eq!(found(accused_by(said, &[further, here])), nobody);
    assert_eq!(found(accused_by(said, &[here, late])), nobody);
    // Somebody else complains, too.
    let complains = with(here, |it| it.fault = Fault { peer: 0, ..said });
    assert_eq!(found(accused_by(said, &[here, complains])), nobody);
    // It has taken its words back.
    let statements = [here; 3];
    assert_eq!(found(judge(&Cause::Fault { observer: 0, fault: said }, &statements)), nobody);
}

#[test]
fn an_answer_that_never_came_is_missed_by_a_majority() {
    let skipped = with(Statement::of(&[request(7, 10, 4), request(8, 12, 4)]), |it| it.phase = phase::WAIT_REQUEST);
    let waits = with(Statement::of(&[request(7, 10, 4)]), |it| it.phase = phase::WAIT_RESULT);
    let said = says(MISMATCH, 12);
    let missed = (std::vec![1], Ground::Accusation);
    assert_eq!(found(accused_by(said, &[skipped, waits])), missed);
    let complains = with(waits, |it| (it.phase, it.fault) = (phase::PARKED, said));
    assert_eq!(found(accused_by(said, &[skipped, complains])), missed);
    // Of two each may be the one that is wrong.
    assert_eq!(found(accused_by(said, &[skipped])), (std::vec![], Ground::Nothing));
    // The observer itself has answered: who has gone on had reason to.
    let own = with(waits, |it| it.fault = said).answering(7, 10);
    let verdict = judge(&Cause::Fault { observer: 0, fault: said }, &[own, skipped, waits]);
    assert_eq!(found(verdict), (std::vec![], Ground::Nothing));
}

#[test]
fn words_against_their_own_trace_tell_even_two() {
    let here = with(Statement::of(&[request(7, 10, 4)]), |it| it.phase = phase::WAIT_RESULT);
    // The answer is not what the accused has posted.
    let further = Statement::of(&[request(7, 10, 4), request(8, 12, 4)]).answering(7, 11);
    let said = says(MISMATCH, 11);
    for others in [&[further, here][..], &[further]] {
        assert_eq!(found(accused_by(said, others)), (std::vec![1], Ground::Contradiction));
    }
    // What the observer has compared is not what it has posted, or another number.
    for said in [Fault { own_chain: 11, ..said }, Fault { seq: 6, ..said }] {
        for others in [&[here, here][..], &[here]] {
            assert_eq!(found(accused_by(said, others)), (std::vec![0], Ground::Contradiction));
        }
    }
}

#[test]
fn what_all_others_can_read_is_readable() {
    let leader = Statement::of(&[request(7, 10, 4), request(8, 12, 4)]).answering(7, 10);
    let waits = with(Statement::of(&[request(7, 10, 4)]), |it| it.phase = phase::WAIT_RESULT);
    for kind in [kind::PAYLOAD, kind::LOG] {
        let said = says(kind, 0);
        assert_eq!(found(accused_by(said, &[leader, leader])), (std::vec![0], Ground::Refuted));
        assert_eq!(found(accused_by(said, &[leader, waits])), (std::vec![], Ground::Nothing));
        assert_eq!(found(accused_by(said, &[leader])), (std::vec![], Ground::Nothing));
        let complains = with(waits, |it| it.fault = said);
        assert_eq!(found(accused_by(said, &[leader, complains])), (std::vec![1], Ground::Accusation));
        // Of nobody else: what the leader says of itself is no accusation.
        let said = Fault { peer: u32::MAX, ..said };
        assert_eq!(found(accused_by(said, &[leader, leader])), (std::vec![], Ground::Nothing));
    }
}

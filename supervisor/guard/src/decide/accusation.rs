//! What an accusation is worth when the traces of all agree.
//!
//! The observer stands, its peers may have moved on, and we look later than it did. What lasts until then: requests in the
//! trace and answers, which nobody overwrites before the observer has gone on; the head of a peer that is still at the
//! request. So an accusation holds if one of these shows what it says, and is refuted if all of them show the contrary.
//! Where the head has moved on, the others decide by what they did: who has gone on agreed, who waits for an answer missed it.
//!
//! LIMIT: a word that changed after others had read it rightly, or changed back, speaks against the observer. Then a replica is
//! replaced that need not be, by a copy of one with which a majority agrees.

use super::Ground;
use crate::inbox::{Fault, Statement};
use crate::replicas::Replicas;
use rcb_abi::fault::kind;
use rcb_abi::segment::phase;

const NOBODY: (Replicas, Ground) = (Replicas::NONE, Ground::Nothing);

/// Weighs the words that a peer has made another request, or has not answered this one.
pub(super) fn different(observer: usize, fault: &Fault, statements: &[&Statement]) -> (Replicas, Ground) {
    let seq = fault.seq;
    let Some(own) = statements.get(observer).filter(|own| own.fault == *fault) else { return NOBODY };
    // What it compared is not what it had posted.
    if own.seq != seq || own.request(seq).is_none_or(|slot| slot.chain != fault.own_chain) {
        return (Replicas::one(observer), Ground::Contradiction);
    }
    let Some(accused) = peer(observer, fault, statements) else { return refuted(observer, seq, statements, true) };
    let posted = accused.request(seq).map(|slot| slot.chain);
    let answered = accused.answer(seq);
    if answered.is_some() && posted.is_some() && answered != posted {
        return (Replicas::one(fault.peer as usize), Ground::Contradiction);
    }
    let has_passed = accused.seq > seq;
    let misses = |replica: usize| {
        let said = statements[replica];
        replica == observer || (said.seq == seq && (said.phase == phase::WAIT_RESULT || accuses(said, fault)))
    };
    let missing = Replicas::which(statements.len(), misses);
    let is_unanswered = statements.iter().all(|said| said.answer(seq).is_none());
    if has_passed && is_unanswered && missing.len() * 2 > statements.len() {
        return (Replicas::one(fault.peer as usize), Ground::Accusation);
    }
    let all_have_passed = others(observer, statements).all(|other| statements[other].seq > seq);
    let shows_it = accused.seq == seq && accused.chain != fault.own_chain;
    refuted(observer, seq, statements, !shows_it && (!has_passed || answered.is_some() || all_have_passed))
}

/// Weighs the words that an answer of a peer cannot be read.
pub(super) fn unreadable(observer: usize, fault: &Fault, statements: &[&Statement]) -> (Replicas, Ground) {
    let is_said = statements.get(observer).is_some_and(|own| own.fault == *fault && own.seq == fault.seq);
    let is_about_one = peer(observer, fault, statements).is_some();
    let mut readers = others(observer, statements).filter(|other| *other != fault.peer as usize);
    let was_read = readers.all(|other| statements[other].seq > fault.seq);
    refuted(observer, fault.seq, statements, is_said && is_about_one && was_read)
}

/// The observer is wrong, if this holds, and two or more others have made the same request and complain of nothing.
fn refuted(observer: usize, seq: u64, statements: &[&Statement], holds: bool) -> (Replicas, Ground) {
    let agrees = |replica: usize| {
        let complains = matches!(statements[replica].fault.kind, kind::MISMATCH | kind::PAYLOAD | kind::LOG);
        statements[replica].request(seq).is_some() && (replica == observer || !complains)
    };
    let is_refuted = holds && statements.len() > 2 && (0..statements.len()).all(agrees);
    if is_refuted { (Replicas::one(observer), Ground::Refuted) } else { NOBODY }
}

fn others(observer: usize, statements: &[&Statement]) -> impl Iterator<Item = usize> {
    (0..statements.len()).filter(move |replica| *replica != observer)
}

/// The accused, if there is such a peer.
fn peer<'a>(observer: usize, fault: &Fault, statements: &[&'a Statement]) -> Option<&'a Statement> {
    statements.get(fault.peer as usize).filter(|_| fault.peer as usize != observer).copied()
}

/// Whether somebody says the same.
fn accuses(said: &Statement, fault: &Fault) -> bool {
    (said.fault.kind, said.fault.peer, said.fault.seq) == (fault.kind, fault.peer, fault.seq)
}

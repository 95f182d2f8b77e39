//! Who is to blame, and whether a replacement could help.

use crate::evidence::{self, Witness};
use crate::tree::Watched;
use crate::verdict::{self, Judgement};
use crate::{memory, names};
use rcb_abi::fault::{buffer, kind};
use rcb_guard::{Cause, Fault, Ground};
use std::time::{Duration, Instant};

/// Whether no replacement could help: the set never was whole, or wrong bytes may have left.
pub fn is_beyond_repair(fault: &Fault) -> bool {
    match fault.kind {
        kind::BUFFER => fault.detail == buffer::AFTER,
        other => matches!(other, kind::BOOT | kind::HEAL | kind::MIRROR),
    }
}

/// Whether a leader in which nobody can trust may have performed this request, by the latest answer in its place and by what
/// the leader has begun: the answer is lost, and so is what it told of the world. Its own account would not tell, because it
/// may have entered the result already.
pub(super) fn is_lost(ground: Ground, seq: Option<u64>, answered: impl Fn(u64) -> u64, begun: u64) -> bool {
    let is_answered = |seq: u64| answered(seq) >= seq;
    match ground {
        // It may have performed this one, told nobody, and begun a later one.
        Ground::Accusation | Ground::Refuted => seq.is_none_or(|seq| is_answered(seq) || begun >= seq),
        Ground::Contradiction => seq.is_some_and(is_answered),
        Ground::Deed | Ground::Majority | Ground::Nothing => false,
    }
}

/// How long one that accuses a peer alone waits for others to say the same, or the contrary.
const LISTENING: Duration = Duration::from_millis(100);
/// Between two looks meanwhile.
const LOOK: Duration = Duration::from_micros(500);

/// The verdict, as soon as two looks say the same: some replicas may still move, and others are about to say something.
pub fn judged(watched: &Watched<'_>, cause: &Cause) -> Option<(Judgement, Ground, Vec<Witness>)> {
    let mut before: Option<Vec<usize>> = None;
    let is_accusation = matches!(cause, Cause::Fault { fault, .. } if fault.kind == kind::MISMATCH);
    let until = Instant::now() + LISTENING;
    let mut looks = 0;
    while looks < 5 {
        let witnesses = evidence::collect(&watched.group, &watched.ends, &watched.cpus);
        let statements: Vec<_> = witnesses.iter().map(|witness| &witness.said).collect();
        let rcb_guard::Verdict { ground, place, .. } = rcb_guard::decide(cause, &statements);
        let is_open = is_accusation && place.is_none() && ground == Ground::Nothing && statements.len() > 2;
        if is_open && Instant::now() < until {
            std::thread::sleep(LOOK);
            continue;
        }
        looks += 1;
        let judgement = verdict::judge(cause, &witnesses, &|replica: usize, slot, result| {
            let witness: &Witness = &witnesses[replica];
            let is_there = witness.said.seq == slot.seq && witness.end.is_none();
            names::request(slot, result, &|address, bytes| {
                is_there.then(|| memory::read_all(witness.pid, address, bytes)).flatten()
            })
        });
        if before.as_ref() == Some(&judgement.blamed) {
            return Some((judgement, ground, witnesses));
        }
        before = Some(judgement.blamed);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mad_leader_may_have_performed_is_lost() {
        let none = |_| 0;
        for ground in [Ground::Accusation, Ground::Refuted] {
            assert!(!is_lost(ground, Some(7), none, 6), "it has gone past it, or never came to it");
            assert!(is_lost(ground, Some(7), none, 7) && is_lost(ground, Some(7), none, 8));
            assert!(is_lost(ground, Some(7), |seq| seq, 6) && is_lost(ground, None, none, 0));
        }
        assert!(is_lost(Ground::Contradiction, Some(7), |_| 71, 0));
        // Who begins it again sees by the kernel's account what became of it.
        assert!(!is_lost(Ground::Contradiction, Some(7), none, 7) && !is_lost(Ground::Contradiction, None, none, 7));
        assert!(!is_lost(Ground::Majority, Some(7), |seq| seq, 7));
    }
}

//! Who is to blame, as a function of the cause and the statements of all replicas.
//!
//! The requests of all replicas are laid side by side; the first number at which they differ is the place. There the
//! majority decides. What can be blamed without a majority:
//!
//! - a deed of one replica: it died, was stopped, let others wait, its agent was hit, or its bytes changed after all had
//!   agreed on them;
//! - words that contradict each other: a head with another chain than its own trace;
//! - accusations by a majority: words that nobody else can read, an answer that never came;
//! - an accusation that all others refute (`accusation`).
//!
//! Otherwise nobody is blamed: two replicas that differ cannot tell which of them is wrong.

use crate::inbox::{Fault, Statement};
use crate::replicas::Replicas;
use rcb_abi::MAX_REPLICAS;
use rcb_abi::fault::kind;
use rcb_abi::segment::{Trace, phase};
use rcb_vote::digest;
use rcb_vote::majority::{Vote, vote};

mod accusation;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By exit with this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

/// Why a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A replica recorded a fault.
    Fault {
        /// Which replica saw it.
        observer: usize,
        /// What it recorded.
        fault: Fault,
    },
    /// A replica died without agreement.
    Died {
        /// Which.
        replica: usize,
        /// How.
        end: End,
    },
    /// A replica did not arrive where another one waits for it.
    Silent {
        /// Which.
        replica: usize,
        /// Who waits; the replica itself if it does not go on although it could.
        waiting: usize,
        /// Whether it was stopped from outside.
        stopped: bool,
    },
    /// A replica computes for far longer than the majority has for the same step, by their CPU time.
    Astray {
        /// Which.
        replica: usize,
        /// Who waits.
        waiting: usize,
    },
    /// A replica agreed to end and did not.
    NotEnded {
        /// Which.
        replica: usize,
    },
    /// All wait for each other.
    Deadlock,
    /// Their memory differs, seen while all stood at the same request, and no majority says who is right.
    Memory {
        /// Where.
        address: u64,
    },
}

/// What the blame rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// What the replica did, or failed to do.
    Deed,
    /// The majority made another request.
    Majority,
    /// Its own words contradict each other.
    Contradiction,
    /// The majority cannot read its words, or has waited in vain for them.
    Accusation,
    /// It accuses a peer of what the words of all others refute.
    Refuted,
    /// Nothing: nobody is blamed.
    Nothing,
}

/// Who is wrong, where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The first request at which statements differ.
    pub place: Option<u64>,
    /// The request to look at: the place, or where a fault was seen.
    pub seq: Option<u64>,
    /// Replicas to blame.
    pub blamed: Replicas,
    /// Why.
    pub ground: Ground,
}

/// Decides. At most [`MAX_REPLICAS`] statements are looked at.
pub fn decide(cause: &Cause, statements: &[&Statement]) -> Verdict {
    let statements = &statements[..statements.len().min(MAX_REPLICAS)];
    let place = first_difference(statements);
    let seq = place.or(match cause {
        Cause::Fault { fault, .. } => Some(fault.seq).filter(|seq| *seq > 0),
        _ => None,
    });
    let (blamed, ground) = blame(cause, place, statements);
    let ground = if blamed.is_empty() { Ground::Nothing } else { ground };
    Verdict { place, seq, blamed, ground }
}

/// Whether what a replica waits for is there, by its own phase and latest request, the latest request of the peer it
/// waits for, and the answer in the peer's slot for it. Somebody who still waits then does not run.
pub const fn is_served(own_phase: u32, own_seq: u64, peer_seq: u64, answered: u64) -> bool {
    match own_phase {
        phase::WAIT_REQUEST => peer_seq >= own_seq,
        phase::WAIT_RESULT => peer_seq > own_seq || answered >= own_seq,
        _ => false,
    }
}

fn blame(cause: &Cause, place: Option<u64>, statements: &[&Statement]) -> (Replicas, Ground) {
    match cause {
        Cause::Died { replica, .. } | Cause::NotEnded { replica } | Cause::Silent { replica, stopped: true, .. } => {
            (Replicas::one(*replica), Ground::Deed)
        }
        // Whoever waits may have gone astray, and the silent one be right: a difference tells more than silence.
        Cause::Silent { replica, .. } | Cause::Astray { replica, .. } => match place {
            Some(_) => disagreeing(place, statements),
            None if most_are_with(*replica, statements) => (Replicas::NONE, Ground::Nothing),
            None => (Replicas::one(*replica), Ground::Deed),
        },
        Cause::Memory { .. } => (Replicas::NONE, Ground::Nothing),
        Cause::Deadlock => or_else(disagreeing(place, statements), || {
            // With equal traces, whoever stands at another number than most.
            let heads = |replica: usize| Some(statements[replica].seq);
            (minority(statements.len(), heads), Ground::Majority)
        }),
        Cause::Fault { observer, fault } => match fault.kind {
            kind::AGENT_EXCEPTION | kind::AGENT_PANIC | kind::AGENT_CHECK | kind::BUFFER => {
                (Replicas::one(*observer), Ground::Deed)
            }
            kind::RESULT => {
                let results = |replica: usize| statements[replica].request(fault.seq).map(|slot| slot.result);
                (minority(statements.len(), results), Ground::Majority)
            }
            kind::PAYLOAD | kind::LOG => match accused(fault.peer, statements) {
                Replicas::NONE if place.is_none() => accusation::unreadable(*observer, fault, statements),
                accused => (accused, Ground::Accusation),
            },
            kind::MISMATCH => or_else(disagreeing(place, statements), || match missing(fault.seq, statements) {
                Replicas::NONE => accusation::different(*observer, fault, statements),
                missing => (missing, Ground::Majority),
            }),
            _ => or_else(disagreeing(place, statements), || (missing(fault.seq, statements), Ground::Majority)),
        },
    }
}

/// Whether more than half of all are on their way behind the same request as this one: then it is as likely that
/// whoever waits came too early.
fn most_are_with(replica: usize, statements: &[&Statement]) -> bool {
    let is_with = |it: &&&Statement| it.seq == statements[replica].seq && it.phase == phase::RUN;
    replica < statements.len() && statements.iter().filter(is_with).count() * 2 > statements.len()
}

fn or_else(first: (Replicas, Ground), second: impl FnOnce() -> (Replicas, Ground)) -> (Replicas, Ground) {
    if first.0.is_empty() && first.1 == Ground::Contradiction { second() } else { first }
}

/// Who made another request than the majority; without a place, whose words contradict each other.
fn disagreeing(place: Option<u64>, statements: &[&Statement]) -> (Replicas, Ground) {
    match place {
        Some(seq) => {
            let digests = |replica: usize| statements[replica].request(seq).map(digest_of);
            (minority(statements.len(), digests), Ground::Majority)
        }
        None => (contradicting(statements), Ground::Contradiction),
    }
}

/// The first number at which two replicas that both made the request differ in it.
fn first_difference(statements: &[&Statement]) -> Option<u64> {
    let differs = |own: &Trace| {
        let others = statements.iter().filter_map(|other| other.request(own.seq));
        others.into_iter().any(|other| digest_of(own) != digest_of(other))
    };
    let requests = statements.iter().flat_map(|statement| statement.requests());
    requests.filter(|own| differs(own)).map(|own| own.seq).min()
}

/// One word for everything that is compared of a request: the chain covers it all, unless the chain itself was hit.
fn digest_of(slot: &Trace) -> u64 {
    let mut words = [0; 16];
    (words[0], words[1]) = (u64::from(slot.nr), u64::from(slot.nargs));
    let count = (slot.nargs as usize).min(slot.args.len());
    words[2..2 + count].copy_from_slice(&slot.args[..count]);
    digest::chain_request(slot.chain, &words)
}

/// Who differs from a majority of all. Somebody who has said nothing counts against it, but is blamed only if nobody
/// has said something else: coming late is no crime.
fn minority(count: usize, value: impl Fn(usize) -> Option<u64>) -> Replicas {
    let mut values = [None; MAX_REPLICAS];
    let count = count.min(MAX_REPLICAS);
    for (replica, place) in values[..count].iter_mut().enumerate() {
        *place = value(replica);
    }
    match vote(&values[..count]) {
        Vote::Majority { blamed } => {
            let blamed = Replicas::from_bits(blamed);
            let said = blamed.and(Replicas::which(count, |replica| values[replica].is_some()));
            if said.is_empty() { blamed } else { said }
        }
        Vote::Unanimous | Vote::None => Replicas::NONE,
    }
}

/// Whose head does not show the chain of its own trace. Only of replicas that stand: others may be between the two.
fn contradicting(statements: &[&Statement]) -> Replicas {
    let contradicts = |statement: &Statement| {
        let slot = statement.request(statement.seq);
        statement.stands() && slot.is_some_and(|slot| slot.chain != statement.chain)
    };
    let found = Replicas::which(statements.len(), |replica| contradicts(statements[replica]));
    if found.len() < statements.len() { found } else { Replicas::NONE }
}

/// Who has gone past a request that the majority has and it has not: its number is not that of the others.
fn missing(seq: u64, statements: &[&Statement]) -> Replicas {
    let numbers = |replica: usize| statements[replica].request(seq).map(digest_of);
    let passed = Replicas::which(statements.len(), |replica| {
        statements[replica].seq > seq && statements[replica].request(seq).is_none()
    });
    minority(statements.len(), numbers).and(passed)
}

/// The replica whose words are unreadable, if more than half of all say so.
fn accused(peer: u32, statements: &[&Statement]) -> Replicas {
    let accuses = |statement: &&&Statement| {
        matches!(statement.fault.kind, kind::PAYLOAD | kind::LOG) && statement.fault.peer == peer
    };
    let accusers = statements.iter().filter(accuses).count();
    let is_one = (peer as usize) < statements.len();
    if is_one && accusers * 2 > statements.len() { Replicas::one(peer as usize) } else { Replicas::NONE }
}

#[cfg(test)]
mod tests;

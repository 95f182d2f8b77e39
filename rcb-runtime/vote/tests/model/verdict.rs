//! What must hold of a ring slot that is written, and of a state in which nobody can take a step any more.

use crate::step::{LEADER, Violation};
use crate::world::{
    At, Fault, Goal, HEAD_SEQ, Life, RECORD_CHAIN, RECORD_SEQ, SLOTS, Setup, TRACE_CHAIN, TRACE_SEQ, Word, World,
};
use rcb_vote::majority::{Vote, vote};

/// Whether the arrival of a store takes a ring slot whose request a peer has not finished.
pub(crate) fn overwrites(setup: &Setup, world: &World, writer: usize, word: Word) -> bool {
    let slots = SLOTS as Word;
    let (seqs, slot) = match word {
        TRACE_SEQ..RECORD_SEQ => (TRACE_SEQ, (word - TRACE_SEQ) % slots),
        RECORD_SEQ.. => (RECORD_SEQ, (word - RECORD_SEQ) % slots),
        _ => return false,
    };
    let old = world.load(writer, seqs + slot);
    let is_first = matches!(word - slot, TRACE_SEQ | RECORD_CHAIN);
    is_first && old != 0 && (0..setup.n).any(|peer| peer != writer && !is_done(world, peer, old))
}

fn is_done(world: &World, replica: usize, seq: u8) -> bool {
    let r = &world.replicas[replica];
    r.seq > seq || r.seq == seq && (r.at == At::Guest || r.life == Life::Exited)
}

/// Judges a state without a successor.
pub(crate) fn at_end(setup: &Setup, world: &World) -> Result<(), Violation> {
    let replicas = &world.replicas[..setup.n];
    let reports = replicas.iter().filter(|r| matches!(r.life, Life::Parked(_))).count();
    let exits = replicas.iter().filter(|r| r.life == Life::Exited).count();
    match setup.fault {
        Fault::None if reports > 0 => Err("a difference is reported where there is none"),
        Fault::None if exits < setup.n => Err("all wait and nobody will wake them"),
        Fault::None => all_performed(setup, world),
        Fault::Value { .. } | Fault::Stray { .. } if reports == 0 => Err("nobody reports the difference"),
        Fault::Stray { .. } if exits > 0 => Err("a replica has ended beside a stray one"),
        Fault::Stray { replica, .. } if (0..setup.n).any(|r| r != replica && !is_noticed(world, r)) => {
            Err("a replica goes on beside a stray one")
        }
        Fault::Stop if reports > 0 => Err("a stop is reported as a difference"),
        Fault::Stop if (0..setup.n).any(|r| !leads_to_the_stopped(world, r, setup.n)) => {
            Err("a replica waits, but not for the stopped one")
        }
        Fault::Value { .. } | Fault::Stray { .. } | Fault::Stop => Ok(()),
    }
}

/// Judges a state in which a difference has been reported and every replica has come as far: the supervisor may hold
/// its vote from now on.
pub(crate) fn at_report(setup: &Setup, world: &World) -> Result<(), Violation> {
    let Fault::Value { replica: wrong, .. } = setup.fault else { return Ok(()) };
    let reporter = world.replicas[..setup.n].iter().find(|r| matches!(r.life, Life::Parked(_)));
    let heard = |seq: u8| (0..setup.n).all(|replica| world.load(replica, HEAD_SEQ) >= seq);
    let right = match (reporter, setup.n) {
        (Some(reporter), 3..) if heard(reporter.seq) => blamed(setup, world) == Some(1 << wrong),
        _ => true,
    };
    if right { Ok(()) } else { Err("the vote does not name the corrupted replica") }
}

fn all_performed(setup: &Setup, world: &World) -> Result<(), Violation> {
    let once = setup.program.iter().enumerate().filter(|(_, kind)| kind.is_once());
    let due = once.fold(0u16, |bits, (i, _)| bits | 1 << (i + 1));
    if world.performed == due { Ok(()) } else { Err("a call was not performed") }
}

/// Who is in the minority at the first request that two replicas made differently and on which there is a majority,
/// by the traces as they stand: this is all that the supervisor has.
fn blamed(setup: &Setup, world: &World) -> Option<u32> {
    let made = |replica: usize, seq: u8| {
        let slot = setup.slot(seq);
        let here = world.load(replica, TRACE_SEQ + slot) == seq;
        here.then(|| u64::from(world.load(replica, TRACE_CHAIN + slot)))
    };
    (1..=setup.program.len() as u8).find_map(|seq| {
        let values: Vec<Option<u64>> = (0..setup.n).map(|replica| made(replica, seq)).collect();
        let mut known = values.iter().flatten();
        let differs = known.next().is_some_and(|first| known.any(|other| other != first));
        match vote(&values) {
            Vote::Majority { blamed } if differs => Some(blamed),
            _ => None,
        }
    })
}

/// Whom a replica waits for.
fn waits_for(world: &World, replica: usize) -> Option<usize> {
    match world.replicas[replica].at {
        At::Asleep(Goal::Record) => Some(LEADER),
        At::Asleep(_) | At::BoundLag => Some(usize::from(world.replicas[replica].peer)),
        _ => None,
    }
}

/// Reported, or stands still for somebody.
fn is_noticed(world: &World, replica: usize) -> bool {
    matches!(world.replicas[replica].life, Life::Parked(_)) || waits_for(world, replica).is_some()
}

/// Exited as agreed, stopped, or waiting for one that waits (and so on) for the stopped one.
fn leads_to_the_stopped(world: &World, replica: usize, n: usize) -> bool {
    let mut at = replica;
    for _ in 0..=n {
        match (world.replicas[at].life, waits_for(world, at)) {
            (Life::Dead, _) => return true,
            (Life::Exited, _) => return at == replica,
            (Life::Runs, Some(next)) => at = next,
            _ => return false,
        }
    }
    false
}

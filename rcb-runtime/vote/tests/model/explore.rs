//! Every interleaving: depth first over all states, each visited once, with the path to the first violation.
//!
//! A replica whose next step is a plain store into its own buffer takes it at once: nobody can see it, it neither
//! enables nor disables a step of another, and its arrival in memory is a step of its own. Everything else that is
//! possible is tried.

use crate::step::{Violation, is_unseen, step};
use crate::verdict::{at_end, at_report, overwrites};
use crate::world::{Fault, Life, Setup, World};
use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::hash::{BuildHasherDefault, Hasher};

/// More states than any test here needs.
const LIMIT: usize = 4_000_000;

/// What was seen in all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) states: usize,
    /// States in which nobody can take a step.
    pub(crate) ends: usize,
}

/// A way to a state that must not be.
#[derive(Debug)]
pub(crate) struct Counterexample {
    pub(crate) what: Violation,
    setup: Setup,
    /// Replica and state behind its step.
    path: Vec<(usize, World)>,
}

impl Display for Counterexample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{:?}", self.what, self.setup)?;
        for (replica, world) in &self.path {
            let r = &world.replicas[*replica];
            writeln!(f, "  {replica}: {:?} call {} -> {:?}, {} on their way", r.life, r.seq, r.at, r.count)?;
        }
        Ok(())
    }
}

/// Visits all states.
pub(crate) fn explore(setup: &Setup) -> Result<Seen, Counterexample> {
    let mut known: HashSet<World, BuildHasherDefault<Mix>> = HashSet::default();
    let mut seen = Seen::default();
    let start = World::start();
    known.insert(start);
    let mut path =
        vec![Frame { by: 0, world: start, next: successors(setup, &start).map_err(|what| here(setup, &[], what))? }];
    while let Some(frame) = path.last_mut() {
        let Some((by, world)) = frame.next.pop() else {
            path.pop();
            continue;
        };
        if !known.insert(world) {
            continue;
        }
        assert!(known.len() <= LIMIT, "too many states: {setup:?}");
        path.push(Frame { by, world, next: vec![] });
        at_report(setup, &world).map_err(|what| here(setup, &path, what))?;
        let next = successors(setup, &world).map_err(|what| here(setup, &path, what))?;
        if next.is_empty() {
            seen.ends += 1;
            at_end(setup, &world).map_err(|what| here(setup, &path, what))?;
        }
        if let Some(frame) = path.last_mut() {
            frame.next = next;
        }
    }
    seen.states = known.len();
    Ok(seen)
}

struct Frame {
    by: usize,
    world: World,
    next: Vec<(usize, World)>,
}

fn here(setup: &Setup, path: &[Frame], what: Violation) -> Counterexample {
    Counterexample { what, setup: setup.clone(), path: path.iter().map(|frame| (frame.by, frame.world)).collect() }
}

/// All that can happen next, and by whom.
fn successors(setup: &Setup, world: &World) -> Result<Vec<(usize, World)>, Violation> {
    let mut all = Vec::new();
    let all_live = world.replicas[..setup.n].iter().all(|r| r.life != Life::Dead);
    let may_stop =
        |replica: usize| setup.fault == Fault::Stop && all_live && world.replicas[replica].life == Life::Runs;
    let stopped = |replica: usize| {
        let mut stopped = *world;
        stopped.replicas[replica].life = Life::Dead;
        stopped
    };
    if let Some(replica) = (0..setup.n).find(|r| is_unseen(world, *r)) {
        all.extend(step(setup, world, replica)?.map(|next| (replica, next)));
        if may_stop(replica) {
            all.push((replica, stopped(replica)));
        }
        return Ok(all);
    }
    for replica in 0..setup.n {
        // What was stored before a stop arrives all the same.
        if world.replicas[replica].count > 0 {
            let mut next = *world;
            let (word, _) = next.arrive(replica);
            if setup.guard_slots && overwrites(setup, world, replica, word) {
                return Err("a slot is overwritten that a peer needs");
            }
            all.push((replica, next));
        }
        all.extend(step(setup, world, replica)?.map(|next| (replica, next)));
        if may_stop(replica) {
            all.push((replica, stopped(replica)));
        }
    }
    Ok(all)
}

/// A hash that is cheap without optimization.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((word, tail)) = rest.split_first_chunk::<8>() {
            self.write_u64(u64::from_le_bytes(*word));
            rest = tail;
        }
        for byte in rest {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }
}

//! `--placement auto`: replicas start near to each other and are moved apart, or together again, when that pays.
//!
//! Near replicas tell each other quickly, through a cache they share; far ones (another socket, another last-level
//! cache) each have a cache to themselves. Four times a second the supervisor looks at what both would be worth:
//!
//! ```text
//!   loss of being far   meetings in a second x what a hand-over takes longer
//!   gain of being far   last-level misses in a second x what a miss takes x the share that a cache of one's own saves,
//!                       or, without counters: an assumed gain if the replicas together do not fit into one cache
//! ```
//!
//! [`Scales`] is the decision and pure. It moves only on a clear difference that lasts, and lasts twice as long after
//! every move, so that replicas cannot be sent to and fro.

use crate::topology::{Policy, Topology};
use serde::Serialize;

/// What a hand-over between far CPUs takes longer than between near ones, in seconds: 0.4 us, see BENCHMARKS.md
/// (`write` of one byte, near and far).
const HAND_OVER_S: f64 = 0.4e-6;
/// What a last-level miss costs, in seconds: about 80 ns from memory of the same node.
const MISS_S: f64 = 80e-9;
/// Share of the misses that a cache of one's own saves, of those that two replicas have in a common one.
const SAVED: f64 = 0.5;
/// Seconds per second that being far is taken to gain where replicas do not fit into one cache and nothing counts misses.
const ASSUMED: f64 = 0.02;
/// A difference must be so many times the other side.
const CLEAR: f64 = 2.0;
/// Gains and losses below this many seconds per second are nothing: a thousandth is less than a move disturbs.
const NOTHING: f64 = 0.001;
/// Looks for which a difference must last before the first move.
const PATIENCE: u32 = 4;
/// Most moves of a run, should a program change for ever.
const MOST_MOVES: u32 = 12;

/// Where the replicas are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// As near as possible.
    Near,
    /// As far apart as possible.
    Far,
}

/// What was seen since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// Calls per second at which replicas wait for each other.
    pub meetings_per_s: f64,
    /// Last-level misses per second of all replicas together, where the processor counts them for us.
    pub misses_per_s: Option<f64>,
    /// Resident memory of the largest replica in bytes.
    pub resident_bytes: u64,
}

/// A move that pays.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Move {
    /// Where to.
    pub to: Side,
    /// CPU of each replica from now on.
    pub cpus: Vec<u32>,
    /// Why, in figures.
    pub reason: String,
}

/// Weighs near against far.
#[derive(Clone, Debug)]
pub struct Scales {
    near: Vec<u32>,
    far: Vec<u32>,
    cache_bytes: Option<u64>,
    side: Side,
    lasts: u32,
    moves: u32,
}

impl Scales {
    /// For these replicas on this machine, which stand near now; `None` if there is nowhere else to stand: one replica,
    /// fewer CPUs than replicas, or one cache for all.
    pub fn new(topology: &Topology, allowed: &[u32], near: &[u32], cache_bytes: Option<u64>) -> Option<Self> {
        let far = topology.choose(near.len(), allowed, Policy::Far, *near.first()?).ok()?;
        let caches = |cpus: &[u32]| {
            let mut caches: Vec<u32> = cpus.iter().filter_map(|cpu| Some(topology.cpu(*cpu)?.cache)).collect();
            caches.sort_unstable();
            caches.dedup();
            caches.len()
        };
        let alone = (1..far.len()).all(|index| !far[..index].contains(&far[index]));
        (alone && caches(&far) > caches(near)).then(|| Self {
            near: near.to_vec(),
            far,
            cache_bytes,
            side: Side::Near,
            lasts: 0,
            moves: 0,
        })
    }

    /// Takes in one look and says whether to move.
    pub fn step(&mut self, seen: &Seen) -> Option<Move> {
        let loss = seen.meetings_per_s * HAND_OVER_S;
        let gain = self.gain(seen);
        let (for_it, against) = if self.side == Side::Near { (gain, loss) } else { (loss, gain) };
        self.lasts = if for_it > NOTHING && for_it > CLEAR * against { self.lasts + 1 } else { 0 };
        if self.moves >= MOST_MOVES || self.lasts < PATIENCE << self.moves {
            return None;
        }
        self.lasts = 0;
        self.moves += 1;
        self.side = if self.side == Side::Near { Side::Far } else { Side::Near };
        let cpus = if self.side == Side::Near { &self.near } else { &self.far };
        let misses = match seen.misses_per_s {
            Some(misses) => format!("{misses:.0} last-level misses"),
            None => format!("{} MiB in the largest replica, misses not counted here", seen.resident_bytes >> 20),
        };
        let reason = format!(
            "{:.0} meetings in a second and {misses}: being far costs {:.2} % and gains {:.2} %",
            seen.meetings_per_s,
            loss * 100.0,
            gain * 100.0
        );
        Some(Move { to: self.side, cpus: cpus.clone(), reason })
    }

    /// Seconds per second and replica that being far saves.
    fn gain(&self, seen: &Seen) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a number of replicas")]
        let replicas = self.near.len() as f64;
        match (seen.misses_per_s, self.cache_bytes) {
            (Some(misses), _) => misses / replicas * MISS_S * SAVED,
            (None, Some(cache)) if seen.resident_bytes.saturating_mul(self.near.len() as u64) > cache => ASSUMED,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sockets of six cores with a cache each; three replicas on the first socket.
    fn scales() -> Scales {
        let machine = Topology::regular(2, 6, 1);
        let all: Vec<u32> = (0..12).collect();
        Scales::new(&machine, &all, &[0, 1, 2], Some(12 << 20)).expect("there are two caches")
    }

    const QUIET_AND_LARGE: Seen = Seen { meetings_per_s: 10.0, misses_per_s: None, resident_bytes: 40 << 20 };
    const TALKS: Seen = Seen { meetings_per_s: 200_000.0, misses_per_s: None, resident_bytes: 40 << 20 };
    const SMALL: Seen = Seen { meetings_per_s: 10.0, misses_per_s: None, resident_bytes: 1 << 20 };

    fn moves(scales: &mut Scales, seen: &Seen, looks: u32) -> Vec<Move> {
        (0..looks).filter_map(|_| scales.step(seen)).collect()
    }

    #[test]
    fn large_and_quiet_replicas_get_caches_of_their_own() {
        let mut scales = scales();
        let made = moves(&mut scales, &QUIET_AND_LARGE, 100);
        assert_eq!(made.len(), 1);
        assert_eq!((made[0].to, made[0].cpus.as_slice()), (Side::Far, &[0, 6, 1][..]));
        assert!(made[0].reason.contains("40 MiB"), "{}", made[0].reason);
    }

    #[test]
    fn a_program_that_begins_to_talk_is_brought_together() {
        let mut scales = scales();
        moves(&mut scales, &QUIET_AND_LARGE, 4);
        assert_eq!(moves(&mut scales, &TALKS, 7), []);
        let made = moves(&mut scales, &TALKS, 1);
        assert_eq!((made[0].to, made[0].cpus.as_slice()), (Side::Near, &[0, 1, 2][..]));
    }

    #[test]
    fn what_is_small_or_talks_stays_near() {
        assert_eq!(moves(&mut scales(), &SMALL, 1000), []);
        assert_eq!(moves(&mut scales(), &TALKS, 1000), []);
    }

    #[test]
    fn counted_misses_say_more_than_sizes() {
        let many = Seen { misses_per_s: Some(3e6), ..SMALL };
        assert_eq!(moves(&mut scales(), &many, 10).len(), 1);
        let few = Seen { misses_per_s: Some(1e3), ..QUIET_AND_LARGE };
        assert_eq!(moves(&mut scales(), &few, 1000), []);
    }

    #[test]
    fn nobody_is_sent_to_and_fro() {
        let mut scales = scales();
        let mut made = 0;
        for look in 0..4000 {
            let seen = if look / 10 % 2 == 0 { QUIET_AND_LARGE } else { TALKS };
            made += u32::from(scales.step(&seen).is_some());
        }
        assert!(made <= 2, "{made} moves, although nothing lasted");
        let forever = (0..1_000_000).filter(|look| {
            let seen = if look / 100_000 % 2 == 0 { TALKS } else { QUIET_AND_LARGE };
            scales.step(&seen).is_some()
        });
        assert!(forever.count() as u32 <= MOST_MOVES);
    }

    #[test]
    fn where_there_is_one_cache_nothing_is_weighed() {
        let one = Topology::regular(1, 6, 2);
        let all: Vec<u32> = (0..12).collect();
        assert!(Scales::new(&one, &all, &[0, 1], None).is_none());
        let two = Topology::regular(2, 6, 1);
        assert!(Scales::new(&two, &all, &[3], None).is_none(), "one replica has nobody to be far from");
        assert!(Scales::new(&two, &[0, 6], &[0, 6, 0], None).is_none(), "they share CPUs");
    }
}

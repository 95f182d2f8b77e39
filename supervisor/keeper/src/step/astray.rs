//! Who computes on and on where the majority has finished, by CPU time: a busy machine slows down all that share it, and
//! changes little of what a step costs.
//!
//! ```text
//!  looks          |      |      |      |      |      |
//!  peer       ...s-1....s---------s+1 waits              costs at most: from a look before s to a look behind s+1
//!  suspect     ...s-1......s--------------------------   has used at least: from a look behind s on
//! ```
//!
//! Numbers and times of one look are not of the same instant: the time is read first. So the time of the look *after* the one
//! that shows a number is certainly of after it, and that of a look that shows an earlier number certainly of before.

use super::Glance;
use rcb_abi::segment::{RING, phase};
use std::collections::VecDeque;

/// A step may cost one replica so many times what it costs another one ...
const FACTOR: u64 = 4;
/// ... and this much more, in nanoseconds: what a machine may do to one of them (a virtual CPU that stands still counts as
/// time used).
const FLOOR_NS: u64 = 2_000_000_000;
/// Numbers remembered: nobody is further ahead than the rings are long.
const REMEMBERED: usize = RING + 2;

/// A number that a look has shown.
#[derive(Clone, Copy, Debug)]
struct Seen {
    seq: u64,
    /// CPU time read shortly before it was first seen.
    before_ns: u64,
    /// CPU time at the look after that.
    after_ns: Option<u64>,
}

/// What is known of the CPU times of all replicas of a group.
#[derive(Clone, Debug)]
pub(super) struct Tracks(Vec<VecDeque<Seen>>);

impl Tracks {
    /// Nothing.
    pub(super) fn new(replicas: usize) -> Self {
        Self(vec![VecDeque::new(); replicas])
    }

    /// Takes in one more look. A replica that has gone astray, if there is one.
    pub(super) fn look(&mut self, glances: &[Glance]) -> Option<usize> {
        for (track, glance) in self.0.iter_mut().zip(glances) {
            let latest = track.back_mut();
            match latest {
                Some(seen) if seen.seq == glance.seq => {
                    seen.after_ns.get_or_insert(glance.user_ns);
                }
                _ => {
                    if let Some(seen) = latest {
                        seen.after_ns.get_or_insert(glance.user_ns);
                    }
                    track.push_back(Seen { seq: glance.seq, before_ns: glance.user_ns, after_ns: None });
                    if track.len() > REMEMBERED {
                        track.pop_front();
                    }
                }
            }
        }
        (0..glances.len()).find(|suspect| self.is_astray(*suspect, glances))
    }

    fn is_astray(&self, suspect: usize, glances: &[Glance]) -> bool {
        let own = &glances[suspect];
        if own.phase != phase::RUN || own.stopped || own.in_kernel {
            return false;
        }
        let Some(since) = self.0[suspect].back().filter(|seen| seen.seq == own.seq).and_then(|seen| seen.after_ns)
        else {
            return false;
        };
        let used = own.user_ns.saturating_sub(since);
        let others = (0..glances.len()).filter(|peer| *peer != suspect && glances[*peer].seq > own.seq);
        // Somebody who has not been seen for long enough may have needed any time.
        let costs: Option<Vec<u64>> = others.map(|peer| self.cost(peer, own.seq)).collect();
        let Some(costs) = costs else { return false };
        let most = costs.iter().max().copied().unwrap_or(0);
        costs.len() * 2 > glances.len() && used > most.saturating_mul(FACTOR).saturating_add(FLOOR_NS)
    }

    /// At most so much CPU time a replica has used between this request and its next one.
    fn cost(&self, replica: usize, seq: u64) -> Option<u64> {
        let track = &self.0[replica];
        let end = track.iter().find(|seen| seen.seq > seq)?.after_ns?;
        let start = track.iter().rev().find(|seen| seen.seq < seq).map_or(0, |seen| seen.before_ns);
        Some(end.saturating_sub(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(seq: u64, user_ns: u64) -> Glance {
        Glance { seq, user_ns, phase: phase::RUN, ..Glance::default() }
    }

    fn waiting(seq: u64, user_ns: u64) -> Glance {
        Glance { phase: phase::WAIT_REQUEST, wait_for: 2, ..at(seq, user_ns) }
    }

    /// The look, if any, at which somebody is found: all make request 4, then two of them 5, and the third uses CPU time.
    fn found(costs: [u64; 2], step: u64, looks: u64) -> Option<(u64, usize)> {
        let mut tracks = Tracks::new(3);
        assert_eq!(tracks.look(&[at(3, 0), at(3, 0), at(3, 0)]), None);
        assert_eq!(tracks.look(&[at(4, 0), at(4, 0), at(4, 0)]), None);
        (1..=looks).find_map(|look| {
            let used = look * step;
            let peer = |cost: u64| if used < cost { at(4, used) } else { waiting(5, cost) };
            tracks.look(&[peer(costs[0]), peer(costs[1]), at(4, used)]).map(|who| (look, who))
        })
    }

    #[test]
    fn whoever_computes_on_and_on_is_found() {
        let (look, who) = found([0, 0], SECOND / 5, 100).expect("found");
        assert_eq!(who, 2);
        assert!((10..=13).contains(&look), "{look}");
        let (look, who) = found([3 * SECOND, 2 * SECOND], SECOND / 5, 1000).expect("found");
        assert_eq!(who, 2);
        // 4 * 3 s and 2 s, and the look behind the end of the step.
        assert!((70..=77).contains(&look), "{look}");
    }

    #[test]
    fn little_cpu_time_is_no_fault_however_long_it_takes() {
        assert_eq!(found([0, 0], 1_000_000, 1900), None);
        assert_eq!(found([SECOND, SECOND], SECOND / 5, 30), None);
    }

    #[test]
    fn one_of_three_that_waits_is_no_majority() {
        assert_eq!(found([0, u64::MAX], SECOND / 5, 1000), None);
        let mut tracks = Tracks::new(2);
        assert!((0..100).all(|look| tracks.look(&[waiting(5, 0), at(4, look * SECOND)]).is_none()));
    }

    #[test]
    fn who_was_not_seen_before_may_have_needed_long() {
        let mut tracks = Tracks::new(3);
        let peers = waiting(5, 10 * SECOND);
        let is_found = |tracks: &mut Tracks, used| tracks.look(&[peers, peers, at(4, used)]).is_some();
        assert!((0..40).all(|used| !is_found(&mut tracks, used * SECOND)));
        assert!((40..50).any(|used| is_found(&mut tracks, used * SECOND)), "four times all that they have ever used");
    }

    #[test]
    fn whoever_moves_or_waits_is_not_astray() {
        let mut tracks = Tracks::new(3);
        for look in 0..100 {
            let peers = waiting(5 + look, 0);
            assert_eq!(tracks.look(&[peers, peers, at(4 + look, look * SECOND)]), None);
        }
        let mut tracks = Tracks::new(3);
        for look in 0..100 {
            let blocked = Glance { phase: phase::BLOCKED, ..at(4, look * SECOND) };
            assert_eq!(tracks.look(&[waiting(5, 0), waiting(5, 0), blocked]), None);
        }
    }
}

//! Decisions of the meeting protocol: what a replica concludes from the words that a peer has posted.
//!
//! ```text
//!  poster    trace slot ... head.chain, head.seq      looks for sleepers, wakes them
//!  waiter    head.seq until [`arrived`], then the comparison that fits:
//!              [`request`]   the peer cannot have moved on: it waits for a record of the reader
//!              [`head`]      the peer may have moved on: an unequal head proves nothing, so the trace decides
//!              [`trace`]     the slot of the request, which [`lag_floor`] keeps from being overwritten
//!              [`record`]    the leader's answer
//! ```
//!
//! The agent calls these functions with what it has loaded, and so does the model of the protocol in the tests of
//! this crate, which runs all interleavings of them. Nothing here loads or stores a shared word.
//!
//! Invariant: a replica goes on only with `Agree`, and `Agree` means that sequence number and chain are both equal.

/// Sequence number and chain of one request: the reader's own, or as loaded from a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    /// Sequence number.
    pub seq: u64,
    /// Digest of everything compared up to and with this request.
    pub chain: u64,
}

/// What the words of a peer say about the reader's own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The peer has not come so far yet.
    Wait,
    /// The same request with the same past.
    Agree,
    /// Another request, or the same one with another past.
    Differ,
}

/// What the head of a peer says that may have moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// The peer has not come so far yet.
    Wait,
    /// The same request with the same past.
    Agree,
    /// The head belongs to a later request, or is about to: only the trace can tell.
    LookAtTrace,
}

/// What a record of the leader says about the request that it is to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not answered yet.
    Wait,
    /// The answer to this request, by a leader with the same past.
    Agree,
    /// The answer of a leader with another past.
    Differ,
    /// The slot holds a later answer, which no leader writes while a follower needs this one.
    Impossible,
}

/// Whether a wait for the sequence number `wanted` is over. A waiter may sleep only on a value for which this is
/// false, and only after it has said that it sleeps and has loaded the value again.
#[inline]
pub const fn arrived(seen: u64, wanted: u64) -> bool {
    seen >= wanted
}

/// Whether a publisher must wake sleepers, by the `asleep` word of a peer, loaded after the sequence number has
/// become visible to all.
#[inline]
pub const fn must_wake(asleep: u32) -> bool {
    asleep != 0
}

/// Compares with the head of a peer that cannot go on without the reader: one that is further is wrong, too.
#[inline]
pub const fn request(own: Post, peer: Post) -> Finding {
    if !arrived(peer.seq, own.seq) {
        Finding::Wait
    } else if peer.seq == own.seq && peer.chain == own.chain {
        Finding::Agree
    } else {
        Finding::Differ
    }
}

/// Compares with the head of a peer that may go on at any time. `peer.chain` must have been loaded before `peer.seq`:
/// the poster stores them in that order, so an old sequence number vouches that an equal chain was that of the request.
#[inline]
pub const fn head(own: Post, peer: Post) -> Head {
    if !arrived(peer.seq, own.seq) {
        Head::Wait
    } else if peer.seq == own.seq && peer.chain == own.chain {
        Head::Agree
    } else {
        Head::LookAtTrace
    }
}

/// Compares with the trace slot of a peer that has posted the request. The slot cannot hold an earlier one any more.
#[inline]
pub const fn trace(own: Post, peer: Post) -> Finding {
    if peer.seq == own.seq && peer.chain == own.chain { Finding::Agree } else { Finding::Differ }
}

/// Compares with a record of the leader.
#[inline]
pub const fn record(own: Post, leader: Post) -> Answer {
    if !arrived(leader.seq, own.seq) {
        Answer::Wait
    } else if leader.seq != own.seq {
        Answer::Impossible
    } else if leader.chain == own.chain {
        Answer::Agree
    } else {
        Answer::Differ
    }
}

/// Slot of a request in a ring; 0 for a ring without slots.
#[inline]
pub const fn slot(seq: u64, ring: usize) -> usize {
    match seq.checked_rem(ring as u64) {
        Some(slot) => slot as usize,
        None => 0,
    }
}

/// What every peer must have posted before a replica that has just posted `seq`, a multiple of `lag`, may go on.
///
/// The next such check comes with request `seq + lag`, *behind* the store of its trace, which takes the slot of
/// `seq + lag - ring`. A peer is done with that one when it has posted a later one. With `ring >= 2 * lag` (see
/// [`ring_holds`]) it is at most `seq - lag`, so a later one is `seq - lag + 1`.
#[inline]
pub const fn lag_floor(seq: u64, lag: u64) -> u64 {
    seq.saturating_add(1).saturating_sub(lag)
}

/// Whether [`lag_floor`] keeps everything that a peer still needs in a ring of so many slots.
pub const fn ring_holds(ring: usize, lag: u64) -> bool {
    lag > 0 && lag <= ring as u64 / 2
}

/// What a peer must have posted to be done with request `seq`, its result included.
#[inline]
pub const fn done_with(seq: u64) -> u64 {
    seq.saturating_add(1)
}

/// Whether a leader that has posted request `leader` will never answer request `own`: it publishes its answer before it
/// posts the next request, so it took the same number for a call that needs none. The follower must look at the record
/// once more after it has seen this, because the answer may have come between the two looks.
pub const fn skipped(leader: u64, own: u64) -> bool {
    leader > own
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn post() -> impl Strategy<Value = Post> {
        (prop_oneof![0..4u64, Just(u64::MAX)], 0..3u64).prop_map(|(seq, chain)| Post { seq, chain })
    }

    proptest! {
        #[test]
        fn only_equals_agree(own in post(), peer in post()) {
            let equal = own == peer;
            prop_assert_eq!(request(own, peer) == Finding::Agree, equal);
            prop_assert_eq!(head(own, peer) == Head::Agree, equal);
            prop_assert_eq!(trace(own, peer) == Finding::Agree, equal);
            prop_assert_eq!(record(own, peer) == Answer::Agree, equal);
        }

        #[test]
        fn all_wait_for_the_same_peers(own in post(), peer in post()) {
            let early = peer.seq < own.seq;
            prop_assert_eq!(request(own, peer) == Finding::Wait, early);
            prop_assert_eq!(head(own, peer) == Head::Wait, early);
            prop_assert_eq!(record(own, peer) == Answer::Wait, early);
            prop_assert_eq!(!arrived(peer.seq, own.seq), early);
        }

        #[test]
        fn nothing_needed_is_overwritten(ring in 1..70usize, lag in 1..40u64, round in 1..50u64) {
            // The last store before the next check passes takes the slot of this request.
            let seq = round * lag;
            if let Some(lost) = (seq + lag).checked_sub(ring as u64) && ring_holds(ring, lag) {
                prop_assert_eq!(slot(lost, ring), slot(seq + lag, ring));
                prop_assert!(lag_floor(seq, lag) >= done_with(lost));
            }
        }
    }

    #[test]
    fn total_at_the_edges() {
        assert_eq!(slot(5, 0), 0);
        assert_eq!(lag_floor(0, u64::MAX), 0);
        assert_eq!(lag_floor(u64::MAX, 0), u64::MAX);
        assert_eq!(done_with(u64::MAX), u64::MAX);
        assert!(!ring_holds(0, 0) && !ring_holds(64, 33) && ring_holds(64, 32));
    }
}

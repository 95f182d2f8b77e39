//! Waiting for peers: a bounded spin, then a futex; and the comparison of what they posted.
//!
//! Publisher: store the word, then look whether a peer sleeps. Sleeper: say that it sleeps, then look at the word
//! again, then sleep. Both orders are sequentially consistent, so one of the two sees the other: no wake-up is lost.
//!
//! What is concluded from the loaded words is decided by [`rcb_vote::meeting`], whose tests run all interleavings.
#![allow(unsafe_code, reason = "futex calls on shared words, reads of a peer's trace")]

use super::record::Reply;
use crate::fault::Words;
use crate::recovery;
use crate::shared;
use crate::state::State;
use crate::timing;
use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use core::sync::atomic::{AtomicU64, fence};
use rcb_abi::segment::{LAG, RING, phase};
use rcb_sys::{nr, syscall};
use rcb_vote::meeting::{self, Answer, Finding, Head, Post};

const _: () = assert!(meeting::ring_holds(RING, LAG));

const FUTEX_WAIT: u64 = 0;
const FUTEX_WAKE: u64 = 1;
/// A sleep ends after this long to look at the world again, even if no peer wakes us (nanoseconds).
const NAP_NS: u64 = 20_000_000;
/// Nap while a peer that does not announce its requests is behind.
const LAG_NAP_NS: u64 = 200_000;
/// So many requests ahead a follower fetches the leader's records: about what a line takes from a far CPU.
const AHEAD: u64 = 6;
/// Place of the fault that a record is not what was sealed.
const BROKEN_SEAL: u64 = 4;
/// Pauses in which a leader that answers by itself gets some requests ahead.
const PATIENCE: u32 = 40;
/// Spins while somebody else is to have the CPU: longer than a hand-over takes, shorter than a sleep.
const BRIEF: u32 = 150;
/// Spins without a pause instruction at first: a hand-over between near cores takes about this long.
const EAGER: u32 = 48;

/// The request that this replica is at.
#[inline]
const fn own_post(st: &State) -> Post {
    Post { seq: st.seq, chain: st.chain }
}

/// Stores a sequence number that peers may be waiting for and wakes those that sleep.
#[inline]
pub fn publish(st: &State, word: &AtomicU64, seq: u64) {
    word.swap(seq, SeqCst);
    for peer in 0..st.n {
        if peer != st.replica && meeting::must_wake(shared::peer(peer).asleep.flag.load(Relaxed)) {
            // SAFETY: wakes sleepers on our own word; changes no memory.
            unsafe { syscall!(nr::FUTEX, word.as_ptr(), FUTEX_WAKE, i32::MAX, 0, 0, 0) };
            return;
        }
    }
}

/// Looks at a word so many times; how many it took, and whether that was enough.
#[inline]
fn spin(word: &AtomicU64, seq: u64, times: u32) -> (u32, bool) {
    for i in 0..times {
        if meeting::arrived(word.load(Acquire), seq) {
            return (i, true);
        }
        if i >= EAGER {
            core::hint::spin_loop();
        }
    }
    (times, false)
}

/// Waits until `word` of `peer` is at least `seq`. False when a replica has been replaced meanwhile: what is waited for
/// may then be something else.
#[inline]
fn wait(st: &mut State, word: &AtomicU64, seq: u64, peer: usize, why: u32, nap_ns: u64) -> bool {
    if meeting::arrived(word.load(Acquire), seq) {
        return true;
    }
    shared::own().stats.waits += 1;
    timing::waited(EAGER, || spin(word, seq, st.spin), || sleep(st, word, seq, peer, why, nap_ns));
    if recovery::due(st) {
        recovery::attend(st);
        return false;
    }
    true
}

/// Waits in which a process of the same CPU is to run, this replica's own child at first: spinning would keep it away.
pub fn briefly<T>(st: &mut State, work: impl FnOnce(&mut State) -> T) -> T {
    let spin = st.spin;
    st.spin = spin.min(BRIEF);
    let outcome = work(st);
    st.spin = spin;
    outcome
}

/// Does something with every peer (with none during a replay), from the first one again when it says that a replica has
/// been replaced.
#[inline]
fn with_peers(st: &mut State, mut each: impl FnMut(&mut State, usize) -> bool) {
    let mut peer = 0;
    let n = if st.replay.on { 0 } else { st.n };
    while peer < n {
        peer = if peer == st.replica || each(st, peer) { peer + 1 } else { 0 };
    }
}

/// A peer disagrees: stands still until a replica has been replaced.
#[cold]
fn differ(st: &mut State, words: Words) -> bool {
    recovery::stand_by(st, words);
    false
}

#[cold]
fn sleep(st: &State, word: &AtomicU64, seq: u64, peer: usize, why: u32, nap_ns: u64) {
    let own = shared::own();
    own.stats.sleeps += 1;
    own.wait.wait_for.store(peer as u32, Relaxed);
    own.wait.phase.store(why, Relaxed);
    own.asleep.flag.store(1, SeqCst);
    fence(SeqCst);
    let nap = [0u64, nap_ns];
    loop {
        let seen = word.load(Acquire);
        if meeting::arrived(seen, seq) {
            break;
        }
        if why == phase::WAIT_RESULT
            && meeting::skipped(shared::peer(peer).head.seq.load(Acquire), seq)
            && !meeting::arrived(word.load(Acquire), seq)
        {
            break;
        }
        if shared::control().stop.load(Relaxed) != 0 {
            crate::fault::stand_still();
        }
        if recovery::due(st) {
            break;
        }
        // SAFETY: waits on a shared word that is only read; the time-out is a local.
        let slept = unsafe { syscall!(nr::FUTEX, word.as_ptr(), FUTEX_WAIT, seen as u32, &raw const nap, 0, 0) };
        if slept == 0 {
            // Woken, perhaps by the supervisor ahead of time: what is waited for will be there in a moment.
            spin(word, seq, shared::control().spin);
        }
    }
    own.asleep.flag.store(0, Relaxed);
    own.wait.phase.store(phase::RUN, Relaxed);
}

/// The leader waits until every peer has posted this request and compares.
#[inline]
pub fn all(st: &mut State) {
    with_peers(st, |st, peer| {
        let head = &shared::peer(peer).head;
        if !wait(st, &head.seq, st.seq, peer, phase::WAIT_REQUEST, NAP_NS) {
            return false;
        }
        let (seq, chain) = (head.seq.load(Acquire), head.chain.load(Relaxed));
        meeting::request(own_post(st), Post { seq, chain }) == Finding::Agree
            || differ(st, Words::mismatch(peer, chain))
    });
}

/// Every replica waits until every other one has posted this request, and compares. A peer that has moved on already
/// is compared by its trace, which still holds the request (see [`bound_lag`]).
pub fn symmetric(st: &mut State) {
    with_peers(st, |st, peer| {
        let segment = shared::peer(peer);
        if !wait(st, &segment.head.seq, st.seq, peer, phase::WAIT_REQUEST, NAP_NS) {
            return false;
        }
        let chain = segment.head.chain.load(Relaxed);
        fence(Acquire);
        let seq = segment.head.seq.load(Relaxed);
        if meeting::head(own_post(st), Post { seq, chain }) == Head::Agree {
            return true;
        }
        let trace = &raw const segment.trace[meeting::slot(st.seq, RING)];
        // SAFETY: a plain read of shared memory whose words were published before the peer's sequence number.
        let (seq, chain) =
            unsafe { ((&raw const (*trace).seq).read_volatile(), (&raw const (*trace).chain).read_volatile()) };
        meeting::trace(own_post(st), Post { seq, chain }) == Finding::Agree || differ(st, Words::mismatch(peer, chain))
    });
}

/// Waits for the record of the leader that answers the current request. `None`: this replica leads now, because the
/// leader was lost, and the request is its own to answer.
#[inline]
pub fn record(st: &mut State) -> Option<Reply> {
    if st.replay.on {
        let reply = recovery::replay::record(st);
        if reply.flags & rcb_abi::segment::record_flag::SIGNALS != 0 {
            crate::arrivals::take(st);
        }
        return Some(reply);
    }
    while !st.leads() {
        let records = &shared::peer(st.leader).records;
        let record = &records[meeting::slot(st.seq, RING)];
        // A leader that runs ahead has written these already; one that does not must take the line back for its next
        // record in any case, because this replica has read the one before it in the slot.
        fetch_early(&records[meeting::slot(st.seq + AHEAD, RING)]);
        if !wait(st, &record.seq, st.seq, st.leader, phase::WAIT_RESULT, NAP_NS) {
            continue;
        }
        let (seq, chain) = (record.seq.load(Acquire), record.chain.load(Relaxed));
        let words = match meeting::record(own_post(st), Post { seq, chain }) {
            Answer::Agree => match Reply::of(record, seq, chain) {
                Some(reply) => {
                    if reply.flags & rcb_abi::segment::record_flag::SIGNALS != 0 {
                        crate::arrivals::take(st);
                    }
                    if st.journal.keeps {
                        recovery::journal::open(st, &reply);
                    }
                    return Some(reply);
                }
                None => unreadable(st, seq, BROKEN_SEAL),
            },
            Answer::Differ => Words::mismatch(st.leader, chain),
            Answer::Wait => Words::mismatch(st.leader, shared::peer(st.leader).head.chain.load(Relaxed)),
            Answer::Impossible => unreadable(st, seq, 0),
        };
        differ(st, words);
    }
    None
}

/// The leader's record cannot be what it has written.
#[cold]
fn unreadable(st: &State, seq: u64, site: u64) -> Words {
    Words::of_leader(st, rcb_abi::fault::kind::LOG, seq, site)
}

/// A follower whose leader answers without waiting for anybody: if the record is not there yet, leaves the leader a lead of
/// some requests. Every look at a record takes its line from the leader just when it wants to write to it, and a far
/// line takes longer to come back than the rest of the request.
#[inline]
pub fn let_ahead(st: &State) {
    if st.leads() || st.replay.on {
        return;
    }
    let record = &shared::peer(st.leader).records[meeting::slot(st.seq, RING)];
    if !meeting::arrived(record.seq.load(Acquire), st.seq) {
        for _ in 0..PATIENCE.min(st.spin) {
            core::hint::spin_loop();
        }
    }
}

/// Has a line of this replica's own segment, which peers have read, brought back for writing while other work is done.
#[inline]
pub fn take_early(record: &rcb_abi::segment::Record) {
    // prefetchw, which the intrinsic for it becomes only where the whole program may use it; processors that do not
    // know it take it for a long nop.
    // SAFETY: a hint, which cannot fault.
    unsafe { core::arch::asm!("prefetchw [{}]", in(reg) &raw const *record, options(nostack, preserves_flags)) };
}

/// Lets a line of shared memory come while other work is done.
#[inline]
fn fetch_early(record: &rcb_abi::segment::Record) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint, which cannot fault.
    unsafe { _mm_prefetch::<_MM_HINT_T0>((&raw const *record).cast()) };
}

/// Waits until no peer lags by [`LAG`] requests: the rings then hold everything a peer still needs.
pub fn bound_lag(st: &mut State) {
    with_peers(st, |st, peer| {
        let head = &shared::peer(peer).head.seq;
        wait(st, head, meeting::lag_floor(st.seq, LAG), peer, phase::WAIT_REQUEST, LAG_NAP_NS)
    });
}

/// Waits until every peer has posted a request later than `seq`, which means that it is done with `seq`.
pub fn passed(st: &mut State, seq: u64) {
    with_peers(st, |st, peer| {
        let head = &shared::peer(peer).head.seq;
        wait(st, head, meeting::done_with(seq), peer, phase::WAIT_REQUEST, LAG_NAP_NS)
    });
}

/// Says that this replica has followed an order to replace one.
pub fn announce_epoch(st: &State, epoch: u32) {
    let word = &shared::own().epoch;
    word.store(epoch, SeqCst);
    // SAFETY: wakes sleepers on our own word; changes no memory.
    unsafe { syscall!(nr::FUTEX, word.as_ptr(), FUTEX_WAKE, i32::MAX, 0, 0, 0) };
    crate::fault::notify(st);
}

/// Waits until the successor of a replica is in its place, by the latest order.
pub fn until_replaced(epoch: u32, victim: usize) {
    let word = &shared::peer(victim).epoch;
    let nap = [0u64, NAP_NS];
    loop {
        let seen = word.load(Acquire);
        if seen >= epoch {
            return;
        }
        // SAFETY: waits on a shared word that is only read; the time-out is a local.
        unsafe { syscall!(nr::FUTEX, word.as_ptr(), FUTEX_WAIT, seen, &raw const nap, 0, 0) };
    }
}

/// The earliest request that some peer is still working on.
pub fn slowest(st: &State) -> u64 {
    (0..st.n).filter(|p| *p != st.replica).map(|p| shared::peer(p).head.seq.load(Acquire)).min().unwrap_or(u64::MAX)
}

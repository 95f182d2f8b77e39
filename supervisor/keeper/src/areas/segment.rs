//! The segment of one replica as the supervisor reads it: word by word, as copies.
#![allow(unsafe_code, reason = "reads what other processes write")]

use super::{low_half, wake_all};
use crate::checkpoint::Copy;
use crate::processes::Moved;
use rcb_abi::segment::{RING, Segment};
use rcb_abi::stats::Stats;
use rcb_guard::Inbox;
use std::ptr::{NonNull, addr_of};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The segment of one replica.
#[derive(Clone, Copy)]
pub struct SegmentArea<'run> {
    pub(super) at: NonNull<Segment>,
    pub(super) column: std::marker::PhantomData<&'run Segment>,
}

/// Copies one plain field out of the segment, which its replica may be writing.
macro_rules! copy_out {
    ($self:ident, $($field:tt)+) => {
        // SAFETY: the mapping is as large as the type and lives as long as `self`; a volatile read copies the bytes
        // once, and every bit pattern is valid for the plain types used here.
        unsafe { addr_of!((*$self.at.as_ptr()).$($field)+).read_volatile() }
    };
}

/// Lends an atomic word of the segment.
macro_rules! word {
    ($self:ident, $($field:tt)+) => {
        // SAFETY: the word is atomic, so it may change while we hold the reference, and it lives as long as `self`.
        unsafe { &(*$self.at.as_ptr()).$($field)+ }
    };
}

impl<'run> SegmentArea<'run> {
    /// The words that are judged, read as hostile.
    pub const fn inbox(&self) -> Inbox<'run> {
        // SAFETY: the mapping is as large as the type and lives as long as the column.
        unsafe { Inbox::new(self.at) }
    }

    /// Process id of the replica; 0 until it is there.
    pub fn pid(&self) -> u32 {
        word!(self, pid).load(Ordering::Acquire)
    }

    /// The latest order to replace a replica that this one has followed.
    pub fn epoch(&self) -> u32 {
        word!(self, epoch).load(Ordering::Acquire)
    }

    /// Forks that it has begun to make.
    pub fn cloning(&self) -> u32 {
        word!(self, cloning).load(Ordering::Acquire)
    }

    /// Forks that it has made.
    pub fn cloned(&self) -> u32 {
        word!(self, cloned).load(Ordering::Acquire)
    }

    /// Programs that it has executed.
    pub fn generation(&self) -> u64 {
        copy_out!(self, carry.generation)
    }

    /// The replica that performs calls for all, as this one knows it.
    pub fn leader(&self) -> usize {
        copy_out!(self, carry.leader) as usize
    }

    /// Request that it has begun to perform as the leader.
    pub fn intent(&self) -> u64 {
        word!(self, wait.intent).load(Ordering::Relaxed)
    }

    /// Bytes that the replica knows it has read and written.
    pub fn moved(&self) -> Moved {
        let [read, written] = [word!(self, moved.read), word!(self, moved.written)];
        Moved { read: read.load(Ordering::Relaxed), written: written.load(Ordering::Relaxed) }
    }

    /// Frozen copies left since `seen`, and the new count. What was overwritten meanwhile is lost.
    pub fn frozen_since(&self, seen: u64) -> (u64, Vec<Copy>) {
        let ring = word!(self, frozen);
        let count = word!(self, frozen_count).load(Ordering::Acquire);
        let first = seen.max(count.saturating_sub(ring.len() as u64));
        let copy = |index: u64| {
            let place = &ring[index as usize % ring.len()];
            Copy {
                pid: place.pid.load(Ordering::Relaxed),
                generation: place.generation.load(Ordering::Relaxed),
                seq: place.seq.load(Ordering::Relaxed),
                journal: place.journal.load(Ordering::Relaxed),
                took: Duration::from_nanos(place.took_ns.load(Ordering::Relaxed)),
            }
        };
        (count, (first..count).map(copy).filter(|copy| copy.pid != 0).collect())
    }

    /// Wakes frozen copies of this replica.
    pub fn wake_frozen(&self) {
        wake_all(word!(self, dismissed));
    }

    /// Why it leaves no copies, if so.
    pub fn no_copies(&self) -> u32 {
        word!(self, no_copies).load(Ordering::Relaxed)
    }

    /// End of the journal that this replica keeps.
    pub fn journal_end(&self) -> u64 {
        word!(self, journal_end).load(Ordering::Acquire)
    }

    /// The request of its last entry.
    pub fn journal_seq(&self) -> u64 {
        word!(self, journal_seq).load(Ordering::Acquire)
    }

    /// Where a checkpoint must begin in it at least.
    pub fn journal_valid(&self) -> u64 {
        word!(self, journal_valid).load(Ordering::Acquire)
    }

    /// Request and chain at which the replica was live again after a rollback; request 0 before.
    pub fn retried(&self) -> (u64, u64) {
        let [seq, chain] = word!(self, retried);
        (seq.load(Ordering::Acquire), chain.load(Ordering::Relaxed))
    }

    /// Wakes peers that wait for this replica's request, or its answer to request `seq`.
    pub fn wake_waiters(&self, seq: u64) {
        wake_all(low_half(word!(self, head.seq)));
        wake_all(low_half(&word!(self, records)[seq as usize % RING].seq));
    }

    /// A signal that ends the guest by default and has arrived.
    pub fn fatal(&self) -> Option<i32> {
        let signal = word!(self, fatal).load(Ordering::Relaxed) as i32;
        (1..=64).contains(&signal).then_some(signal)
    }

    /// A signal that has arrived and waits for the guest's next call.
    pub fn waiting_signal(&self) -> Option<i32> {
        let signal = word!(self, waiting).load(Ordering::Relaxed) as i32;
        (1..=64).contains(&signal).then_some(signal)
    }

    /// The signal that the guest wants to have when its parent ends.
    pub fn death_signal(&self) -> Option<i32> {
        let signal = word!(self, death_signal).load(Ordering::Relaxed) as i32;
        (1..=64).contains(&signal).then_some(signal)
    }

    /// Whether the guest wants to be told of children that stop or go on.
    pub fn wants_stop_news(&self) -> bool {
        word!(self, no_stop_news).load(Ordering::Relaxed) == 0
    }

    /// The fork, from 1, for which the guest waits to be given a group.
    pub fn wanted_fork(&self) -> u32 {
        word!(self, wanted_fork).load(Ordering::Relaxed)
    }

    /// Forks so far.
    pub fn forks(&self) -> u32 {
        copy_out!(self, carry.forks)
    }

    /// Groups whose end the guest has learnt of since `seen`, and the new count.
    pub fn reaped_since(&self, seen: u64) -> (u64, Vec<u32>) {
        let ring = word!(self, reaped);
        let count = word!(self, reaped_count).load(Ordering::Acquire);
        let first = seen.max(count.saturating_sub(ring.len() as u64));
        let entries = (first..count).map(|index| ring[index as usize % ring.len()].load(Ordering::Relaxed));
        (count, entries.collect())
    }

    /// The petition: ticket, kind, process, value.
    pub fn petition(&self) -> (u64, u32, i32, i32) {
        let ticket = word!(self, petition.ticket).load(Ordering::Acquire);
        (ticket, copy_out!(self, petition.kind), copy_out!(self, petition.pid), copy_out!(self, petition.value))
    }

    /// Whether the fault to inject has been injected here.
    pub fn is_hook_done(&self) -> bool {
        word!(self, wait.hook_done).load(Ordering::Acquire) != 0
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        copy_out!(self, stats)
    }

    /// The plan request: ticket, an address of the mapping in the replica, device, inode.
    pub fn plan_request(&self) -> (u64, u64, u64, u64) {
        let ticket = word!(self, plan_request.ticket).load(Ordering::Acquire);
        let (addr, dev, ino) =
            (copy_out!(self, plan_request.addr), copy_out!(self, plan_request.dev), copy_out!(self, plan_request.ino));
        (ticket, addr, dev, ino)
    }

    /// Refused requests entered since `seen`, and the new count. What was overwritten meanwhile is lost.
    pub fn refusals_since(&self, seen: u64) -> (u64, Vec<u64>) {
        let ring = word!(self, refusals);
        let count = word!(self, refusal_count).load(Ordering::Acquire);
        let first = seen.max(count.saturating_sub(ring.len() as u64));
        let entries = (first..count).map(|index| ring[index as usize % ring.len()].load(Ordering::Relaxed));
        (count, entries.filter(|entry| *entry != 0).collect())
    }
}

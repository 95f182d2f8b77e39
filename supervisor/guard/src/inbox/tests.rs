//! Segments of all kinds of madness are read without harm.

#![allow(unsafe_code, reason = "makes segments of zeros")]

extern crate std;

use super::*;
use core::sync::atomic::Ordering;
use proptest::prelude::*;
use std::alloc::{Layout, alloc_zeroed};
use std::boxed::Box;
use std::vec::Vec;

/// A segment of zeros, too large for a stack.
fn segment() -> Box<Segment> {
    // SAFETY: the layout is that of the type, and zeros are valid for it.
    unsafe { Box::from_raw(alloc_zeroed(Layout::new::<Segment>()).cast()) }
}

fn read(segment: &mut Segment) -> Statement {
    // SAFETY: the segment lives longer than the inbox.
    unsafe { Inbox::new(NonNull::from(segment)) }.statement()
}

#[test]
fn reads_back_what_was_posted() {
    let mut raw = segment();
    raw.head.seq.store(70, Ordering::Relaxed);
    raw.head.chain.store(5, Ordering::Relaxed);
    raw.wait.phase.store(phase::PARKED, Ordering::Relaxed);
    raw.fault.kind.store(1, Ordering::Relaxed);
    raw.fault.seq = 70;
    raw.regs.rbx = 9;
    raw.records[70 % RING].seq.store(6, Ordering::Relaxed);
    // 71 is about to be posted, 6 has been overwritten long ago, 100 lies in a slot where it cannot be.
    for (slot, seq) in [(66 % RING, 66), (70 % RING, 70), (71 % RING, 71), (5, 6), (10, 100)] {
        raw.trace[slot].seq = seq;
        raw.trace[slot].nargs = u32::MAX;
    }
    let statement = read(&mut raw);
    assert_eq!((statement.seq, statement.chain, statement.phase), (70, 5, phase::PARKED));
    assert_eq!((statement.fault.kind, statement.fault.seq, statement.regs.rbx), (1, 70, 9));
    let mut seqs: Vec<u64> = statement.requests().map(|slot| slot.seq).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, [66, 70]);
    assert_eq!(statement.request(66).map(|slot| slot.nargs), Some(6));
    assert_eq!((statement.result(66), statement.result(70)), (Some(0), None));
    // SAFETY: the segment lives longer than the inbox.
    let inbox = unsafe { Inbox::new(NonNull::from(&mut *raw)) };
    assert_eq!((inbox.answered(70), inbox.answered(71)), (6, 0));
}

#[test]
fn only_possible_ends_are_ends() {
    let mut raw = segment();
    let mut end = |how, code| {
        raw.ending.how.store(how, Ordering::Relaxed);
        raw.ending.code.store(code, Ordering::Relaxed);
        // SAFETY: the segment lives longer than the inbox.
        unsafe { Inbox::new(NonNull::from(&mut *raw)) }.ending()
    };
    assert_eq!(end(0, 3), None);
    assert_eq!(end(1, 0x103), Some(End::Exit(3)));
    assert_eq!(end(2, 11), Some(End::Signal(11)));
    assert_eq!((end(2, 0), end(2, 65), end(3, 1)), (None, None, None));
}

proptest! {
    #[test]
    fn every_request_taken_is_possible(
        head in prop_oneof![0u64..200, any::<u64>()],
        slots in prop::collection::vec((0usize..RING, prop_oneof![0u64..200, any::<u64>()], any::<u32>()), 0..80),
        asked in any::<u64>(),
    ) {
        let mut raw = segment();
        raw.head.seq.store(head, Ordering::Relaxed);
        for (slot, seq, count) in slots {
            raw.trace[slot].seq = seq;
            (raw.trace[slot].nargs, raw.trace[slot].sample_len) = (count, count);
        }
        let statement = read(&mut raw);
        for request in statement.requests() {
            prop_assert!(request.seq <= head && head - request.seq < RING as u64);
            prop_assert!(request.nargs <= 6 && request.sample_len <= 16);
            prop_assert_eq!(statement.request(request.seq).map(|found| found.seq), Some(request.seq));
        }
        prop_assert!(statement.request(asked).is_none_or(|found| found.seq == asked));
    }
}

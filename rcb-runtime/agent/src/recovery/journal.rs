//! The first of the followers keeps a journal: what every request was answered, with the bytes that belong to it, so that a
//! frozen copy of any replica can be answered the same.
//!
//! Invariant: an entry counts once [`conclude`] has moved the end behind it, and the end moves only when the request is
//! concluded: what is found in the journal was agreed.
#![allow(unsafe_code, reason = "a ring of bytes in shared memory")]

use crate::agree::record::Reply;
use crate::call::Call;
use crate::guest;
use crate::load::proc;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::{Relaxed, Release};
use rcb_abi::journal::{Entry, JOURNAL_ADDR, JOURNAL_BYTES, RECORDED, SKIP, STEP, size, to_end};
use rcb_abi::segment::{ADMITTED, PAYLOAD_BYTES, RING, record_flag};
use rcb_sys::types::{IoVec, Stat};
use rcb_sys::{nr, syscall};

/// The journal as its writer knows it.
pub struct Journal {
    /// This replica writes it.
    pub keeps: bool,
    /// End of the last entry.
    pub end: u64,
    /// Where the latest checkpoint begins in it.
    start: u64,
    /// Nothing is written any more until the next checkpoint: something did not fit.
    lost: bool,
    /// The supervisor knows that a checkpoint would be welcome.
    asked: bool,
    /// The entry of the current request as far as it is known.
    entry: Entry,
}

impl Journal {
    /// Of nobody.
    pub const NONE: Self = Self {
        keeps: false,
        end: 0,
        start: 0,
        lost: false,
        asked: false,
        entry: Entry {
            seq: 0,
            chain: 0,
            result: 0,
            answer: 0,
            digest: 0,
            extra: 0,
            side: 0,
            flags: 0,
            payload: 0,
            signals: 0,
            reserved: 0,
        },
    };
}

/// The ring from a position on.
pub const fn at(position: u64) -> *mut u8 {
    (JOURNAL_ADDR + position % JOURNAL_BYTES) as *mut u8
}

/// The entry at a position.
pub const fn entry_at(position: u64) -> *mut Entry {
    (JOURNAL_ADDR + position % JOURNAL_BYTES / STEP * STEP) as *mut Entry
}

/// Starts the journal of a group, or of a program, anew.
pub fn start(st: &mut State, end: u64) {
    let keeps = st.checkpoints && st.replica == keeper(st.leader);
    st.journal = Journal { keeps, end, start: end, ..Journal::NONE };
}

/// The replica that keeps the journal: the first one that does not lead.
const fn keeper(leader: usize) -> usize {
    if leader == 0 { 1 } else { 0 }
}

/// A replica was replaced: if it kept the journal or led, that begins anew.
pub fn replaced(st: &mut State, victim: usize, former: usize) {
    if victim != keeper(former) && former == st.leader {
        // A copy of another follower keeps none.
        st.journal.keeps &= st.replica != victim;
        return;
    }
    start(st, 0);
    let own = shared::own();
    own.journal_end.store(0, Relaxed);
    own.journal_valid.store(0, Relaxed);
    own.journal_seq.store(st.seq, Release);
}

/// A checkpoint begins here.
pub fn mark(st: &mut State) {
    let journal = &mut st.journal;
    if !journal.keeps {
        return;
    }
    if journal.lost {
        journal.lost = false;
        shared::own().journal_valid.store(journal.end, Relaxed);
    }
    journal.start = journal.end;
    journal.asked = false;
}

/// Makes room behind the end for the current entry with so many bytes of payload, where the oldest ones are. False: it is
/// too large.
fn room(st: &mut State, payload: u64) -> bool {
    let journal = &mut st.journal;
    let most = STEP + payload.next_multiple_of(STEP) + 128 * ADMITTED as u64;
    let valid = &shared::own().journal_valid;
    if journal.lost || most > JOURNAL_BYTES / 2 {
        if !journal.lost {
            journal.lost = true;
            valid.store(u64::MAX, Release);
            crate::fault::notify(st);
        }
        return false;
    }
    let filler = if to_end(journal.end) < most { to_end(journal.end) } else { 0 };
    let oldest = (journal.end + filler + most).saturating_sub(JOURNAL_BYTES);
    if valid.load(Relaxed) < oldest {
        valid.store(oldest, Release);
    }
    if filler > 0 {
        let skip = Entry { flags: SKIP, ..Entry::default() };
        // SAFETY: inside the ring, of which nothing behind the end is in use.
        unsafe { entry_at(journal.end).write(skip) };
        journal.end += filler;
    }
    if journal.end - journal.start > JOURNAL_BYTES / 4 && !journal.asked {
        journal.asked = true;
        crate::fault::notify(st);
    }
    true
}

/// Puts payload into the current entry; `fill` gets the place.
fn payload(st: &mut State, bytes: usize, fill: impl FnOnce(&mut [u8])) {
    if room(st, bytes as u64) {
        // SAFETY: inside the ring, contiguous, of which nothing behind the end is in use.
        fill(unsafe { core::slice::from_raw_parts_mut(at(st.journal.end + STEP), bytes) });
        st.journal.entry.payload = bytes as u32;
    }
}

/// The current request is answered by a record of the leader.
#[cold]
pub fn open(st: &mut State, reply: &Reply) {
    let leader = shared::peer(st.source());
    let entry = &mut st.journal.entry;
    entry.flags = reply.flags | RECORDED;
    entry.answer = reply.result as u64;
    entry.digest = reply.digest;
    entry.extra = reply.extra;
    if reply.flags & record_flag::SIGNALS != 0 {
        entry.signals = leader.admitted[st.seq as usize % RING].count.load(Relaxed).min(ADMITTED as u32);
    }
    let (start, length) = (reply.payload as usize % PAYLOAD_BYTES, reply.payload_len as usize);
    // Wrong lengths are found by whoever takes the payload.
    if let Some(bytes) = leader.payload.get(start..start.saturating_add(length)) {
        payload(st, length, |place| place.copy_from_slice(bytes));
    }
}

/// The bytes that a read of a file by each replica has put into guest memory.
pub fn read_back(st: &mut State, call: &Call, result: u64) {
    if !st.journal.keeps {
        return;
    }
    payload(st, result as usize, |place| {
        let mut done = 0;
        parts(call, result, |address, bytes| {
            let _ = guest::read(address, &mut place[done..done + bytes]);
            done += bytes;
        });
    });
}

/// Bytes that belong to the current request.
pub fn bytes(st: &mut State, bytes: &[u8]) {
    if st.journal.keeps {
        payload(st, bytes.len(), |place| place.copy_from_slice(bytes));
    }
}

/// Visits the parts of guest memory that a read with this result has filled.
pub fn parts(call: &Call, result: u64, mut each: impl FnMut(u64, usize)) {
    if matches!(call.nr, nr::READ | nr::PREAD64) {
        return each(call.args[1], result as usize);
    }
    let mut left = result;
    for k in 0..call.args[2].min(1024) {
        let Ok(part) = guest::get::<IoVec>(call.args[1] + 16 * k) else { break };
        let bytes = part.len.min(left);
        left -= bytes;
        each(part.base, bytes as usize);
    }
}

/// A file that is mapped, as a copy of this process could find it again: device, inode, access mode, path.
pub fn file(st: &mut State, fd: u64) {
    if !st.journal.keeps {
        return;
    }
    let mut words = [0u64; 3];
    let mut path = [0u8; 1024];
    let (stat, mode) = identity(fd);
    words.copy_from_slice(&[stat.dev, stat.ino, mode]);
    let length = proc::name_of(fd, &mut path);
    let length = usize::try_from(length).unwrap_or(0);
    payload(st, 24 + length, |place| {
        for (place, word) in place.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        place[24..].copy_from_slice(&path[..length]);
    });
}

/// What a descriptor stands for, and its access mode.
pub fn identity(fd: u64) -> (Stat, u64) {
    const F_GETFL: u64 = 3;
    const O_ACCMODE: u64 = 3;
    let mut stat = Stat::default();
    // SAFETY: writes a local; asks.
    let mode = unsafe {
        syscall!(nr::FSTAT, fd, &raw mut stat, 0, 0, 0, 0);
        syscall!(nr::FCNTL, fd, F_GETFL, 0, 0, 0, 0)
    };
    (stat, mode as u64 & O_ACCMODE)
}

/// A value that went beside the record of the current request.
pub fn side(st: &mut State, value: u64) {
    st.journal.entry.side = value;
}

/// The current request is concluded: its entry counts.
#[cold]
pub fn conclude(st: &mut State, result: i64) {
    let mut entry = core::mem::take(&mut st.journal.entry);
    if entry.payload == 0 && !room(st, 0) {
        return;
    }
    if st.journal.lost {
        return;
    }
    (entry.seq, entry.chain, entry.result) = (st.seq, st.chain, result as u64);
    let end = st.journal.end;
    let signals = end + STEP + u64::from(entry.payload).next_multiple_of(STEP);
    let admitted = &shared::peer(st.source()).admitted[st.seq as usize % RING].infos;
    // SAFETY: `room` has been made for all of it.
    unsafe {
        entry_at(end).write(entry);
        let words = admitted.as_ptr().cast::<u8>();
        at(signals).copy_from_nonoverlapping(words, 128 * entry.signals as usize);
    }
    st.journal.end = end + size(&entry);
    shared::own().journal_end.store(st.journal.end, Release);
    shared::own().journal_seq.store(st.seq, Release);
}

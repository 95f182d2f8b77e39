//! A copy that was frozen goes on: until the end of the journal it is answered from there, and nothing is performed that
//! others could see.
//!
//! ```text
//!  journal:  S+1 ... E      answered from the journal, compared with it
//!  E+1                      answered by the leader's record, if that is there
//!  then                     live: the replicas meet again, one of them leads
//! ```
//!
//! Calls that change the table of descriptors, the working directory or the mask of modes are not performed: a frozen copy
//! shares these with the process that it was made of, and finds them as that has left them.
//!
//! Invariant: every request made again has the chain that the journal has for it, and the same result; otherwise the
//! replica stops.
#![allow(unsafe_code, reason = "reads the journal, opens files")]

use super::{journal, refuse};
use crate::agree::record::Reply;
use crate::call::Call;
use crate::guest;
use crate::shared;
use crate::state::{FdKind, State};
use crate::{arrivals, load};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use rcb_abi::fault::{heal_site, replay_difference};
use rcb_abi::journal::{Entry, RECORDED, SKIP, STEP, size, to_end};
use rcb_abi::segment::RING;
use rcb_sys::errno::is_error;
use rcb_sys::{nr, syscall};
use rcb_syscalls::spec::{Arg, Exec, Handler};

/// How far a copy has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// It is not live yet.
    pub on: bool,
    /// The current entry of the journal.
    at: u64,
    /// Its end.
    end: u64,
    /// The request that the leader's record answers; 0 for none.
    answered: u64,
    /// Who leads once all are live.
    pub leader: usize,
    /// The first live request has been posted, and the supervisor wants to know how.
    reports: bool,
}

impl Replay {
    /// Nothing to do again.
    pub const OFF: Self = Self { on: false, at: 0, end: 0, answered: 0, leader: 0, reports: false };
}

/// Begins, by the latest order. Nobody leads meanwhile.
pub fn begin(st: &mut State) {
    let order = &super::order().rollback;
    let (at, end) = (order.start.load(Relaxed), order.end.load(Relaxed));
    let leader = st.leader;
    st.replay = Replay { on: true, at, end, answered: order.answered.load(Relaxed), leader, reports: false };
    if st.leads() {
        st.leader = (leader + 1) % st.n;
    }
    // The journal goes on where it ends.
    st.journal.end = end;
    seen(st, 1);
}

/// Whether the order that began this counts as followed: as long as it does not, every post asks [`attend`].
fn seen(st: &mut State, less: u32) {
    st.epoch = super::order().epoch.load(Acquire).wrapping_sub(less);
}

/// A program was executed and had done nothing yet: this is where what was done before ends.
pub fn before_execve(st: &mut State) {
    let goes_on = is_answered_again(st) && current(st).seq == st.seq;
    if st.replay.on && !goes_on {
        st.replay.end = st.replay.at;
        st.replay.answered = 0;
        st.journal.end = st.replay.at;
        go_live(st);
    }
}

/// Before a request is posted: whether this is the first live one, or the one behind it.
pub fn attend(st: &mut State) {
    if st.replay.reports {
        let trace = &shared::own().trace[st.seq as usize % RING];
        let [seq, chain] = &shared::own().retried;
        chain.store(trace.chain, Relaxed);
        seq.store(st.seq, Release);
        st.replay = Replay::OFF;
        seen(st, 0);
        crate::fault::notify(st);
        return;
    }
    if is_answered_again(st) || st.seq < st.replay.answered {
        return;
    }
    go_live(st);
}

fn go_live(st: &mut State) {
    live(st);
    st.replay.reports = true;
    if st.leads() {
        let answer = &shared::own().records[st.replay.answered as usize % RING];
        if st.replay.answered != 0 {
            // A follower may still have to read what belongs to it.
            let end = answer.payload.load(Relaxed) + u64::from(answer.payload_len.load(Relaxed)).next_multiple_of(64);
            st.payload_pos = st.payload_pos.max(end);
        }
        super::take_over(st);
    }
}

fn live(st: &mut State) {
    st.replay.on = false;
    st.leader = st.replay.leader;
    // What descriptors are was not followed.
    for kind in st.kinds.iter_mut().filter(|kind| **kind != FdKind::OwnDescriptors) {
        *kind = FdKind::Unknown;
    }
}

/// A child has nothing to do again.
pub fn leave_behind(st: &mut State) {
    if st.replay.on {
        live(st);
    }
    st.replay = Replay::OFF;
}

/// Whether the current request has an entry in the journal.
pub const fn is_answered_again(st: &State) -> bool {
    st.replay.on && st.replay.at != st.replay.end
}

/// Whether the descriptors that the current request makes are there: they are those of the process before, or this is
/// the leader's copy.
pub const fn has_them(st: &State) -> bool {
    is_answered_again(st) || (st.replay.on && st.replay.leader == st.replica)
}

/// This request is not what it was; `how` is one of [`replay_difference`].
fn differs(st: &State, how: u64) -> ! {
    let nr = shared::own().head.nr.load(Relaxed);
    refuse(st, heal_site::REPLAY, how << 32 | u64::from(nr))
}

/// The entry that is next in the journal.
fn current(st: &mut State) -> Entry {
    // SAFETY: inside the ring, whose writer is gone or is this replica.
    let read = |position: u64| unsafe { journal::entry_at(position).read_volatile() };
    let entry = read(st.replay.at);
    if entry.flags & SKIP == 0 {
        return entry;
    }
    st.replay.at += to_end(st.replay.at);
    read(st.replay.at)
}

/// The same, which must be that of the current request.
fn entry(st: &mut State) -> Entry {
    let entry = current(st);
    let left = st.replay.end.wrapping_sub(st.replay.at);
    if entry.seq != st.seq || size(&entry) > left {
        differs(st, replay_difference::ORDER);
    }
    if entry.chain != st.chain {
        differs(st, replay_difference::REQUEST);
    }
    entry
}

/// The record that answers the current request.
pub fn record(st: &mut State) -> Reply {
    if !is_answered_again(st) {
        let record = &shared::peer(st.replay.leader).records[st.seq as usize % RING];
        let Some(reply) = Reply::of(record, st.seq, st.chain) else { differs(st, replay_difference::ORDER) };
        if st.journal.keeps {
            journal::open(st, &reply);
        }
        return reply;
    }
    let entry = entry(st);
    if entry.flags & RECORDED == 0 {
        differs(st, replay_difference::ORDER);
    }
    Reply {
        result: entry.answer as i64,
        payload: 0,
        payload_len: entry.payload,
        flags: entry.flags & !RECORDED,
        digest: entry.digest,
        extra: entry.extra,
    }
}

/// The payload of the current entry.
pub fn payload(st: &mut State) -> &'static [u8] {
    let entry = entry(st);
    // SAFETY: inside the ring, contiguous.
    unsafe { core::slice::from_raw_parts(journal::at(st.replay.at + STEP), entry.payload as usize) }
}

/// The signals that go with the current entry.
pub fn signals(st: &mut State) -> &'static [[u64; 16]] {
    let entry = entry(st);
    let from = st.replay.at + STEP + u64::from(entry.payload).next_multiple_of(STEP);
    // SAFETY: inside the ring, contiguous, in steps of 128 bytes; integers accept any bits.
    unsafe { core::slice::from_raw_parts(journal::at(from).cast(), entry.signals as usize) }
}

/// A value that went beside the record of the current request: what it was then, or what it is now.
pub fn side(st: &mut State, now: u64) -> u64 {
    if is_answered_again(st) {
        return entry(st).side;
    }
    journal::side(st, now);
    now
}

/// Whether a call changes, or asks for, what a copy shares with its replica.
fn is_shared(call: &Call) -> bool {
    const UMASK: u32 = 95;
    match call.row.exec {
        Exec::Each => call.nr == UMASK || call.row.args.iter().any(|arg| matches!(arg, Arg::Fd | Arg::Path)),
        Exec::Handled(handler) => matches!(handler, Handler::Close | Handler::CloseRange | Handler::Dup),
        _ => false,
    }
}

/// The result of a call that is not performed again. The replica that this is a copy of may have been lost before it
/// performed its last one.
pub fn known(st: &mut State, call: &Call) -> Option<i64> {
    let [seq, result] = &shared::own().table_changed;
    if is_shared(call) {
        let last = seq.load(Relaxed);
        return if last < st.seq {
            None
        } else if is_answered_again(st) {
            Some(entry(st).result as i64)
        } else {
            (last == st.seq).then(|| result.load(Relaxed) as i64)
        };
    }
    let fails = |st: &mut State| Some(entry(st).result as i64).filter(|result| is_error(*result));
    if is_answered_again(st) && matches!(call.row.exec, Exec::Handled(Handler::Mmap)) { fails(st) } else { None }
}

/// A call has been performed: remembers if a copy must not do that again.
#[inline]
pub fn performed(st: &State, call: &Call, result: i64) {
    if st.checkpoints && is_shared(call) {
        let [seq, last] = &shared::own().table_changed;
        last.store(result as u64, Relaxed);
        seq.store(st.seq, Relaxed);
    }
}

/// Puts the bytes back that a read by each replica has brought.
pub fn read_again(st: &mut State, call: &Call, result: u64) {
    let bytes = payload(st);
    if bytes.len() as u64 != result {
        differs(st, replay_difference::BYTES);
    }
    let mut done = 0;
    journal::parts(call, result, |address, length| {
        let _ = guest::write(address, &bytes[done..done + length]);
        done += length;
    });
}

/// A file to be mapped again.
pub struct File {
    /// Open for reading.
    pub fd: u64,
    /// How the guest had opened it.
    pub mode: u64,
    /// To be closed afterwards.
    pub is_ours: bool,
}

/// Finds the file of the current mapping: under the number it had, or by its path.
pub fn file(st: &mut State, fd: u64) -> File {
    let note = payload(st);
    if note.len() < 24 {
        differs(st, replay_difference::FILE);
    }
    let word = |k: usize| note[8 * k..8 * k + 8].iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let is_it = |fd: u64| {
        let (stat, _) = journal::identity(fd);
        (stat.dev, stat.ino) == (word(0), word(1))
    };
    let mode = word(2);
    if is_it(fd) {
        return File { fd, mode, is_ours: false };
    }
    let mut path = [0u8; 1025];
    path[..note.len() - 24].copy_from_slice(&note[24..]);
    match load::elf::open(path.as_ptr() as u64) {
        Ok(fd) if is_it(fd) => File { fd, mode, is_ours: true },
        _ => differs(st, replay_difference::FILE),
    }
}

/// Closes what [`file`] has opened.
pub fn done_with(file: &File) {
    if file.is_ours {
        // SAFETY: closes a descriptor of the agent.
        unsafe { syscall!(nr::CLOSE, file.fd, 0, 0, 0, 0, 0) };
    }
}

/// The current request is concluded.
pub fn conclude(st: &mut State, result: i64) {
    if !is_answered_again(st) {
        if st.journal.keeps {
            journal::conclude(st, result);
        }
        return;
    }
    let entry = entry(st);
    if entry.result != result as u64 {
        differs(st, replay_difference::RESULT);
    }
    st.replay.at += size(&entry);
}

/// Signals of a time that is over are nobody's any more.
pub fn forget_signals(st: &State) {
    let (every, nothing) = (!0u64, [0u64; 2]);
    loop {
        // SAFETY: takes what is pending for this process, whatever it is.
        let got = unsafe { syscall!(nr::RT_SIGTIMEDWAIT, &raw const every, 0, &raw const nothing, 8, 0, 0) };
        if got <= 0 {
            break;
        }
    }
    arrivals::forget(st);
}

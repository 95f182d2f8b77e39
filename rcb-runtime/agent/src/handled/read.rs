//! read, pread64, readv, preadv, preadv2: moving a large read through the log costs more than reading the page cache
//! again. Followers therefore repeat large reads of regular files themselves, at the leader's position, and compare a
//! digest of what they got. Small reads of regular files may run ahead, because their effect (the file position) could
//! be undone.
#![allow(unsafe_code, reason = "looks at descriptors with calls of the agent, reads the registers of the current call")]

use crate::agree::record::Reply;
use crate::agree::{meet, post, record};
use crate::arrivals;
use crate::call::{Answer, Call, each, follow, meets, once, performed, post_event};
use crate::fault::{Words, park};
use crate::guest;
use crate::hook;
use crate::load::proc;
use crate::recovery;
use crate::shared;
use crate::state::{FdKind, State, scratch};
use core::sync::atomic::Ordering::Relaxed;
use rcb_abi::fault::kind;
use rcb_abi::segment::{PAYLOAD_MAX, PIECE, phase, record_flag};
use rcb_sys::errno::{EINVAL, fail, is_error};
use rcb_sys::types::{IoVec, Stat};
use rcb_sys::{nr, syscall};

/// Reads of at least this many bytes are repeated by the followers.
const REREAD_MIN: u64 = 4096;
/// A follower whose bytes differ reads again so often before it reports that the file changed.
const RETRIES: u32 = 3;
const SEEK_CUR: u64 = 1;

/// The call.
pub fn read(st: &mut State, call: &Call) -> Answer {
    if st.n == 1 {
        return once(st, call, false, |_, args| signals_told(args, performed(call, args)));
    }
    let mut done = 0;
    if !st.leads() {
        let followed = if divisible(call) { follow_pieces(st, call, &mut done) } else { follow(st, call) };
        if let Some(answer) = followed {
            return answer;
        }
    }
    let regular = kind_of(st, call.args[0]) == FdKind::Regular;
    let vector = !matches!(call.nr, nr::READ | nr::PREAD64);
    let total = if vector { total(call) } else { call.args[2] };
    if regular && total >= REREAD_MIN && done == 0 {
        return lead_reread(st, call);
    }
    let meet = (meets(call.row.class) && !regular) || recovery::meets(st, call.nr);
    if divisible(call) {
        return lead_pieces(st, call, done, meet);
    }
    if vector && total > PAYLOAD_MAX as u64 {
        return once(st, call, meet, |_, args| performed(call, &shortened(*args)));
    }
    once(st, call, meet, |_, args| signals_told(args, performed(call, args)))
}

/// A read has ended with this: if it was of a signalfd, what is told of children is corrected.
fn signals_told(args: &[u64; 6], result: i64) -> i64 {
    const ENTRY: i64 = 128;
    let [fd, at, ..] = *args;
    let first = if result > 0 && result % ENTRY == 0 { guest::get::<u32>(at).unwrap_or(0) } else { 0 };
    if (1..=64).contains(&first) && is_signalfd(fd) {
        (at..at + result as u64).step_by(ENTRY as usize).for_each(arrivals::correct_told);
    }
    result
}

fn is_signalfd(fd: u64) -> bool {
    const NAME: &[u8] = b"anon_inode:[signalfd]";
    let mut link = [0u8; 32];
    proc::name_of(fd, &mut link) == NAME.len() as i64 && link.starts_with(NAME)
}

/// Whether a read is larger than one record can carry and can be done in pieces.
fn divisible(call: &Call) -> bool {
    matches!(call.nr, nr::READ | nr::PREAD64) && call.args[2] > PAYLOAD_MAX as u64
}

/// The arguments for the piece behind `done` bytes.
fn piece(call: &Call, done: u64) -> [u64; 6] {
    let [fd, at, bytes, position, ..] = call.args;
    [fd, at + done, (bytes - done).min(PAYLOAD_MAX as u64), position.wrapping_add(done), 0, 0]
}

/// A large read of something that is not repeated by the followers goes through the log in pieces, each a request of
/// its own, as long as the kernel would go on: devices and files fill the whole buffer, pipes and sockets need not.
fn lead_pieces(st: &mut State, call: &Call, mut done: u64, meet: bool) -> Answer {
    let fills = fills_buffer(call.args[0]);
    loop {
        let args = piece(call, done);
        if meet && (!st.strict || done > 0) {
            meet::all(st);
        }
        let result = begin(st, call, args, phase::BLOCKED);
        shared::own().wait.phase.store(phase::RUN, Relaxed);
        let more = fills && result == args[2] as i64 && done + args[2] < call.args[2];
        let delivered = record::publish(st, Some(call.row), &args, &call.entry, result, 0, u64::from(more));
        if !more {
            return Answer { result: total_of(done, result), delivered };
        }
        done += args[2];
        next_piece(st, result, delivered);
    }
}

/// Has the kernel perform a read whose effect must be known should this process be lost.
fn begin(st: &mut State, call: &Call, args: [u64; 6], phase: u32) -> i64 {
    // A read that the former leader had begun is taken back, and begun anew.
    let _ = recovery::settled(st, call);
    let wait = &shared::own().wait;
    wait.intent.store(st.seq, Relaxed);
    wait.phase.store(phase, Relaxed);
    hook::begun(st);
    let result = each(call.nr, args);
    hook::performed(st);
    recovery::account(st, call.nr, &args, result);
    result
}

/// The followers' part of [`lead_pieces`], which are told with each piece whether another one follows. `None`: this
/// replica leads now, from the piece behind `done` bytes.
fn follow_pieces(st: &mut State, call: &Call, done: &mut u64) -> Option<Answer> {
    loop {
        let args = piece(call, *done);
        let reply = meet::record(st)?;
        let result = reply.result;
        if reply.flags & record_flag::REREAD != 0 {
            return Some(reread(st, call, &reply));
        }
        let delivered = record::take(st, &reply, Some(call.row), &args, &call.entry);
        if reply.extra == 0 || *done + args[2] >= call.args[2] {
            return Some(Answer { result: total_of(*done, result), delivered });
        }
        *done += args[2];
        next_piece(st, result, delivered);
    }
}

/// Result of the whole read: an error counts only if nothing was read before.
fn total_of(done: u64, last: i64) -> i64 {
    if last < 0 && done > 0 { done as i64 } else { last.saturating_add_unsigned(done) }
}

/// Ends the request of one piece and posts that of the next.
fn next_piece(st: &mut State, result: i64, delivered: u64) {
    post::conclude(st, result, delivered);
    // SAFETY: registers of the call being handled.
    let regs = unsafe { *st.regs };
    let outer = st.regs;
    post_event(st, &regs, PIECE, [0; 6], 0);
    st.regs = outer;
}

/// Whether the kernel fills the whole buffer of a read: files and devices, not pipes and sockets.
fn fills_buffer(fd: u64) -> bool {
    let mut stat = Stat::default();
    // SAFETY: writes a local.
    let result = unsafe { syscall!(nr::FSTAT, fd, &raw mut stat, 0, 0, 0, 0) };
    !is_error(result) && matches!(stat.mode & 0o170_000, 0o100_000 | 0o020_000 | 0o060_000)
}

/// Sum of an iovec's lengths.
fn total(call: &Call) -> u64 {
    (0..call.args[2].min(1024))
        .map(|k| guest::get::<IoVec>(call.args[1] + 16 * k).map_or(0, |part| part.len))
        .fold(0, u64::saturating_add)
}

/// Cuts an iovec so that the result fits into the payload ring; a short read is the kernel's right.
fn shortened(mut args: [u64; 6]) -> [u64; 6] {
    let words = &mut scratch().words;
    let mut left = PAYLOAD_MAX as u64;
    let count = args[2].min(1024);
    for k in 0..count as usize {
        let Ok(part) = guest::get::<IoVec>(args[1] + 16 * k as u64) else { return args };
        if (part.len as i64) < 0 {
            // The kernel says what it says to the guest's own array.
            return args;
        }
        let bytes = part.len.min(left);
        left -= bytes;
        words[2 * k] = part.base;
        words[2 * k + 1] = bytes;
    }
    args[1] = words.as_ptr() as u64;
    args
}

/// What a descriptor is; looked up once. Regular means: has blocks on a disk or in tmpfs, so that reading it twice
/// gives the same bytes (files of /proc and /sys have no blocks).
fn kind_of(st: &mut State, fd: u64) -> FdKind {
    let index = fd as u32 as usize;
    if let Some(known) = st.kinds.get(index)
        && *known != FdKind::Unknown
    {
        return *known;
    }
    let mut stat = Stat::default();
    // SAFETY: writes a local.
    let result = unsafe { syscall!(nr::FSTAT, fd, &raw mut stat, 0, 0, 0, 0) };
    let regular = !is_error(result) && stat.mode & 0o170_000 == 0o100_000 && stat.blocks > 0;
    let kind = if regular { FdKind::Regular } else { FdKind::Other };
    // A regular file without blocks may get some.
    let settled = regular || stat.mode & 0o170_000 != 0o100_000;
    if !is_error(result)
        && settled
        && let Some(slot) = st.kinds.get_mut(index)
    {
        *slot = kind;
    }
    kind
}

/// Where a positioned read reads.
fn explicit_position(call: &Call) -> Option<u64> {
    match call.nr {
        nr::PREAD64 | nr::PREADV => Some(call.args[3]),
        nr::PREADV2 if call.args[3] as i64 != -1 => Some(call.args[3]),
        _ => None,
    }
}

fn lead_reread(st: &mut State, call: &Call) -> Answer {
    if recovery::meets(st, call.nr) && !st.strict {
        meet::all(st);
    }
    let result = begin(st, call, call.args, phase::RUN);
    if result < 0 {
        let delivered = record::publish(st, Some(call.row), &call.args, &call.entry, result, 0, 0);
        return Answer { result, delivered };
    }
    let position = explicit_position(call).unwrap_or_else(|| {
        // SAFETY: asks for the position of the guest's descriptor.
        let now = unsafe { syscall!(nr::LSEEK, call.args[0], 0, SEEK_CUR, 0, 0, 0) };
        now.wrapping_sub(result) as u64
    });
    let delivered = digest_read(call, result as u64);
    record::publish_reread(st, result, delivered, position);
    Answer { result, delivered }
}

/// Digest of the bytes a read has put into guest memory.
fn digest_read(call: &Call, result: u64) -> u64 {
    if matches!(call.nr, nr::READ | nr::PREAD64) {
        return guest::digest(call.args[1], result as usize);
    }
    let (mut digest, mut k) = (0, 0);
    recovery::journal::parts(call, result, |address, bytes| {
        digest = rcb_vote::digest::chain_result(digest, guest::digest(address, bytes), k);
        k += 1;
    });
    digest
}

/// Follower: reads the same bytes at the leader's position.
pub fn reread(st: &mut State, call: &Call, reply: &Reply) -> Answer {
    let Reply { result, digest: expected, extra: position, .. } = *reply;
    if recovery::replay::is_answered_again(st) {
        recovery::replay::read_again(st, call, result as u64);
        return Answer { result, delivered: expected };
    }
    for _ in 0..RETRIES {
        let got = if matches!(call.nr, nr::READ | nr::PREAD64) {
            let got = each(nr::PREAD64, [call.args[0], call.args[1], result as u64, position, 0, 0]);
            // O_DIRECT wants whole blocks, even at the end of a file.
            if got == fail(EINVAL) {
                each(nr::PREAD64, [call.args[0], call.args[1], call.args[2], position, 0, 0])
            } else {
                got
            }
        } else {
            each(nr::PREADV, [call.args[0], call.args[1], call.args[2], position, 0, 0])
        };
        if got >= result && digest_read(call, result as u64) == expected {
            shared::own().stats.bytes_reread += result as u64;
            recovery::account(st, nr::PREAD64, &call.args, got);
            recovery::journal::read_back(st, call, result as u64);
            return Answer { result, delivered: expected };
        }
    }
    park(st, Words::new(kind::INPUT_CHANGED, position, call.args[0]))
}

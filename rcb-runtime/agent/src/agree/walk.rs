//! The bytes that a row names: the walk over inputs (for the digest) and over outputs (for the payload). Leader and
//! followers use the same walk, so what is copied out is what is copied in.

use super::reach;
use crate::guest;
use crate::state::{State, scratch};
use rcb_abi::{AGENT_END, AGENT_START};
use rcb_sys::types::{IoVec, MsgHdr};
use rcb_syscalls::spec::{Arg, Len, Row};
use rcb_vote::digest::chain_result;

/// What has to be remembered from before the call: lengths behind pointers that the call overwrites.
#[derive(Clone, Copy, Default)]
pub struct Entry {
    /// `Len::Pointed`: the `u32` behind argument i on entry.
    pub pointed: [u32; 6],
    /// A `msghdr` on entry.
    pub message: MsgHdr,
}

/// Digest of all input bytes, first bytes of the first input, lengths to remember.
pub struct Inputs {
    /// Combined digest; 0 if the row names no input.
    pub digest: u64,
    /// First bytes.
    pub sample: [u8; 16],
    /// How many.
    pub sample_len: u32,
    /// For the outputs.
    pub entry: Entry,
    /// Bytes hashed.
    pub bytes: u64,
    /// A buffer of the call lies in the agent's memory: the call must fail as if nothing were mapped there.
    pub forbidden: bool,
    /// Whether bytes are hashed (with one replica there is nobody to compare with).
    hash: bool,
}

impl Inputs {
    /// Nothing read.
    pub fn none(hash: bool) -> Self {
        Self { digest: 0, sample: [0; 16], sample_len: 0, entry: Entry::default(), bytes: 0, forbidden: false, hash }
    }
}

/// Most elements of an iovec array (UIO_MAXIOV).
const IOV_MAX: u64 = 1024;

/// Length in bytes of an input or of the room for an output, from the arguments alone.
fn room(len: Len, args: &[u64; 6], entry: &Entry) -> usize {
    let arg = |i: u8| args[usize::from(i)];
    // Counts are ints: the kernel refuses negative ones and then touches nothing.
    let count = |i: u8| (args[usize::from(i)] as i32).max(0) as u64;
    let bytes = match len {
        Len::Bytes(n) => u64::from(n),
        Len::Arg(a) | Len::Result { cap: a } => arg(a),
        Len::Times { arg: a, size } | Len::ResultTimes { cap: a, size } => count(a).saturating_mul(u64::from(size)),
        Len::Pointed { arg: a } => u64::from(entry.pointed[usize::from(a)]),
        Len::FdSet { nfds: a } | Len::BitMask { bits: a } => count(a).div_ceil(64) * 8,
        Len::Pages { arg: a } => arg(a).div_ceil(4096),
        Len::Msg { arg: a } | Len::MsgResult { cap: a } => arg(a).saturating_add(8),
        Len::Sized | Len::FileHandle => 0,
    };
    usize::try_from(bytes).unwrap_or(usize::MAX).min(0x7fff_f000)
}

/// Length of an output once the result is known; all of its room if the call stumbled.
fn outcome(len: Len, at: u64, args: &[u64; 6], entry: &Entry, result: i64) -> usize {
    let room = room(len, args, entry);
    match len {
        Len::Sized | Len::FileHandle => behind(len, at),
        _ if reach::stumbled(result) => room,
        Len::Result { .. } => reach::buffer(at, room.min(result as usize), room),
        Len::ResultTimes { size, .. } => reach::buffer(at, room.min(result as usize * usize::from(size)), room),
        Len::MsgResult { .. } => room.min(result as usize + 8),
        Len::Pointed { arg } => room.min(guest::get::<u32>(args[usize::from(arg)]).unwrap_or(0) as usize),
        _ => room,
    }
}

/// Bytes of outputs whose length the result does not limit: they must fit into the payload ring.
pub fn fixed_room(row: &Row, args: &[u64; 6], entry: &Entry) -> usize {
    row.args.iter().zip(args).fold(0usize, |sum, (arg, at)| match arg {
        Arg::Out(len) | Arg::InOut(len) if *at != 0 && !matches!(len, Len::Result { .. } | Len::ResultTimes { .. }) => {
            sum.saturating_add(room(*len, args, entry))
        }
        _ => sum,
    })
}

/// Lengths that stand at the start of the structure itself.
fn behind(len: Len, at: u64) -> usize {
    let first = guest::get::<u32>(at).unwrap_or(0) as usize;
    match len {
        Len::FileHandle => 8 + first.min(128),
        _ => first.min(4096),
    }
}

/// Reads everything that goes into the call.
pub fn inputs(row: &Row, args: &[u64; 6], hash: bool) -> Inputs {
    let mut all = Inputs::none(hash);
    let mut paths = 0;
    scratch().path_len = [0; 2];
    for (i, arg) in row.args.iter().enumerate() {
        let at = args[i];
        // Room of value-result buffers first: the outputs need it.
        if let Arg::Out(Len::Pointed { arg: p }) | Arg::InOut(Len::Pointed { arg: p }) = arg {
            all.entry.pointed[usize::from(*p)] = guest::get::<u32>(args[usize::from(*p)]).unwrap_or(0);
        }
        if at == 0 {
            continue;
        }
        if (AGENT_START..AGENT_END).contains(&at) && !matches!(arg, Arg::Int | Arg::Fd | Arg::Flags(_) | Arg::Addr) {
            all.forbidden = true;
        }
        match arg {
            Arg::Path | Arg::Name => {
                let scratch = scratch();
                let slot = paths & 1;
                paths += 1;
                let text = &mut scratch.paths[slot];
                let length = guest::string(at, text).ok().flatten().unwrap_or(0);
                scratch.path_len[slot] = length;
                all.take_slice(i, &text[..length]);
            }
            Arg::Strv if hash => all.strings(i, at),
            Arg::In(len) | Arg::InOut(len) | Arg::SigMask(len) => {
                let bytes = match len {
                    Len::Sized | Len::FileHandle => behind(*len, at),
                    _ => room(*len, args, &all.entry),
                };
                all.take(i, at, bytes);
            }
            Arg::SigMaskIndirect => {
                if let Ok([mask, size]) = guest::get::<[u64; 2]>(at)
                    && mask != 0
                {
                    all.take(i, mask, size.min(128) as usize);
                }
            }
            Arg::InVec { count } => all.vector(i, at, args[usize::from(*count)], true),
            Arg::OutVec { count } => all.vector(i, at, args[usize::from(*count)], false),
            Arg::MsgIn => all.message(i, at, true),
            Arg::MsgOut => all.message(i, at, false),
            Arg::MmsgIn { count } | Arg::MmsgOut { count } => {
                for k in 0..(args[usize::from(*count)] & 0xffff_ffff).min(IOV_MAX) {
                    all.message(i, at + 64 * k, matches!(arg, Arg::MmsgIn { .. }));
                }
            }
            Arg::Int | Arg::Fd | Arg::Flags(_) | Arg::Addr | Arg::Out(_) | Arg::Strv => {}
        }
    }
    all
}

impl Inputs {
    fn mix(&mut self, position: usize, digest: u64) {
        self.digest = chain_result(self.digest, digest, position as u64 + 1);
    }

    fn take(&mut self, position: usize, at: u64, bytes: usize) {
        if !self.hash {
            return;
        }
        self.bytes += bytes as u64;
        if self.sample_len == 0 {
            let n = bytes.min(16);
            if guest::read(at, &mut self.sample[..n]).is_ok() {
                self.sample_len = n as u32;
            }
        }
        self.mix(position, guest::digest(at, bytes));
    }

    fn take_slice(&mut self, position: usize, bytes: &[u8]) {
        if !self.hash {
            return;
        }
        self.bytes += bytes.len() as u64;
        if self.sample_len == 0 {
            let n = bytes.len().min(16);
            self.sample[..n].copy_from_slice(&bytes[..n]);
            self.sample_len = n as u32;
        }
        self.mix(position, rcb_vote::digest::bytes(bytes));
    }

    fn strings(&mut self, position: usize, at: u64) {
        let scratch = scratch();
        // One string may have up to 128 KiB: hash it piece by piece.
        for k in 0..0x4_0000 {
            let Ok(start) = guest::get::<u64>(at + 8 * k) else {
                self.mix(position, u64::MAX);
                return;
            };
            if start == 0 {
                return;
            }
            let mut done = 0u64;
            while done < 0x2_0000 {
                match guest::string(start + done, &mut scratch.rewritten) {
                    Ok(Some(n)) => {
                        self.take_slice(position, &scratch.rewritten[..n]);
                        break;
                    }
                    Ok(None) => {
                        self.take_slice(position, &scratch.rewritten);
                        done += scratch.rewritten.len() as u64;
                    }
                    Err(guest::BadAddress) => {
                        self.mix(position, u64::MAX);
                        break;
                    }
                }
            }
        }
    }

    fn vector(&mut self, position: usize, at: u64, count: u64, with_data: bool) {
        let count = (count & 0xffff_ffff).min(IOV_MAX);
        self.take(position, at, 16 * count as usize);
        for k in 0..count {
            let Ok(part) = guest::get::<IoVec>(at + 16 * k) else { break };
            self.forbidden |= (AGENT_START..AGENT_END).contains(&part.base);
            if with_data {
                self.take(position, part.base, part.len.min(0x7fff_f000) as usize);
            }
        }
    }

    fn message(&mut self, position: usize, at: u64, with_data: bool) {
        let Ok(head) = guest::get::<MsgHdr>(at) else {
            self.mix(position, u64::MAX);
            return;
        };
        self.entry.message = head;
        self.take(position, at, size_of::<MsgHdr>());
        if with_data {
            if head.name != 0 {
                self.take(position, head.name, (head.namelen & 0xffff_ffff).min(128) as usize);
            }
            if head.control != 0 {
                self.take(position, head.control, head.controllen.min(0x1_0000) as usize);
            }
        }
        self.vector(position, head.iov, head.iovlen, with_data);
    }
}

/// Where an output goes.
pub trait Sink {
    /// One contiguous output; `bytes` is the exact length at the leader and the room at a follower.
    fn piece(&mut self, st: &mut State, at: u64, bytes: usize);
    /// A number that the leader knows: given by it, returned to all.
    fn number(&mut self, st: &mut State, value: u64) -> u64;
}

/// Visits every output of a call in a fixed order.
pub fn outputs(st: &mut State, row: &Row, args: &[u64; 6], entry: &Entry, result: i64, sink: &mut impl Sink) {
    let leads = st.leads();
    for (i, arg) in row.args.iter().enumerate() {
        let at = args[i];
        if at == 0 {
            continue;
        }
        match arg {
            Arg::Out(len) | Arg::InOut(len) => {
                let bytes = match (leads, len) {
                    (false, Len::Pointed { .. } | Len::Result { .. } | Len::ResultTimes { .. }) => {
                        room(*len, args, entry)
                    }
                    (false, Len::Sized | Len::FileHandle) => 4096,
                    _ => outcome(*len, at, args, entry, result),
                };
                sink.piece(st, at, bytes);
            }
            Arg::OutVec { count } => spread(st, at, args[usize::from(*count)], result, sink),
            Arg::MsgOut => message_out(st, at, entry.message, result, sink),
            Arg::MmsgOut { .. } => mmsg_out(st, at, result, sink),
            Arg::MmsgIn { .. } => {
                for k in 0..messages(result) {
                    sink.piece(st, at + 64 * k + 56, 4);
                }
            }
            _ => {}
        }
    }
}

/// Messages that a call has worked on: at least one if it stumbled.
fn messages(result: i64) -> u64 {
    if reach::stumbled(result) { 1 } else { (result as u64).min(IOV_MAX) }
}

fn spread(st: &mut State, at: u64, count: u64, result: i64, sink: &mut impl Sink) {
    let count = (count & 0xffff_ffff).min(IOV_MAX);
    let written = if st.leads() { reach::vector(at, count, result) } else { 0 };
    let mut left = sink.number(st, written);
    for k in 0..count {
        if left == 0 {
            break;
        }
        let Ok(part) = guest::get::<IoVec>(at + 16 * k) else { break };
        let bytes = part.len.min(left);
        left -= bytes;
        sink.piece(st, part.base, bytes as usize);
    }
}

/// The head of the message is delivered first; the lengths in it then say how much of name and control is valid, the
/// head on entry how much room there is.
fn message_out(st: &mut State, at: u64, before: MsgHdr, result: i64, sink: &mut impl Sink) {
    sink.piece(st, at, size_of::<MsgHdr>());
    let after = guest::get::<MsgHdr>(at).unwrap_or_default();
    if before.name != 0 {
        let bytes = (after.namelen & 0xffff_ffff).min(before.namelen & 0xffff_ffff).min(128);
        sink.piece(st, before.name, bytes as usize);
    }
    if before.control != 0 {
        sink.piece(st, before.control, after.controllen.min(before.controllen).min(0x1_0000) as usize);
    }
    spread(st, before.iov, before.iovlen, result, sink);
}

/// recvmmsg: every filled element is a message head and a length. The heads' rooms on entry are not kept (there may be
/// 1024 of them), so names and control data are delivered by the lengths on return.
fn mmsg_out(st: &mut State, at: u64, result: i64, sink: &mut impl Sink) {
    for k in 0..messages(result) {
        let head_at = at + 64 * k;
        sink.piece(st, head_at, 64);
        let head = guest::get::<MsgHdr>(head_at).unwrap_or_default();
        let length = i64::from(guest::get::<u32>(head_at + 56).unwrap_or(0));
        let length = if reach::stumbled(result) { result } else { length };
        if head.name != 0 {
            sink.piece(st, head.name, (head.namelen & 0xffff_ffff).min(128) as usize);
        }
        if head.control != 0 {
            sink.piece(st, head.control, head.controllen.min(0x1_0000) as usize);
        }
        spread(st, head.iov, head.iovlen, length, sink);
    }
}

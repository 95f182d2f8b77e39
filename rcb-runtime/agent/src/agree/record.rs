//! The result of a call performed once: the leader publishes it with the bytes it produced, the followers check and
//! copy them.
//!
//! ```text
//!  payload of one record:   [length u64][bytes] [length u64][bytes] ...    one per output, in the order of the walk;
//!                           [number u64] in front of the parts of a vector: how many bytes of them were written
//! ```
//!
//! Invariant: a follower copies only into addresses and rooms that its own row and arguments name.
#![allow(unsafe_code, reason = "the payload ring is shared memory that one side writes and the other reads")]

use super::walk::{self, Entry, Sink};
use super::{meet, reach};
use crate::fault::{Words, park};
use crate::guest;
use crate::recovery::replay;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::Relaxed;
use rcb_abi::fault::kind;
use rcb_abi::segment::{PAYLOAD_BYTES, PAYLOAD_MAX, RING, Record};
use rcb_sys::errno::{EINTR, fail};
use rcb_syscalls::spec::Row;

/// Bytes a record may need beyond the data itself: lengths, heads, names.
const SLACK: usize = 0x1_8000;
const _: () = assert!(PAYLOAD_MAX + SLACK <= PAYLOAD_BYTES / 2);

/// What the leader has answered: its words as they were when the seal was looked at.
#[derive(Clone, Copy)]
pub struct Reply {
    /// Result of the call.
    pub result: i64,
    /// Where the payload begins, in the endless stream.
    pub payload: u64,
    /// Its length.
    pub payload_len: u32,
    /// See [`rcb_abi::segment::record_flag`].
    pub flags: u32,
    /// Digest of the payload, or of what followers read themselves.
    pub digest: u64,
    /// By call.
    pub extra: u64,
}

impl Reply {
    /// The words of a record that answers the request `seq` with this chain; `None` if they are not what was sealed.
    #[inline]
    pub fn of(record: &Record, seq: u64, chain: u64) -> Option<Self> {
        let reply = Self {
            result: record.result.load(Relaxed) as i64,
            payload: record.payload.load(Relaxed),
            payload_len: record.payload_len.load(Relaxed),
            flags: record.flags.load(Relaxed),
            digest: record.digest.load(Relaxed),
            extra: record.extra.load(Relaxed),
        };
        (reply.seal(seq, chain) == record.seal.load(Relaxed)).then_some(reply)
    }

    #[inline]
    fn seal(&self, seq: u64, chain: u64) -> u64 {
        let sizes = u64::from(self.payload_len) << 32 | u64::from(self.flags);
        rcb_vote::digest::seal(&[seq, chain, self.result as u64, self.payload, sizes, self.digest, self.extra, 0])
    }
}

struct Writer {
    at: usize,
    end: usize,
    /// The call stumbled over a bad address: only what can be read was written, and not more than fits.
    partial: bool,
    overflow: bool,
}

impl Sink for Writer {
    fn piece(&mut self, _: &mut State, at: u64, bytes: usize) {
        // Half of the slack is for the outputs that follow.
        let rest = (self.end - self.at).saturating_sub(SLACK / 2);
        let bytes = if self.partial { guest::readable(at, bytes.min(rest)) } else { bytes };
        if self.overflow || self.end - self.at < bytes + 8 {
            self.overflow = true;
            return;
        }
        let ring = &mut shared::own().payload;
        let good = guest::read(at, &mut ring[self.at + 8..self.at + 8 + bytes]).is_ok();
        let length = if good { bytes as u64 } else { 0 };
        ring[self.at..self.at + 8].copy_from_slice(&length.to_le_bytes());
        self.at += 8 + length as usize;
    }

    fn number(&mut self, _: &mut State, value: u64) -> u64 {
        if self.end - self.at < 8 {
            self.overflow = true;
            return 0;
        }
        shared::own().payload[self.at..self.at + 8].copy_from_slice(&value.to_le_bytes());
        self.at += 8;
        value
    }
}

struct Reader {
    source: &'static [u8],
    at: usize,
    end: usize,
    broken: bool,
}

impl Sink for Reader {
    fn piece(&mut self, st: &mut State, at: u64, bytes: usize) {
        let length = self.number(st, 0) as usize;
        if self.broken || length > bytes || length > self.end - self.at {
            self.broken = true;
            return;
        }
        let ring = self.source;
        // A page that the leader could write and we cannot is a difference of state: it shows in the next requests.
        let _ = guest::write(at, &ring[self.at..self.at + length]);
        self.at += length;
    }

    fn number(&mut self, _: &mut State, _value: u64) -> u64 {
        if self.broken || self.end - self.at < 8 {
            self.broken = true;
            return 0;
        }
        let mut raw = [0; 8];
        raw.copy_from_slice(&self.source[self.at..self.at + 8]);
        self.at += 8;
        u64::from_le_bytes(raw)
    }
}

/// Whether a call with this result has written outputs. A sleep or a wait that a signal ended has written the time left,
/// a call that met a bad address what was in front of that.
fn delivers(row: &Row, args: &[u64; 6], result: i64) -> bool {
    const TIMER_ABSTIME: u64 = 1;
    let leaves_time = match row.nr {
        // select, nanosleep, pselect6, ppoll; clock_nanosleep for a length of time
        23 | 35 | 270 | 271 => true,
        230 => args[1] & TIMER_ABSTIME == 0,
        _ => false,
    };
    (result >= 0 || reach::stumbled(result) || (result == fail(EINTR) && leaves_time)) && names_output(row)
}

/// Leader: collects the outputs of the current call and publishes the record. Returns the digest of the payload.
pub fn publish(
    st: &mut State,
    row: Option<&Row>,
    args: &[u64; 6],
    entry: &Entry,
    result: i64,
    flags: u32,
    extra: u64,
) -> u64 {
    let mut digest = 0;
    let (mut position, mut length) = (st.payload_pos, 0);
    if let Some(row) = row
        && delivers(row, args, result)
    {
        let start = reserve(st);
        let mut writer =
            Writer { at: start, end: start + PAYLOAD_MAX + SLACK, partial: reach::stumbled(result), overflow: false };
        walk::outputs(st, row, args, entry, result, &mut writer);
        if writer.overflow {
            park(st, Words::new(kind::LOG, PAYLOAD_MAX as u64, 1));
        }
        position = st.payload_pos;
        length = writer.at - start;
        st.payload_pos += length.next_multiple_of(64) as u64;
        digest = own_digest(&shared::own().payload[start..start + length]);
        shared::own().stats.bytes_moved += length as u64;
    }
    fill(st, result, position, length, flags, digest, extra);
    digest
}

/// Leader: publishes a record whose payload is given by a digest only (the followers read the bytes themselves).
pub fn publish_reread(st: &mut State, result: i64, digest: u64, position: u64) {
    fill(st, result, st.payload_pos, 0, rcb_abi::segment::record_flag::REREAD, digest, position);
}

fn fill(st: &mut State, result: i64, payload: u64, length: usize, flags: u32, digest: u64, extra: u64) {
    let flags = if crate::arrivals::admit(st) { flags | rcb_abi::segment::record_flag::SIGNALS } else { flags };
    let records = &shared::own().records;
    let record = &records[(st.seq % RING as u64) as usize];
    let reply = Reply { result, payload, payload_len: length as u32, flags, digest, extra };
    record.chain.store(st.chain, Relaxed);
    record.result.store(result as u64, Relaxed);
    record.payload.store(payload, Relaxed);
    record.payload_len.store(length as u32, Relaxed);
    record.flags.store(flags, Relaxed);
    record.digest.store(digest, Relaxed);
    record.extra.store(extra, Relaxed);
    record.seal.store(reply.seal(st.seq, st.chain), Relaxed);
    meet::publish(st, &record.seq, st.seq);
    if length == 0 {
        // With a payload the followers take longer than this replica, and the line would only go to and fro.
        meet::take_early(&records[((st.seq + 1) % RING as u64) as usize]);
    }
}

/// Whether a row names any output.
pub fn names_output(row: &Row) -> bool {
    use rcb_syscalls::spec::Arg;
    row.args.iter().any(|a| {
        matches!(
            a,
            Arg::Out(_) | Arg::InOut(_) | Arg::OutVec { .. } | Arg::MsgOut | Arg::MmsgOut { .. } | Arg::MmsgIn { .. }
        )
    })
}

/// Makes room for the largest payload, contiguous in the ring; waits for followers that still need the old bytes.
fn reserve(st: &mut State) -> usize {
    let need = (PAYLOAD_MAX + SLACK) as u64;
    let ring = PAYLOAD_BYTES as u64;
    let offset = st.payload_pos % ring;
    if offset + need > ring {
        st.payload_pos += ring - offset;
    }
    loop {
        let slowest = meet::slowest(st);
        if slowest >= st.seq {
            break;
        }
        let oldest = st.payload_start[(slowest % RING as u64) as usize];
        if st.payload_pos + need - oldest <= ring {
            break;
        }
        meet::passed(st, slowest);
    }
    (st.payload_pos % ring) as usize
}

/// Follower: checks the payload of the record and copies it to where the row says. Returns its digest.
pub fn take(st: &mut State, reply: &Reply, row: Option<&Row>, args: &[u64; 6], entry: &Entry) -> u64 {
    let length = reply.payload_len as usize;
    let result = reply.result;
    let Some(row) = row.filter(|row| delivers(row, args, result)) else { return 0 };
    let start = (reply.payload % PAYLOAD_BYTES as u64) as usize;
    let source: &'static [u8] =
        if replay::is_answered_again(st) { replay::payload(st) } else { &shared::peer(st.source()).payload };
    if length > PAYLOAD_MAX + SLACK || start + length > source.len() {
        park(st, Words::of_leader(st, kind::LOG, length as u64, 2));
    }
    let mut reader = Reader { source, at: start, end: start + length, broken: false };
    walk::outputs(st, row, args, entry, result, &mut reader);
    let digest = own_digest(&source[start..start + length]);
    if reader.broken || reader.at != reader.end || digest != reply.digest {
        park(st, Words::of_leader(st, kind::PAYLOAD, reader.at as u64, 0));
    }
    shared::own().stats.bytes_moved += length as u64;
    digest
}

/// Digest of payload bytes, with the fast assembly where it pays.
fn own_digest(bytes: &[u8]) -> u64 {
    let mut lanes = rcb_vote::digest::LANES;
    let whole = bytes.len() / 64;
    // SAFETY: the slice is valid for reads; it cannot fault.
    unsafe { rcb_sys::digest::blocks(bytes.as_ptr() as u64, whole, &mut lanes, shared::wide_digest()) };
    let rest = &bytes[whole * 64..];
    if !rest.is_empty() {
        let mut padded = [0; 64];
        padded[..rest.len()].copy_from_slice(rest);
        rcb_vote::digest::block(&mut lanes, &padded);
    }
    rcb_vote::digest::finish(&lanes, bytes.len() as u64)
}

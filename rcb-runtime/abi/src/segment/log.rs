//! The log of a replica: its latest requests in full, and what the leader answers.

use core::sync::atomic::{AtomicU32, AtomicU64};

/// One request in full.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    /// Sequence number; 0 for an empty slot.
    pub seq: u64,
    /// Chain at this request (request included, result not).
    pub chain: u64,
    /// Call number as in [`super::Head::nr`].
    pub nr: u32,
    /// How many of `args` are compared.
    pub nargs: u32,
    /// Where in the guest: the address after the call.
    pub rip: u64,
    /// Result, valid once the next request of this replica is posted.
    pub result: u64,
    /// Arguments.
    pub args: [u64; 6],
    /// Digest of the input bytes (0 for none).
    pub input: u64,
    /// First bytes of the first input buffer.
    pub sample: [u8; 16],
    /// How many bytes of `sample` are valid.
    pub sample_len: u32,
    /// Not used.
    pub reserved: u32,
}

/// Flags of a [`Record`].
pub mod record_flag {
    /// Signals go with it, see [`super::Admitted`].
    pub const SIGNALS: u32 = 8;
    /// Followers read the bytes themselves: `extra` is the file position, `digest` that of the bytes read.
    pub const REREAD: u32 = 4;
}

/// Most signals that go with one record.
pub const ADMITTED: usize = 2;

/// Signals from outside that every replica shall find pending after the request with the record in the same slot.
#[repr(C, align(64))]
pub struct Admitted {
    /// How many.
    pub count: AtomicU32,
    /// Digest of the request's number and of the words that follow, as far as they count.
    pub digest: AtomicU64,
    /// `siginfo_t` as words.
    pub infos: [[u64; 16]; ADMITTED],
}

/// One result of the leader: one cache line. A reader loads every word once and believes them if the seal is that of these.
///
/// The leader stores `seq` last (release).
#[repr(C, align(64))]
pub struct Record {
    /// Sequence number of the request answered; the low half is a futex word.
    pub seq: AtomicU64,
    /// The leader's chain at that request: followers compare it with theirs.
    pub chain: AtomicU64,
    /// Result.
    pub result: AtomicU64,
    /// Position of the payload in the endless stream of payload bytes.
    pub payload: AtomicU64,
    /// Length of the payload in bytes.
    pub payload_len: AtomicU32,
    /// See [`record_flag`].
    pub flags: AtomicU32,
    /// Digest of the payload (or of the bytes read).
    pub digest: AtomicU64,
    /// By call.
    pub extra: AtomicU64,
    /// Digest of all words above: what all followers read wrongly alike would outvote the leader.
    pub seal: AtomicU64,
}

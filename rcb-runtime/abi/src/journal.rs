//! The journal of a group: what its calls have answered since the oldest checkpoint, so that they can be answered again.
//!
//! ```text
//!  ... | Entry | payload, in steps of 128 | signals, 128 bytes each | Entry | ...       one per concluded request
//! ```
//!
//! A ring in a file of its own, written by the follower of two replicas as it concludes requests. Positions count bytes
//! from its start and are never taken back; an entry does not wrap: where it would, an entry [`SKIP`] fills the rest.

use crate::{AGENT_BASE, AGENT_END};

/// Bytes of the ring.
pub const JOURNAL_BYTES: u64 = 16 << 20;

/// Where it is mapped.
pub const JOURNAL_ADDR: u64 = AGENT_BASE + 0x4000_0000;

/// Entries begin at multiples of this.
pub const STEP: u64 = 128;

/// Flag: nothing more until the ring begins anew.
pub const SKIP: u32 = 1 << 31;
/// Flag: a record of the leader answered the request. The others are those of the record.
pub const RECORDED: u32 = 1 << 30;

/// One request that was concluded.
#[repr(C, align(128))]
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    /// Its sequence number.
    pub seq: u64,
    /// Chain at the request, result not included.
    pub chain: u64,
    /// Result.
    pub result: u64,
    /// Result in the record, which may be about a part.
    pub answer: u64,
    /// Digest of the payload, as in the record.
    pub digest: u64,
    /// What the record has in `extra`.
    pub extra: u64,
    /// What went from the leader to its peers beside the record, by call.
    pub side: u64,
    /// See above.
    pub flags: u32,
    /// Bytes of payload.
    pub payload: u32,
    /// Signals.
    pub signals: u32,
    /// Not used.
    pub reserved: u32,
}

/// Bytes from an entry to the next one.
pub const fn size(entry: &Entry) -> u64 {
    STEP + (entry.payload as u64).next_multiple_of(STEP) + 128 * entry.signals as u64
}

/// Bytes from `position` to the end of the ring.
pub const fn to_end(position: u64) -> u64 {
    JOURNAL_BYTES - position % JOURNAL_BYTES
}

const _: () = {
    assert!(size_of::<Entry>() as u64 == STEP);
    assert!(JOURNAL_BYTES.is_multiple_of(STEP));
    assert!(JOURNAL_ADDR + JOURNAL_BYTES <= AGENT_END);
};

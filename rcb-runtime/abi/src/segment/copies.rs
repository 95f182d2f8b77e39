//! What a replica says of the frozen copies that it leaves.

use core::sync::atomic::{AtomicU32, AtomicU64};

/// Why a process leaves no frozen copies; [`super::Segment::no_copies`].
pub mod no_copies {
    /// It does.
    pub const NONE: u32 = 0;
    /// Memory is shared with other processes of the guest.
    pub const SHARED_MEMORY: u32 = 1;
    /// Descriptors are passed over streams, which a copy has not.
    pub const STREAMS: u32 = 2;
}

/// A frozen copy of a replica.
#[repr(C)]
pub struct Frozen {
    /// Process id; 0 for none.
    pub pid: AtomicU32,
    /// Programs that the replica had executed by then, the low half.
    pub generation: AtomicU32,
    /// The latest request of the replica.
    pub seq: AtomicU64,
    /// End of the journal at that time.
    pub journal: AtomicU64,
    /// What making the copy took, in nanoseconds.
    pub took_ns: AtomicU64,
}

/// Places for the latest of them.
pub const FROZEN: usize = 16;

/// Memory that is compared.
#[repr(C)]
pub struct Memory {
    /// Digest of this replica's.
    pub digest: AtomicU64,
    /// The latest request at which it was not that of a peer.
    pub seq: AtomicU64,
    /// The latest order by then; see `control::Heal::epoch`.
    pub epoch: AtomicU32,
    /// Zero.
    pub reserved: u32,
}

//! Patch plans: which `syscall` instructions of a file may be replaced by a jump, worked out by the supervisor.
//!
//! The supervisor appends plans and never changes one that is published. The agent checks the bytes at every site
//! before it uses a plan, so a wrong plan can cost speed but not correctness of an unrelated file.
//!
//! ```text
//!  before:   [pre bytes] 0f 05 [following instructions]        `len` bytes from `offset`
//!  after:    e9 rel32 (jmp to the trampoline) 90 90 ...
//!
//!  trampoline:   head bytes (instructions stolen from before the call), lea after(%rip),%rcx; jmp agent
//!  after:        tail bytes (instructions stolen from behind the call); jmp offset+len
//! ```

use core::sync::atomic::AtomicU32;

/// Most plans in one run.
pub const MAX_PLANS: usize = 128;
/// Most sites of all plans together.
pub const MAX_SITES: usize = 8192;
/// Most bytes that a site replaces.
pub const MAX_SITE_BYTES: usize = 16;

/// One call site.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanSite {
    /// Offset in the file of the first byte to replace.
    pub offset: u32,
    /// Bytes replaced, 5 to 16: all of them are in `expect`.
    pub len: u8,
    /// Bytes of position-independent instructions before the `syscall`, to run before it.
    pub head: u8,
    /// Bytes of position-independent instructions behind the `syscall`, to run after it; `head + 2 + tail == len`.
    pub tail: u8,
    /// Not used.
    pub reserved: u8,
    /// The bytes that must stand there.
    pub expect: [u8; MAX_SITE_BYTES],
}

/// The plan of one file, identified as `fstat` does.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanEntry {
    /// st_dev.
    pub dev: u64,
    /// st_ino.
    pub ino: u64,
    /// st_size.
    pub size: u64,
    /// st_mtime in nanoseconds since the epoch.
    pub mtime_ns: u64,
    /// Index of the first site in [`PlanArea::sites`].
    pub first: u32,
    /// Number of sites, in rising order of offset.
    pub count: u32,
}

/// All plans of a run. Entries below `count` are complete (published with release) and never change.
#[repr(C, align(4096))]
pub struct PlanArea {
    /// [`crate::MAGIC`].
    pub magic: u64,
    /// Published entries.
    pub count: AtomicU32,
    /// Not used.
    pub reserved: u32,
    /// The entries.
    pub entries: [PlanEntry; MAX_PLANS],
    /// The sites of all entries.
    pub sites: [PlanSite; MAX_SITES],
}

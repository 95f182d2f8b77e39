//! What replicas and supervisor share, as plain data: no code that decides anything.
//!
//! ```text
//!  address                    what                       who writes        who maps it
//!  AGENT_BASE                 agent image, private       the replica       the replica
//!  CONTROL_ADDR               Control of each group      supervisor        all, read-only in replicas
//!  PLAN_ADDR                  PlanArea                   supervisor        all, read-only in replicas
//!  OWN_ADDR                   the replica's own Segment  the replica       the replica, to write
//!  segment_addr(0)            Segment of replica 0       replica 0         its peers, read-only
//!  segment_addr(1)            Segment of replica 1       replica 1         ...
//!  JOURNAL_ADDR               journal, with checkpoints  the follower      its group
//! ```
//!
//! A replica reaches its own segment at the same address whichever replica it is, so that a copy of it can take the place
//! of another one; at [`segment_addr`] of its own number nothing is mapped.
//!
//! The segments of all groups in one column (replica 0 of every group, ...) lie in one file, [`SEGMENT_STRIDE`] apart; a
//! process maps those of its own group only.
//!
//! Invariant: every shared word has exactly one writer. A reader loads a word once, checks it, then uses it.
#![no_std]

pub mod control;
pub mod descriptors;
pub mod fault;
pub mod journal;
pub mod plan;
pub mod segment;
pub mod stats;

/// Version of everything in this crate; agent and supervisor refuse each other when it differs.
pub const ABI_VERSION: u32 = 1;

/// First word of every shared area ("RCBSHM01").
pub const MAGIC: u64 = u64::from_le_bytes(*b"RCBSHM01");

/// Most replicas of one group.
pub const MAX_REPLICAS: usize = 8;

/// Most groups (processes of the guest) at one time.
pub const MAX_GROUPS: usize = 256;

/// Where the agent's image is linked: far from the heap of PIE programs (0x5555...), from mmap (0x7fff...) and from
/// non-PIE programs (0x40_0000).
pub const AGENT_BASE: u64 = 0x3a00_0000_0000;
/// Start of the range that belongs to the agent: a page that cannot be accessed, so that what the kernel reads or writes for a
/// guest ends in front of the image.
pub const AGENT_START: u64 = AGENT_BASE - 4096;
/// End of the range that belongs to the agent and that no call of the guest may map, unmap or protect.
pub const AGENT_END: u64 = AGENT_BASE + 0x1_0000_0000;
/// Address space that the agent reserves where the kernel places mappings at random (`agent/src/load/layout.rs`): the
/// widest range from which it may draw (vm.mmap_rnd_bits is at most 32), and room for the gap below a stack.
pub const WINDOW_BYTES: u64 = (1 << 44) + (1 << 30);
/// Where [`control::Control`] is mapped.
pub const CONTROL_ADDR: u64 = AGENT_BASE + 0x1000_0000;
/// Where [`plan::PlanArea`] is mapped. What is shared lies close together: every 2 MiB cost each process of a tree a page
/// of page tables.
pub const PLAN_ADDR: u64 = CONTROL_ADDR + MAX_GROUPS as u64 * 4096;
/// Distance between the segments of two replicas in memory, and of two groups in their file: three in 2 MiB.
pub const SEGMENT_STRIDE: u64 = 0x000a_0000;

/// Where a replica's own segment is mapped, to write.
pub const OWN_ADDR: u64 = AGENT_BASE + 0x2000_0000;

/// Where the segment of a replica is mapped, in every replica, to read.
pub const fn segment_addr(replica: usize) -> u64 {
    OWN_ADDR + (1 + replica as u64) * SEGMENT_STRIDE
}

const _: () = {
    assert!(size_of::<segment::Segment>() as u64 <= SEGMENT_STRIDE);
    assert!(size_of::<control::Control>() == 4096);
    assert!(size_of::<segment::Segment>() <= 1 << 20, "agent and log stay under 2 MiB per replica");
    assert!(size_of::<plan::PlanArea>() as u64 <= OWN_ADDR - PLAN_ADDR);
    assert!(segment_addr(MAX_REPLICAS) <= journal::JOURNAL_ADDR);
};

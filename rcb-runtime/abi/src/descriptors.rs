//! The agent's descriptors: one block of reserved numbers in every replica, equal in all.
//!
//! The guest can neither use, close, duplicate onto nor (but for `/proc/self/fd`) see them.

use crate::MAX_REPLICAS;

/// How many numbers are reserved, from [`BootWord::fd_base`] on.
pub const RESERVED: u32 = 64;

/// memfd with this replica's agent image (executed again by the guest's `execve`).
pub const FD_AGENT: u32 = 0;
/// memfd of the control page.
pub const FD_CONTROL: u32 = 1;
/// memfd of the plan area.
pub const FD_PLAN: u32 = 2;
/// eventfd that wakes the supervisor (the agent writes 1).
pub const FD_NOTIFY: u32 = 3;
/// memfd of the journals of all groups, with checkpoints.
pub const FD_JOURNAL: u32 = 4;
/// memfds of the segments, one per replica.
pub const FD_SEGMENT: u32 = 8;
/// pidfds of the replicas, opened by the agent itself: at boot; by a forked process at birth if replicas are replaced
/// when they are lost, and else when it needs one.
pub const FD_PIDFD: u32 = FD_SEGMENT + MAX_REPLICAS as u32;
/// UNIX stream sockets: entry `i` of replica `r` is connected with entry `r` of replica `i`. Used to pass
/// descriptors where `pidfd_getfd` is denied.
pub const FD_PEER: u32 = FD_PIDFD + MAX_REPLICAS as u32;

const _: () = assert!(FD_PEER + MAX_REPLICAS as u32 <= RESERVED);

/// What the supervisor writes into the image of the agent before it starts a replica: the only facts the agent
/// cannot read from the control page. The supervisor finds it by [`BOOT_MAGIC`], which occurs once in the image.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
pub struct BootWord {
    /// [`BOOT_MAGIC`].
    pub magic: [u8; 16],
    /// First reserved descriptor number.
    pub fd_base: u32,
    /// Which replica this is, from 0.
    pub replica: u32,
}

/// Marks [`BootWord`] in the agent's image.
pub const BOOT_MAGIC: [u8; 16] = *b"rcb-boot-word-v1";

//! The ground under the agent: the `syscall` instructions, memory of the guest that may fault and its digest,
//! builtins.
//!
//! Invariant: the code between `rcb_syscall_start` and `rcb_syscall_end` holds the only two `syscall` instructions of the
//! agent; the kernel lets no other one through (Syscall User Dispatch allows exactly this range).
#![no_std]

#[cfg(feature = "builtins")]
mod builtins;
pub mod digest;
pub mod errno;
pub mod guest;
pub mod nr;
pub mod raw;
pub mod types;

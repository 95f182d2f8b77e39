//! The agent inside every replica: it loads the unmodified program, receives each of its system calls, agrees on them
//! with the agents of the other replicas, and performs or copies what they do.
//!
//! Freestanding: no libc, no allocation, no thread-local storage. Everything it owns is static; everything it shares
//! is described in `rcb-abi`. Invariants, stated as absences: it allocates nothing after boot, it formats no text, it
//! holds two `syscall` instructions side by side, and it dereferences no address of the guest outside `guest/`.
#![no_std]
#![no_main]
#![allow(unreachable_pub, reason = "a program has no outside: `pub` means for the other modules")]

mod agree;
mod arrivals;
mod boot;
mod call;
mod descriptors;
mod fault;
mod guest;
mod handled;
mod hook;
mod load;
mod recovery;
mod shared;
mod signals;
mod state;
mod timing;
mod trap;

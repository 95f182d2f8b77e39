//! How calls arrive: `entry` holds the assembly of patched sites, `signal` the handlers of everything else, `code` the
//! executable mappings and patched call sites, `filter` the seccomp program, `tsc` the trapped time stamp counter.

pub mod code;
pub mod entry;
pub mod filter;
pub mod plan;
pub mod signal;
pub mod tsc;

//! `make bench`: what replication costs on this machine, per call and per program, beside the floors of other ways.
//!
//! Everything is measured in one run and interleaved, so that what the machine does meanwhile hits all sides alike;
//! results are medians with their range, ratios and differences are taken pair by pair.

pub mod calls;
pub mod cycles;
pub mod floors;
pub mod memory;
pub mod mending;
pub mod options;
pub mod overhead;
pub mod programs;
pub mod report;
pub mod start;
pub mod touch;
pub mod trees;

//! Who is wrong, judged by what the replicas have left behind. No process, no clock, no text, no allocation.
//!
//! ```text
//!  segment (hostile)  --inbox-->  Statement (plain values, checked once)  --decide-->  Verdict (values)
//! ```
//!
//! - [`inbox`] copies the words of a segment, each of them once. A replica that was hit by a fault may have written
//!   anything, at any time: what is not possible is dropped, and nothing is read a second time.
//! - [`decide`] lays the statements side by side. It answers every input: an impossible one with a verdict that blames
//!   nobody.
#![no_std]

pub mod decide;
pub mod inbox;
pub mod replicas;

pub use decide::{Cause, End, Ground, Verdict, decide};
pub use inbox::{Fault, Inbox, Statement};
pub use replicas::Replicas;

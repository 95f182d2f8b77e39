//! Fault injection into running programs: one bit of one register, at a time that is uniform over the run.
//!
//! ```text
//!   golden run(s)  ->  output, status, length T
//!   each injection: run to a time uniform in [0, T) -> stop -> 0 to 63 single steps -> flip one bit -> run to the end
//!                   -> masked | detected | crash | hang | silent
//! ```
//!
//! A campaign is a pure function of its seed, the program and time: which bit and when follow from the seed, what the
//! program was doing then does not. Only injections that hit the program's own code count: a stop inside a library is
//! stepped out of, or drawn again.

mod campaign;
mod draw;
mod outcome;
mod place;
mod run;

pub use campaign::{Campaign, Injection, campaign};
pub use draw::Draw;
pub use outcome::{Counts, Outcome, wilson};
pub use place::{Group, Place};
pub use run::{Golden, Program, golden};

//! The system-call table: one [`Row`] per x86-64 Linux call, as data.
//!
//! ```text
//!  spec      the vocabulary: what a row can say
//!  row       how rows are written: short constructors, so that a row is one line
//!  table     the rows, by subject, and the dense index by number
//!  family    second-level tables of the multiplexers (ioctl, fcntl, prctl, futex, ...)
//!  check     what must hold for every row, evaluated when this crate compiles
//!  flags     names of flag bits, for people
//!  errno     error numbers and their names
//!  render    text for people (feature `render`, never in the agent)
//! ```
//!
//! Invariants: every number the kernel knows (0 to 334 and 424 to 469) has exactly one row, no other number has one,
//! and a row that is not performed says why. What is compared, delivered, refused and documented is derived from the
//! row; there is no second list.
#![no_std]

#[cfg(any(feature = "render", test))]
extern crate std;

pub mod check;
pub mod errno;
pub mod family;
pub mod flags;
#[cfg(feature = "render")]
pub mod render;
mod row;
pub mod spec;
pub mod table;

pub use spec::{Arg, Class, Cloexec, Exec, Family, FlagSet, Handler, Len, Makes, Row, Support};
pub use table::{LIMIT, lookup, rows};

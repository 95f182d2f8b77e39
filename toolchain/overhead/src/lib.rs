//! What replication and a hardened Reliable Computing Base (RCB) cost, on the user's own program and machine.
//!
//! Pure, and tested as such:
//!
//! - [`factor`] reads what the user says about hardening, [`model`] is the formula, [`split`] turns the counters of runs
//!   into the terms of the formula, [`work`] is the factor of a program's own mix of work, [`outliers`] judges repeated measurements, [`samples`] sums them up;
//! - [`document`] is what is kept of a session, [`text`], [`bars`], [`csv`], [`table`] and [`report`] show it.
//!
//! Measuring:
//!
//! - [`launch`] starts programs, [`subject`] is one program in a form that can be run again and again, natively or
//!   replicated, [`suite`] reads a table of programs, [`account`] reads the record that `rcb run` writes;
//! - [`calibrate`] measures what replication costs that is not the program's, [`session`] runs everything interleaved;
//! - [`hardened`] measures factors, [`store`] keeps measured factors, [`machine`], [`latency`] and [`clock`] say what it ran on.

pub mod account;
pub mod bars;
pub mod calibrate;
pub mod clock;
pub mod csv;
pub mod document;
pub mod factor;
pub mod hardened;
pub mod latency;
pub mod launch;
pub mod machine;
pub mod model;
pub mod outliers;
pub mod report;
pub mod samples;
pub mod session;
pub mod split;
pub mod store;
pub mod subject;
pub mod suite;
pub mod table;
pub mod text;
pub mod work;

//! Names of flag bits and enumerated values, for people.
//!
//! Nothing is decided by these sets: a bit without a name is compared and passed like any other and printed in hex.

mod file;
mod memory;
mod net;
mod task;

pub use file::*;
pub use memory::*;
pub use net::*;
pub use task::*;

use crate::spec::FlagSet;

/// Name of a signal, or of its place among the real-time signals.
#[cfg(feature = "render")]
pub fn signal_name(signal: u64) -> std::string::String {
    match SIGNAL.names.iter().find(|(nr, _)| *nr == signal) {
        Some((_, name)) => (*name).into(),
        None if (32..=64).contains(&signal) => std::format!("SIGRT_{}", signal - 32),
        None => std::format!("{signal}"),
    }
}

/// A set of bits, some of which (`mask`) hold an enumerated value.
const fn mixed(mask: u64, names: &'static [(u64, &'static str)]) -> FlagSet {
    FlagSet { names, mask }
}

/// A pure set of bits.
const fn bits(names: &'static [(u64, &'static str)]) -> FlagSet {
    mixed(0, names)
}

/// A pure enumeration of 32-bit values.
const fn values(names: &'static [(u64, &'static str)]) -> FlagSet {
    mixed(0xffff_ffff, names)
}

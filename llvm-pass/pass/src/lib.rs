//! Hardens LLVM bitcode against bit flips.
//!
//! [`harden`] takes an optimised module, makes every value a second time (its *shadow*), compares the two where a value
//! leaves (stores, branches, calls of other code, returns to it), and gives the module back with a [`Report`]. What
//! comes out must go straight to code generation, without loop strength reduction: an optimiser would see that the two
//! computations are equal and remove one. [`audit`] looks at the object that comes out of there.
//!
//! The phases stand in [`pipeline`]; LLVM itself is behind `ir`.

pub mod audit;
pub mod fault;
pub mod note;
pub mod options;
pub mod plan;
pub mod report;

#[cfg(feature = "llvm")]
mod calls;
#[cfg(feature = "llvm")]
mod cfc;
#[cfg(feature = "llvm")]
mod check;
#[cfg(feature = "llvm")]
mod constants;
#[cfg(feature = "llvm")]
mod copy;
#[cfg(feature = "llvm")]
mod duplicate;
#[cfg(feature = "llvm")]
mod entries;
#[cfg(feature = "llvm")]
mod faults;
#[cfg(feature = "llvm")]
mod in_place;
#[cfg(feature = "llvm")]
mod ir;
#[cfg(feature = "llvm")]
mod mistake;
#[cfg(feature = "llvm")]
mod normalise;
#[cfg(feature = "llvm")]
mod pipeline;
#[cfg(feature = "llvm")]
mod select;
#[cfg(feature = "llvm")]
mod slices;
#[cfg(feature = "llvm")]
mod stores;
#[cfg(feature = "llvm")]
mod structure;
#[cfg(feature = "llvm")]
mod ways;

#[cfg(feature = "llvm")]
pub use in_place::harden_in_place;
/// A module of LLVM's C interface.
#[cfg(feature = "llvm")]
pub use inkwell::llvm_sys::prelude::LLVMModuleRef as RawModule;
pub use options::{Mistake, Options, Protection, Scheme};
#[cfg(feature = "llvm")]
pub use pipeline::{Hardened, harden};
pub use plan::Reason;
pub use report::{Outcome, Report};

/// Why a module could not be hardened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no bitcode that this LLVM reads: truncated, or of a newer version.
    #[error("the bitcode cannot be read: {reason}")]
    Unreadable {
        /// LLVM's reason.
        reason: String,
    },
    /// The module is for another machine.
    #[error("the target {triple} is not supported: only x86-64 Linux is")]
    Target {
        /// What the module says.
        triple: String,
    },
    /// LLVM's verifier found the module wrong.
    #[error("the module is not valid after {phase}: {reason}")]
    Invalid {
        /// The phase.
        phase: &'static str,
        /// LLVM's reason.
        reason: String,
    },
    /// The structural checker found redundancy that is none.
    #[error("in {function}, the shadow `{shadow}` uses `{original}`, which has a shadow itself")]
    Shared {
        /// Where.
        function: String,
        /// The shadow instruction.
        shadow: String,
        /// The operand that it shares with the original.
        original: String,
    },
    /// The module has been through this before.
    #[error("the module is already hardened")]
    Twice,
}

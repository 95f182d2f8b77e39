//! The pass on a module that clang or opt has in memory.
#![allow(unsafe_code, reason = "takes a module that its caller vouches for")]

use crate::ir::Module;
use crate::{Error, Options, RawModule, Report, pipeline};

/// Hardens a module that another program has in memory.
///
/// # Errors
/// See [`Error`]; the module must not be used then.
///
/// # Safety
/// `raw` is a valid module, and nobody else uses it meanwhile.
pub unsafe fn harden_in_place(raw: RawModule, options: &Options) -> Result<Report, Error> {
    // SAFETY: the caller's promise.
    let module = std::mem::ManuallyDrop::new(unsafe { Module::borrow(raw) });
    pipeline::run(&module, options)
}

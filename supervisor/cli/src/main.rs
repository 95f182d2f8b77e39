//! The `rcb` command.
//!
//! `main` is C's, not Rust's: Rust's own start-up ignores SIGPIPE and opens missing standard descriptors, and a guest
//! must inherit both as the user left them.
#![no_main]
#![allow(unsafe_code, reason = "exports main under C's name")]

use std::ffi::{c_char, c_int};

/// Where the program starts.
///
/// # Safety
///
/// Called once by the C library with what the kernel passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    c_int::from(rcb_command::main())
}

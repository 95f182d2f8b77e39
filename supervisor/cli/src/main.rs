//! The `rcb` command.
//!
//! `main` is C's, not Rust's: Rust's own start-up ignores SIGPIPE and opens missing standard descriptors, and a guest
//! must inherit both as the user left them.
#![cfg_attr(not(test), no_main)]
#![allow(unsafe_code, reason = "exports main under C's name")]

mod check;
mod doctor;
mod inject;
mod options;

use anyhow::Error;
use rcb_keeper::{Inherited, Outcome, exit};
use std::ffi::{c_char, c_int};

/// Where the program starts.
///
/// # Safety
///
/// Called once by the C library with what the kernel passed.
#[cfg(not(test))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    let inherited = match Inherited::capture() {
        Ok(inherited) => inherited,
        Err(error) => return c_int::from(complain(&error.into())),
    };
    std::panic::set_hook(Box::new(|info| {
        rcb_keeper::run::say(&format!("error: internal error, please report it: {info}"));
        std::process::exit(i32::from(exit::FAILED));
    }));
    match options::dispatch(&inherited) {
        Ok(Outcome::Exit(status)) => c_int::from(status),
        Ok(Outcome::Signal(signal)) => rcb_keeper::inherited::die_by(signal),
        Err(error) => c_int::from(complain(&error)),
    }
}

/// Prints an error with its causes, once, and returns the exit code for it.
fn complain(error: &Error) -> u8 {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    rcb_keeper::run::say(&format!("error: {}", causes.join(": ")));
    error.downcast_ref::<rcb_keeper::Error>().map_or(exit::FAILED, rcb_keeper::Error::exit_code)
}

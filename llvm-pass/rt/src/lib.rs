//! What a hardened program links: `__rcb_fault`, where a failed check arrives.
//!
//! One object without libc and without any symbol of Rust's library, so that it fits every program:
//!
//! ```c
//! struct rcb_site { const char *function; unsigned check; };
//! void __rcb_fault(const struct rcb_site *site);                       // does not return
//! void rcb_set_fault_handler(void (*handler)(const struct rcb_site *)); // called first; null: none
//! int rcb_catch_signals(void);                                          // 0, or minus errno
//! ```
//!
//! Without a handler, or when it returns, one line goes to stderr (`rcb: fault detected in FUNCTION (CHECK)`) and the
//! program ends by SIGABRT. A program that defines `__rcb_fault` itself does not get this object.
//!
//! `rcb_catch_signals` leads SIGSEGV, SIGBUS and SIGILL to `__rcb_fault`, too: in a program without mistakes they are what a
//! flip in an address or in the instruction pointer looks like.
#![no_std]
#![allow(unsafe_code, reason = "symbols for other languages, system calls, and a handler given as a bare address")]

mod signals;
mod syscall;

pub use signals::rcb_catch_signals;

use core::ffi::c_char;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use syscall::{abort, write_error};

/// Where a check failed. The pass makes one per function and kind of check.
#[derive(Debug)]
#[repr(C)]
pub struct Site {
    /// Name of the function, ended by a zero byte.
    pub function: *const c_char,
    /// Kind of check: an index into [`CHECKS`], or [`SIGNAL`] plus a signal number.
    pub check: u32,
}

/// Kinds of checks in the order of the pass.
const CHECKS: [&[u8]; 6] = [b"store", b"branch", b"call", b"return", b"access", b"signature"];

/// Added to the number of a signal that was caught.
pub const SIGNAL: u32 = 0x100;

/// A program's own handler.
pub type Handler = extern "C" fn(*const Site);

/// Address of the program's own handler; 0 for none.
static HANDLER: AtomicUsize = AtomicUsize::new(0);

/// Gives the program's own handler, or none.
#[unsafe(no_mangle)]
pub extern "C" fn rcb_set_fault_handler(handler: Option<Handler>) {
    HANDLER.store(handler.map_or(0, |handler| handler as usize), Relaxed);
}

/// Reports a fault and ends the program.
///
/// # Safety
/// `site` points to a [`Site`] with a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __rcb_fault(site: *const Site) -> ! {
    let handler = HANDLER.swap(0, Relaxed);
    if handler != 0 {
        // SAFETY: only `rcb_set_fault_handler` writes the word, with the address of such a function.
        let handler: Handler = unsafe { core::mem::transmute(handler) };
        handler(site);
    }
    // SAFETY: the caller's promise.
    let (name, check) = unsafe { ((*site).function.cast::<u8>(), (*site).check) };
    let mut line = Line::new();
    line.push(b"rcb: fault detected in ");
    let mut length = 0;
    // SAFETY: the name ends with a zero byte.
    while unsafe { *name.add(length) } != 0 && length < 160 {
        // SAFETY: as above.
        line.byte(unsafe { *name.add(length) });
        length += 1;
    }
    line.push(b" (");
    match check {
        0 => line.push(CHECKS[0]),
        1 => line.push(CHECKS[1]),
        2 => line.push(CHECKS[2]),
        3 => line.push(CHECKS[3]),
        4 => line.push(CHECKS[4]),
        5 => line.push(CHECKS[5]),
        _ => line.push(b"signal"),
    }
    line.push(b")\n");
    // SAFETY: that many bytes were written.
    unsafe { write_error(line.bytes.as_ptr().cast(), line.length) };
    abort()
}

/// A line of text in a fixed place; what does not fit is cut off. Not filled beforehand, which would call `memset`.
struct Line {
    bytes: [MaybeUninit<u8>; 256],
    length: usize,
}

impl Line {
    fn new() -> Self {
        Self { bytes: [MaybeUninit::uninit(); 256], length: 0 }
    }

    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            place.write(byte);
            self.length += 1;
        }
    }

    fn push(&mut self, text: &[u8]) {
        for &byte in text {
            self.byte(byte);
        }
    }
}

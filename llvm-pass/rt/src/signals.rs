//! Leads the signals that a flip can cause to the fault handler.
#![allow(unsafe_code, reason = "installs signal handlers and gives them a stack")]

use crate::syscall::{set_action, set_signal_stack};
use crate::{__rcb_fault, SIGNAL, Site};
use core::cell::UnsafeCell;

const SIGILL: u32 = 4;
const SIGBUS: u32 = 7;
const SIGSEGV: u32 = 11;
/// SA_SIGINFO, SA_ONSTACK, SA_RESTORER, SA_NODEFER.
const FLAGS: usize = 0x4 | 0x0800_0000 | 0x0400_0000 | 0x4000_0000;
/// Enough for a report: the frame of a signal with AVX-512 takes 3 KiB.
const STACK_BYTES: usize = 16 * 1024;

/// Memory for the handler's stack: a flip may have hit the stack pointer.
#[repr(align(64))]
struct Stack(UnsafeCell<[u8; STACK_BYTES]>);

// SAFETY: only the kernel's handler frames are in it; the program does not touch it.
unsafe impl Sync for Stack {}

static STACK: Stack = Stack(UnsafeCell::new([0; STACK_BYTES]));

/// Installs the handlers for the calling thread's stack and the whole process.
///
/// Returns 0, or minus errno of the call that failed.
#[unsafe(no_mangle)]
pub extern "C" fn rcb_catch_signals() -> i32 {
    // SAFETY: the memory is for this alone.
    let result = unsafe { set_signal_stack(STACK.0.get() as usize, STACK_BYTES) };
    if result != 0 {
        return result as i32;
    }
    let handler: extern "C" fn(u32) -> ! = on_signal;
    // The handler does not return, so nobody jumps to the restorer; the kernel wants one.
    let action = [handler as usize, FLAGS, handler as usize, 0];
    let mut at = 0;
    while at < 3 {
        let signal = match at {
            0 => SIGILL,
            1 => SIGBUS,
            _ => SIGSEGV,
        };
        // SAFETY: a handler for one argument, as the kernel calls it.
        let result = unsafe { set_action(signal, &action) };
        if result != 0 {
            return result as i32;
        }
        at += 1;
    }
    0
}

extern "C" fn on_signal(signal: u32) -> ! {
    let name = match signal {
        SIGILL => c"code that raised SIGILL",
        SIGBUS => c"code that raised SIGBUS",
        _ => c"code that raised SIGSEGV",
    };
    let site = Site { function: name.as_ptr(), check: SIGNAL + signal };
    // SAFETY: the site is on the stack of this handler, which does not return.
    unsafe { __rcb_fault(&raw const site) }
}

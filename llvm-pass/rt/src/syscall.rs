//! The few system calls that reporting a fault takes.
#![allow(unsafe_code, reason = "the `syscall` instruction")]

use core::arch::asm;

const WRITE: usize = 1;
const SIGACTION: usize = 13;
const SIGPROCMASK: usize = 14;
const GETPID: usize = 39;
const SIGALTSTACK: usize = 131;
const GETTID: usize = 186;
const TGKILL: usize = 234;
const SIGABRT: usize = 6;

/// One system call; the result is the kernel's, minus errno on failure.
///
/// # Safety
/// The arguments fit the call.
unsafe fn call(number: usize, arguments: [usize; 4]) -> isize {
    let result;
    // SAFETY: the caller's promise; the instruction clobbers rcx and r11 only.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

/// Writes `length` bytes to stderr, once; there is nobody to tell when that fails.
///
/// # Safety
/// So many bytes can be read there.
pub(crate) unsafe fn write_error(bytes: *const u8, length: usize) {
    // SAFETY: the caller's promise.
    unsafe { call(WRITE, [2, bytes as usize, length, 0]) };
}

/// Ends the process by SIGABRT, whatever the program does with that signal.
pub(crate) fn abort() -> ! {
    let default = [0_usize; 4];
    let mask = 1_usize << (SIGABRT - 1);
    // SAFETY: sets the default action of a signal, unblocks it and sends it to this thread; pointers are to locals.
    unsafe {
        call(SIGACTION, [SIGABRT, default.as_ptr() as usize, 0, 8]);
        call(SIGPROCMASK, [1, (&raw const mask) as usize, 0, 8]);
        let (process, thread) = (call(GETPID, [0; 4]), call(GETTID, [0; 4]));
        call(TGKILL, [process as usize, thread as usize, SIGABRT, 0]);
        asm!("ud2", options(noreturn));
    }
}

/// Sets the action of a signal, in the kernel's own structure.
///
/// # Safety
/// `action` is such a structure, with a handler that is one.
pub(crate) unsafe fn set_action(signal: u32, action: &[usize; 4]) -> isize {
    // SAFETY: the caller's promise.
    unsafe { call(SIGACTION, [signal as usize, action.as_ptr() as usize, 0, 8]) }
}

/// Sets this thread's stack for signal handlers.
///
/// # Safety
/// The memory is used for nothing else from now on.
pub(crate) unsafe fn set_signal_stack(start: usize, bytes: usize) -> isize {
    let stack = [start, 0, bytes];
    // SAFETY: the caller's promise; the structure is read at once.
    unsafe { call(SIGALTSTACK, [stack.as_ptr() as usize, 0, 0, 0]) }
}

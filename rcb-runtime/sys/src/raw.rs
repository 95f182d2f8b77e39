//! System calls of the agent itself.
#![allow(unsafe_code, reason = "this is the only place where the agent enters the kernel")]

use core::arch::global_asm;
use core::sync::atomic::AtomicU32;

global_asm!(
    ".globl rcb_syscall",
    ".globl rcb_syscall_start",
    ".globl rcb_syscall_end",
    ".globl rcb_restorer",
    ".globl rcb_interruptible",
    ".globl rcb_window_start",
    ".globl rcb_window_end",
    ".globl rcb_window_abort",
    ".globl rcb_interrupted",
    ".type rcb_syscall, @function",
    ".p2align 6",
    "rcb_syscall_start:",
    "rcb_syscall:",
    "mov rax, rdi", // number
    "mov rdi, rsi", // first argument
    "mov rsi, rdx",
    "mov rdx, rcx",
    "mov r10, r8",
    "mov r8, r9",
    "mov r9, [rsp + 8]", // sixth argument
    "2: syscall",
    "ret",
    // Return of the agent's signal handlers; shares the instruction above (sigreturn does not come back).
    "rcb_restorer:",
    "mov eax, 15",
    "jmp 2b",
    // The same as rcb_syscall, but not begun once rcb_interrupted is set. The agent's handler, when it interrupts between
    // the test and the instruction, moves on to rcb_window_abort: no signal is slept through.
    "rcb_interruptible:",
    "mov rax, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "mov r10, r8",
    "mov r8, r9",
    "mov r9, [rsp + 8]",
    "rcb_window_start:",
    "cmp dword ptr [rip + rcb_interrupted], 0",
    "jne rcb_window_abort",
    "syscall",
    "rcb_window_end:",
    "ret",
    "rcb_window_abort:",
    "mov rax, -4", // EINTR
    "ret",
    "rcb_syscall_end:",
    ".pushsection .bss.rcb_interrupted, \"aw\", @nobits",
    ".p2align 3",
    "rcb_interrupted: .zero 8",
    ".popsection",
);

unsafe extern "C" {
    fn rcb_syscall(nr: u64, a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64) -> i64;
    static rcb_syscall_start: u8;
    static rcb_syscall_end: u8;
    fn rcb_restorer();
    fn rcb_interruptible(nr: u64, a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64) -> i64;
    static rcb_window_start: u8;
    static rcb_window_end: u8;
    static rcb_window_abort: u8;
    static rcb_interrupted: AtomicU32;
}

/// Non-zero once a signal has arrived that no call may sleep through.
pub fn interrupted() -> &'static AtomicU32 {
    // SAFETY: a word of the agent's own memory, only used as an atomic.
    unsafe { &rcb_interrupted }
}

/// Where to go on after a signal at `rip`, if that lies before an interruptible call that must not begin any more.
pub fn abort(rip: u64) -> Option<u64> {
    let window = &raw const rcb_window_start as u64..&raw const rcb_window_end as u64;
    window.contains(&rip).then_some(&raw const rcb_window_abort as u64)
}

/// Performs system call `nr` as [`syscall`] does, unless [`interrupted`] is set: then it fails with EINTR.
///
/// # Safety
/// As [`syscall`].
#[inline]
pub unsafe fn interruptible(nr: u32, args: [u64; 6]) -> i64 {
    // SAFETY: the caller vouches for the effects; the assembly keeps the C calling convention.
    unsafe { rcb_interruptible(u64::from(nr), args[0], args[1], args[2], args[3], args[4], args[5]) }
}

/// Performs system call `nr`; the result is the kernel's (an errno negated on failure).
///
/// # Safety
/// Whatever the call does to this process must be sound: memory it writes must be the caller's to give away.
#[inline]
pub unsafe fn syscall(nr: u32, args: [u64; 6]) -> i64 {
    // SAFETY: the caller vouches for the effects; the assembly keeps the C calling convention.
    unsafe { rcb_syscall(u64::from(nr), args[0], args[1], args[2], args[3], args[4], args[5]) }
}

/// Address range that Syscall User Dispatch shall allow: `(start, length)` in bytes.
pub fn allowed_range() -> (u64, u64) {
    let start = &raw const rcb_syscall_start as u64;
    (start, &raw const rcb_syscall_end as u64 - start)
}

/// Address for `sa_restorer`.
pub fn restorer() -> u64 {
    rcb_restorer as *const () as u64
}

/// `syscall!(nr, a, b, ...)` with up to six arguments of any integer type.
#[macro_export]
macro_rules! syscall {
    ($nr:expr $(, $arg:expr)* $(,)?) => {{
        let mut args = [0u64; 6];
        let mut _i = 0;
        $( args[_i] = $arg as u64; _i += 1; )*
        $crate::raw::syscall($nr, args)
    }};
}

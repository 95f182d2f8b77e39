//! System calls of the agent itself.
#![allow(unsafe_code, reason = "this is the only place where the agent enters the kernel")]

use core::arch::global_asm;

global_asm!(
    ".globl rcb_syscall",
    ".globl rcb_syscall_start",
    ".globl rcb_syscall_end",
    ".globl rcb_restorer",
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
    "rcb_syscall_end:",
);

unsafe extern "C" {
    fn rcb_syscall(nr: u64, a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64) -> i64;
    static rcb_syscall_start: u8;
    static rcb_syscall_end: u8;
    fn rcb_restorer();
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

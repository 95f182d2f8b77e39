//! Memory of the guest: the only reads and writes of it, in code that may fault.
//!
//! The signal handler of the agent calls [`fixup`] with the address of a faulting instruction; if it is one of the
//! instructions here or in [`crate::digest`], execution goes on at the label that returns "so much was left".
#![allow(unsafe_code, reason = "reads and writes addresses that a guest supplied; faults are caught by address")]

use core::arch::global_asm;

global_asm!(
    ".globl rcb_copy",
    ".globl rcb_copy_access",
    ".globl rcb_copy_fixup",
    // rcb_copy(to, from, bytes) -> bytes left
    ".p2align 5",
    "rcb_copy:",
    "mov rcx, rdx",
    "rcb_copy_access:",
    "rep movsb",
    "rcb_copy_fixup:",
    "mov rax, rcx",
    "ret",
);

unsafe extern "C" {
    fn rcb_copy(to: u64, from: u64, bytes: u64) -> u64;
    static rcb_copy_access: u8;
    static rcb_copy_fixup: u8;
}

/// Where to continue after a fault at `rip`, if that is one of these instructions.
pub fn fixup(rip: u64) -> Option<u64> {
    if rip == &raw const rcb_copy_access as u64 {
        return Some(&raw const rcb_copy_fixup as u64);
    }
    crate::digest::fixup(rip)
}

/// Copies `bytes` from address `from` to address `to`, either of which may be the guest's and may fault.
/// Returns how many bytes were not copied.
///
/// # Safety
/// Neither range may overlap memory that Rust code of the agent holds a reference to, other than the one buffer the
/// caller means.
#[inline]
pub unsafe fn copy(to: u64, from: u64, bytes: usize) -> usize {
    // SAFETY: faults are fixed up; the caller vouches for aliasing.
    unsafe { rcb_copy(to, from, bytes as u64) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies() {
        let from = [1u8, 2, 3, 4, 5];
        let mut to = [0u8; 5];
        // SAFETY: both arrays are valid.
        assert_eq!(unsafe { copy(to.as_mut_ptr() as u64, from.as_ptr() as u64, 5) }, 0);
        assert_eq!(to, from);
    }
}

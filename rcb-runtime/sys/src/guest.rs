//! Memory of the guest: the only reads and writes of it, in code that may fault.
//!
//! The signal handler of the agent calls [`fixup`] with the address of a faulting instruction; if it is one of the
//! instructions here, execution goes on at the label that returns "so much was left".
#![allow(unsafe_code, reason = "reads and writes addresses that a guest supplied; faults are caught by address")]

use core::arch::global_asm;

/// Multiplier of the digest (from wyhash, Wang Yi: bits balanced, odd).
pub const DIGEST_KEY: u64 = 0xa076_1d64_78bd_642f;

global_asm!(
    ".globl rcb_copy",
    ".globl rcb_copy_access",
    ".globl rcb_copy_fixup",
    ".globl rcb_digest",
    ".globl rcb_digest_start",
    ".globl rcb_digest_end",
    ".globl rcb_digest_fixup",
    // rcb_copy(to, from, bytes) -> bytes left
    ".p2align 5",
    "rcb_copy:",
    "mov rcx, rdx",
    "rcb_copy_access:",
    "rep movsb",
    "rcb_copy_fixup:",
    "mov rax, rcx",
    "ret",
    // rcb_digest(from, blocks, lanes, key) -> blocks left
    ".p2align 5",
    "rcb_digest:",
    "push rbx",
    "push rbp",
    "mov rbx, rcx", // key
    "mov rcx, rsi", // blocks left
    "mov rsi, rdx", // lanes
    "mov r8, [rsi]",
    "mov r9, [rsi + 8]",
    "mov r10, [rsi + 16]",
    "mov r11, [rsi + 24]",
    "test rcx, rcx",
    "jz rcb_digest_fixup",
    ".p2align 4",
    "rcb_digest_start:",
    "2:",
    "mov rax, [rdi]",
    "mov rdx, [rdi + 8]",
    "xor rax, r8",
    "xor rdx, rbx",
    "mul rdx",
    "xor rax, rdx",
    "mov rbp, rax", // added behind the next pair, to overlap the multiplications
    "mov rax, [rdi + 16]",
    "mov rdx, [rdi + 24]",
    "xor rax, r9",
    "xor rdx, rbx",
    "mul rdx",
    "xor rax, rdx",
    "prefetcht0 [rdi + 512]",
    "add r8, rbp",
    "mov rbp, rax",
    "mov rax, [rdi + 32]",
    "mov rdx, [rdi + 40]",
    "xor rax, r10",
    "xor rdx, rbx",
    "mul rdx",
    "xor rax, rdx",
    "add r9, rbp",
    "mov rbp, rax",
    "mov rax, [rdi + 48]",
    "mov rdx, [rdi + 56]",
    "xor rax, r11",
    "xor rdx, rbx",
    "mul rdx",
    "xor rax, rdx",
    "add r10, rbp",
    "add r11, rax",
    "add rdi, 64",
    "dec rcx",
    "jnz 2b",
    "rcb_digest_end:",
    "rcb_digest_fixup:",
    "mov [rsi], r8",
    "mov [rsi + 8], r9",
    "mov [rsi + 16], r10",
    "mov [rsi + 24], r11",
    "mov rax, rcx",
    "pop rbp",
    "pop rbx",
    "ret",
);

unsafe extern "C" {
    fn rcb_copy(to: u64, from: u64, bytes: u64) -> u64;
    fn rcb_digest(from: u64, blocks: u64, lanes: *mut u64, key: u64) -> u64;
    static rcb_copy_access: u8;
    static rcb_copy_fixup: u8;
    static rcb_digest_start: u8;
    static rcb_digest_end: u8;
    static rcb_digest_fixup: u8;
}

/// Where to continue after a fault at `rip`, if that is an instruction of this file.
pub fn fixup(rip: u64) -> Option<u64> {
    if rip == &raw const rcb_copy_access as u64 {
        return Some(&raw const rcb_copy_fixup as u64);
    }
    let digest = &raw const rcb_digest_start as u64..&raw const rcb_digest_end as u64;
    digest.contains(&rip).then_some(&raw const rcb_digest_fixup as u64)
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

/// Feeds `blocks` blocks of 64 bytes at address `from` to the four lanes of a digest; returns the blocks left when
/// the memory faulted. The definition of the digest is `rcb_vote::digest`.
///
/// # Safety
/// `lanes` must be valid; `from` may fault.
#[inline]
pub unsafe fn digest_blocks(from: u64, blocks: usize, lanes: &mut [u64; 4]) -> usize {
    // SAFETY: faults are fixed up, the lanes are a valid exclusive reference.
    unsafe { rcb_digest(from, blocks as u64, lanes.as_mut_ptr(), DIGEST_KEY) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_equals_its_definition() {
        for len in [0usize, 1, 63, 64, 65, 128, 1000, 4096, 65536] {
            let data: std::vec::Vec<u8> = (0..len).map(|i| (i * 31 + i / 7) as u8).collect();
            let mut lanes = rcb_vote::digest::LANES;
            // SAFETY: the vector outlives the call.
            let left = unsafe { digest_blocks(data.as_ptr() as u64, len / 64, &mut lanes) };
            assert_eq!(left, 0);
            let mut own = rcb_vote::digest::LANES;
            for block in data.chunks_exact(64) {
                rcb_vote::digest::block(&mut own, block.try_into().unwrap());
            }
            assert_eq!(lanes, own, "length {len}");
        }
    }

    #[test]
    fn copies() {
        let from = [1u8, 2, 3, 4, 5];
        let mut to = [0u8; 5];
        // SAFETY: both arrays are valid.
        assert_eq!(unsafe { copy(to.as_mut_ptr() as u64, from.as_ptr() as u64, 5) }, 0);
        assert_eq!(to, from);
    }

    extern crate std;
}

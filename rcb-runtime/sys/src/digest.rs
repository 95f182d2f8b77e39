//! Digest of memory that may be the guest's, so in code that may fault.
//!
//! Two ways with different results; the supervisor chooses one for all replicas of a run:
//! - *narrow*: four lanes of multiply-and-fold, as defined in `rcb_vote::digest`, 16 bytes per multiplication;
//! - *wide*, for processors with AES instructions: eight lanes of 128 bits take in 128 bytes at a time, one AES round
//!   and one exclusive or each (three to four times as fast); then the eight are folded to the four lanes.
//!
//! An AES round is a bijection of its lane, so a difference in one block of one lane can never vanish on the way.
#![allow(unsafe_code, reason = "reads addresses that a guest supplied; faults are caught by address")]

use core::arch::global_asm;

/// Multiplier of the narrow digest (from wyhash, Wang Yi: bits balanced, odd).
pub const KEY: u64 = 0xa076_1d64_78bd_642f;
/// From so many blocks on the wide way is worth its fixed cost.
const WIDE_BLOCKS: usize = 4;

/// Start values of the eight wide lanes: the fractional part of the square roots of the first 16 primes.
#[rustfmt::skip]
static WIDE_START: [u64; 16] = [
    0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f, 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179,
    0xcbbb_9d5d_c105_9ed8, 0x629a_292a_367c_d507, 0x9159_015a_3070_dd17, 0x152f_ecd8_f70e_5939,
    0x6733_2667_ffc0_0b31, 0x8eb4_4a87_6858_1511, 0xdb0c_2e0d_64f9_8fa7, 0x47b5_481d_befa_4fa4,
];

global_asm!(
    ".globl rcb_digest",
    ".globl rcb_digest_start",
    ".globl rcb_digest_end",
    ".globl rcb_digest_fixup",
    ".globl rcb_wide",
    ".globl rcb_wide_start",
    ".globl rcb_wide_end",
    ".globl rcb_wide_fixup",
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
    // rcb_wide(from, pairs of blocks, lanes, start values) -> pairs left; changes xmm0-11
    ".p2align 5",
    "rcb_wide:",
    "movdqu xmm0, [rcx]",
    "movdqu xmm1, [rcx + 16]",
    "movdqu xmm2, [rcx + 32]",
    "movdqu xmm3, [rcx + 48]",
    "movdqu xmm4, [rcx + 64]",
    "movdqu xmm5, [rcx + 80]",
    "movdqu xmm6, [rcx + 96]",
    "movdqu xmm7, [rcx + 112]",
    "test rsi, rsi",
    "jz rcb_wide_fixup",
    ".p2align 4",
    "rcb_wide_start:",
    "3:",
    "movdqu xmm8, [rdi]",
    "movdqu xmm9, [rdi + 16]",
    "movdqu xmm10, [rdi + 32]",
    "movdqu xmm11, [rdi + 48]",
    "aesenc xmm0, xmm8",
    "aesenc xmm1, xmm9",
    "aesenc xmm2, xmm10",
    "aesenc xmm3, xmm11",
    "movdqu xmm8, [rdi + 64]",
    "movdqu xmm9, [rdi + 80]",
    "movdqu xmm10, [rdi + 96]",
    "movdqu xmm11, [rdi + 112]",
    "aesenc xmm4, xmm8",
    "aesenc xmm5, xmm9",
    "aesenc xmm6, xmm10",
    "aesenc xmm7, xmm11",
    "add rdi, 128",
    "dec rsi",
    "jnz 3b",
    "rcb_wide_end:",
    "rcb_wide_fixup:",
    // Two more rounds for the last block of each lane, then eight lanes become two, each step a bijection of both.
    "movdqu xmm8, [rcx]",
    "movdqu xmm9, [rcx + 16]",
    "aesenc xmm0, xmm8",
    "aesenc xmm1, xmm9",
    "aesenc xmm2, xmm8",
    "aesenc xmm3, xmm9",
    "aesenc xmm4, xmm8",
    "aesenc xmm5, xmm9",
    "aesenc xmm6, xmm8",
    "aesenc xmm7, xmm9",
    "aesenc xmm0, xmm4",
    "aesenc xmm1, xmm5",
    "aesenc xmm2, xmm6",
    "aesenc xmm3, xmm7",
    "aesenc xmm0, xmm8",
    "aesenc xmm1, xmm9",
    "aesenc xmm0, xmm2",
    "aesenc xmm1, xmm3",
    "aesenc xmm0, xmm8",
    "aesenc xmm1, xmm9",
    "movdqu xmm8, [rdx]",
    "movdqu xmm9, [rdx + 16]",
    "pxor xmm0, xmm8",
    "pxor xmm1, xmm9",
    "movdqu [rdx], xmm0",
    "movdqu [rdx + 16], xmm1",
    "mov rax, rsi",
    "ret",
);

unsafe extern "C" {
    fn rcb_digest(from: u64, blocks: u64, lanes: *mut u64, key: u64) -> u64;
    fn rcb_wide(from: u64, pairs: u64, lanes: *mut u64, start: *const u64) -> u64;
    static rcb_digest_start: u8;
    static rcb_digest_end: u8;
    static rcb_digest_fixup: u8;
    static rcb_wide_start: u8;
    static rcb_wide_end: u8;
    static rcb_wide_fixup: u8;
}

/// Where to continue after a fault at `rip`, if that is an instruction of this file.
pub fn fixup(rip: u64) -> Option<u64> {
    let narrow = &raw const rcb_digest_start as u64..&raw const rcb_digest_end as u64;
    let wide = &raw const rcb_wide_start as u64..&raw const rcb_wide_end as u64;
    match rip {
        rip if narrow.contains(&rip) => Some(&raw const rcb_digest_fixup as u64),
        rip if wide.contains(&rip) => Some(&raw const rcb_wide_fixup as u64),
        _ => None,
    }
}

/// Feeds `blocks` blocks of 64 bytes at address `from` to the four lanes of a digest; returns the blocks left when
/// the memory faulted. `wide` needs a processor with AES instructions.
///
/// # Safety
/// `lanes` must be valid; `from` may fault.
#[inline]
pub unsafe fn blocks(mut from: u64, mut blocks: usize, lanes: &mut [u64; 4], wide: bool) -> usize {
    if wide && blocks >= WIDE_BLOCKS {
        let pairs = blocks as u64 / 2;
        // SAFETY: faults are fixed up, the lanes are a valid exclusive reference.
        let left = unsafe { rcb_wide(from, pairs, lanes.as_mut_ptr(), WIDE_START.as_ptr()) };
        let done = pairs - left;
        blocks -= 2 * done as usize;
        from += 128 * done;
        if left > 0 {
            return blocks;
        }
    }
    // SAFETY: as above.
    unsafe { rcb_digest(from, blocks as u64, lanes.as_mut_ptr(), KEY) as usize }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use core::arch::x86_64::{__m128i, _mm_aesenc_si128, _mm_loadu_si128, _mm_storeu_si128, _mm_xor_si128};
    use std::vec::Vec;

    const LENGTHS: [usize; 11] = [0, 1, 63, 64, 65, 128, 256, 384, 1000, 4096, 65536];

    fn data(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 31 + i / 7) as u8).collect()
    }

    fn lanes_of(data: &[u8], wide: bool) -> [u64; 4] {
        let mut lanes = rcb_vote::digest::LANES;
        // SAFETY: the slice outlives the call.
        let left = unsafe { blocks(data.as_ptr() as u64, data.len() / 64, &mut lanes, wide) };
        assert_eq!(left, 0);
        lanes
    }

    #[test]
    fn narrow_equals_its_definition() {
        for length in LENGTHS {
            let data = data(length);
            let mut own = rcb_vote::digest::LANES;
            for block in data.chunks_exact(64) {
                rcb_vote::digest::block(&mut own, block.try_into().unwrap());
            }
            assert_eq!(lanes_of(&data, false), own, "length {length}");
        }
    }

    /// The wide digest of whole pairs, in terms of the processor's intrinsics.
    #[allow(clippy::cast_ptr_alignment, reason = "loads and stores that need no alignment")]
    #[target_feature(enable = "aes")]
    fn definition(data: &[u8], lanes: &mut [u64; 4]) {
        // SAFETY: all pointers are into arrays of at least 16 bytes from there on.
        unsafe {
            let load = |at: *const u8| _mm_loadu_si128(at.cast::<__m128i>());
            let start = |i: usize| load(WIDE_START.as_ptr().add(2 * i).cast());
            let mut x: [__m128i; 8] = std::array::from_fn(start);
            for (i, part) in data.chunks_exact(16).enumerate() {
                x[i % 8] = _mm_aesenc_si128(x[i % 8], load(part.as_ptr()));
            }
            for (i, lane) in x.iter_mut().enumerate() {
                *lane = _mm_aesenc_si128(*lane, start(i % 2));
            }
            for i in 0..4 {
                x[i] = _mm_aesenc_si128(x[i], x[i + 4]);
            }
            for i in 0..2 {
                x[i] = _mm_aesenc_si128(x[i], start(i));
                x[i] = _mm_aesenc_si128(x[i], x[i + 2]);
                x[i] = _mm_aesenc_si128(x[i], start(i));
                let old = load(lanes.as_ptr().add(2 * i).cast());
                _mm_storeu_si128(lanes.as_mut_ptr().add(2 * i).cast(), _mm_xor_si128(x[i], old));
            }
        }
    }

    #[test]
    fn wide_equals_its_definition() {
        assert!(std::is_x86_feature_detected!("aes"), "this test needs AES instructions");
        for length in LENGTHS {
            let data = data(length);
            let mut own = rcb_vote::digest::LANES;
            let pairs = if length / 64 < WIDE_BLOCKS { 0 } else { length / 128 };
            if pairs > 0 {
                // SAFETY: checked above.
                unsafe { definition(&data[..128 * pairs], &mut own) };
            }
            for block in data[128 * pairs..].chunks_exact(64) {
                rcb_vote::digest::block(&mut own, block.try_into().unwrap());
            }
            assert_eq!(lanes_of(&data, true), own, "length {length}");
        }
    }

    #[test]
    fn every_flipped_bit_changes_the_wide_digest() {
        let mut data = data(640);
        let before = lanes_of(&data, true);
        for bit in 0..data.len() * 8 {
            data[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(lanes_of(&data, true), before, "bit {bit}");
            data[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

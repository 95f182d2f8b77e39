//! Bits of registers: which there are, and how one is changed.
#![allow(unsafe_code, reason = "asks the processor for the layout of its extended state")]

use crate::plan::Share;
use nix::libc::user_regs_struct;
use std::arch::x86_64::{__cpuid_count, __get_cpuid_max};
use std::fmt;

/// One bit of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bit {
    /// Of a general register, by the number of the encoding (0 is rax, 4 is rsp).
    General(u8, u8),
    /// Of the flags.
    Flag(u8),
    /// Of the instruction pointer.
    Pointer(u8),
    /// Of a vector register: number, bit (from 128 on in the upper half).
    Vector(u8, u8),
}

/// CF, PF, AF, ZF, SF, TF, DF, OF, AC: what a program can set without privilege.
const FLAGS: [u8; 9] = [0, 2, 4, 6, 7, 8, 10, 11, 18];
const NAMES: [&str; 16] =
    ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
/// Bits of an address.
const POINTER_BITS: u64 = 48;

/// The XSAVE area: xmm registers, header, and their bits in the header (Intel SDM volume 1, section 13.4).
const XMM: usize = 160;
const HEADER: usize = 512;
const SSE: u8 = 1 << 1;
const AVX: u8 = 1 << 2;

impl Bit {
    /// Of the general registers: a register, then a bit of it.
    pub(crate) fn general(draw: [Share; 2]) -> Self {
        Self::General(draw[0].of(16) as u8, draw[1].of(64) as u8)
    }

    /// Of the flags.
    pub(crate) fn flag(draw: [Share; 2]) -> Self {
        Self::Flag(FLAGS[draw[1].of(FLAGS.len() as u64) as usize])
    }

    /// Of the instruction pointer.
    pub(crate) fn pointer(draw: [Share; 2]) -> Self {
        Self::Pointer(draw[1].of(POINTER_BITS) as u8)
    }

    /// Of the vector registers of this processor.
    pub(crate) fn vector(draw: [Share; 2]) -> Self {
        let width = if upper_half().is_some() { 256 } else { 128 };
        Self::Vector(draw[0].of(16) as u8, draw[1].of(width) as u8)
    }

    /// Whether it lies in the extended state.
    pub(crate) fn is_vector(self) -> bool {
        matches!(self, Self::Vector(..))
    }

    /// Inverts it, or sets it to `value`. The value that it has now; `None` when it is not there.
    pub(crate) fn change(self, registers: &mut user_regs_struct, value: Option<bool>) -> Option<bool> {
        let (word, bit) = match self {
            Self::General(number, bit) => (general(registers, number), bit),
            Self::Flag(bit) => (&mut registers.eflags, bit),
            Self::Pointer(bit) => (&mut registers.rip, bit),
            Self::Vector(..) => return None,
        };
        let value = value.unwrap_or(*word >> bit & 1 == 0);
        *word = *word & !(1 << bit) | u64::from(value) << bit;
        Some(value)
    }

    /// The same in the extended state.
    pub(crate) fn change_extended(self, state: &mut [u8], value: Option<bool>) -> Option<bool> {
        let Self::Vector(number, bit) = self else { return None };
        let (area, component) = if bit < 128 { (XMM, SSE) } else { (upper_half()?, AVX) };
        let byte = state.get_mut(area + usize::from(number) * 16 + usize::from(bit % 128 / 8))?;
        let value = value.unwrap_or(*byte >> (bit % 8) & 1 == 0);
        *byte = *byte & !(1 << (bit % 8)) | u8::from(value) << (bit % 8);
        // Or the kernel would take the registers of this half for zero.
        *state.get_mut(HEADER)? |= component;
        Some(value)
    }
}

fn general(registers: &mut user_regs_struct, number: u8) -> &mut u64 {
    match number & 15 {
        0 => &mut registers.rax,
        1 => &mut registers.rcx,
        2 => &mut registers.rdx,
        3 => &mut registers.rbx,
        4 => &mut registers.rsp,
        5 => &mut registers.rbp,
        6 => &mut registers.rsi,
        7 => &mut registers.rdi,
        8 => &mut registers.r8,
        9 => &mut registers.r9,
        10 => &mut registers.r10,
        11 => &mut registers.r11,
        12 => &mut registers.r12,
        13 => &mut registers.r13,
        14 => &mut registers.r14,
        _ => &mut registers.r15,
    }
}

/// Where the upper halves of the vector registers lie in the extended state, if there are any.
fn upper_half() -> Option<usize> {
    const EXTENDED_STATE: u32 = 0xd;
    if !std::arch::is_x86_feature_detected!("avx") || __get_cpuid_max(0).0 < EXTENDED_STATE {
        return None;
    }
    Some(__cpuid_count(EXTENDED_STATE, 2).ebx as usize)
}

impl fmt::Display for Bit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::General(number, bit) => write!(f, "{} bit {bit}", NAMES[usize::from(number & 15)]),
            Self::Flag(bit) => write!(f, "flags bit {bit}"),
            Self::Pointer(bit) => write!(f, "rip bit {bit}"),
            Self::Vector(number, bit) if *bit < 128 => write!(f, "xmm{number} bit {bit}"),
            Self::Vector(number, bit) => write!(f, "ymm{number} bit {bit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A structure without a value is all zeros.
    fn zeros() -> user_regs_struct {
        // SAFETY: plain numbers.
        unsafe { std::mem::zeroed() }
    }

    #[test]
    fn a_bit_is_inverted_or_set() {
        let mut registers = zeros();
        assert_eq!(Bit::General(4, 63).change(&mut registers, None), Some(true));
        assert_eq!(registers.rsp, 1 << 63);
        assert_eq!(Bit::General(4, 63).change(&mut registers, Some(true)), Some(true));
        assert_eq!(registers.rsp, 1 << 63);
        assert_eq!(Bit::General(4, 63).change(&mut registers, None), Some(false));
        assert_eq!(registers.rsp, 0);
        assert_eq!(Bit::Pointer(47).change(&mut registers, None), Some(true));
        assert_eq!((registers.rip, Bit::Vector(0, 0).change(&mut registers, None)), (1 << 47, None));
    }

    #[test]
    fn every_general_register_is_one() {
        for number in 0..16 {
            let mut registers = zeros();
            Bit::General(number, 0).change(&mut registers, None);
            let mut changed = [0; 16].map(|_: u8| 0);
            (0..16).for_each(|other| changed[usize::from(other)] = *general(&mut registers, other));
            assert_eq!(changed.iter().sum::<u64>(), 1, "{}", NAMES[usize::from(number)]);
        }
    }

    #[test]
    fn vector_bits_are_marked_as_in_use() {
        let mut state = vec![0; 4096];
        assert_eq!(Bit::Vector(1, 9).change_extended(&mut state, None), Some(true));
        assert_eq!((state[XMM + 17], state[HEADER]), (2, SSE));
        assert_eq!(Bit::Vector(15, 0).change_extended(&mut [0; 100], None), None);
        if let Some(area) = upper_half() {
            Bit::Vector(2, 128).change_extended(&mut state, None);
            assert_eq!((state[area + 32], state[HEADER]), (1, SSE | AVX));
        }
    }

    #[test]
    fn draws_reach_the_ends() {
        let (first, last) = (Share(0), Share(u64::MAX));
        assert_eq!(Bit::general([first, first]), Bit::General(0, 0));
        assert_eq!(Bit::general([last, last]), Bit::General(15, 63));
        assert_eq!(Bit::flag([first, last]), Bit::Flag(18));
        assert_eq!(Bit::pointer([first, last]), Bit::Pointer(47));
    }
}

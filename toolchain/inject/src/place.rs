//! Which bit.

use crate::draw::Draw;
use nix::libc::{user_fpregs_struct, user_regs_struct};
use std::fmt;

/// Registers to choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// 16 general registers and the five arithmetic flags.
    General,
    /// Those and the 16 vector registers, 128 bits each.
    GeneralAndVector,
    /// The instruction pointer.
    InstructionPointer,
}

/// One bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Bit of a general register, by the number of the encoding (0 is rax, 4 is rsp).
    General(u8, u8),
    /// Bit of the flags.
    Flag(u8),
    /// Bit of the low half of a vector register.
    Vector(u8, u8),
    /// Bit of the instruction pointer.
    Pointer(u8),
}

/// CF, PF, ZF, SF, OF.
const FLAGS: [u8; 5] = [0, 2, 6, 7, 11];
const NAMES: [&str; 16] =
    ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

impl Place {
    /// Chooses a register of the group, each with the same probability (the flags count as one), then a bit of it.
    pub fn choose(group: Group, draw: &mut Draw) -> Self {
        let registers = match group {
            Group::General => 17,
            Group::GeneralAndVector => 33,
            Group::InstructionPointer => return Self::Pointer(draw.below(48) as u8),
        };
        match draw.below(registers) as u8 {
            general @ 0..16 => Self::General(general, draw.below(64) as u8),
            16 => Self::Flag(FLAGS[draw.below(5) as usize]),
            vector => Self::Vector(vector - 17, draw.below(128) as u8),
        }
    }

    /// Flips it in the general registers. Whether it is there.
    pub(crate) fn flip(self, regs: &mut user_regs_struct) -> bool {
        let (word, bit) = match self {
            Self::General(number, bit) => {
                let word = match number {
                    0 => &mut regs.rax,
                    1 => &mut regs.rcx,
                    2 => &mut regs.rdx,
                    3 => &mut regs.rbx,
                    4 => &mut regs.rsp,
                    5 => &mut regs.rbp,
                    6 => &mut regs.rsi,
                    7 => &mut regs.rdi,
                    8 => &mut regs.r8,
                    9 => &mut regs.r9,
                    10 => &mut regs.r10,
                    11 => &mut regs.r11,
                    12 => &mut regs.r12,
                    13 => &mut regs.r13,
                    14 => &mut regs.r14,
                    _ => &mut regs.r15,
                };
                (word, bit)
            }
            Self::Flag(bit) => (&mut regs.eflags, bit),
            Self::Pointer(bit) => (&mut regs.rip, bit),
            Self::Vector(..) => return false,
        };
        *word ^= 1 << bit;
        true
    }

    /// Flips it in the vector registers. Whether it is there.
    pub(crate) fn flip_vector(self, regs: &mut user_fpregs_struct) -> bool {
        let Self::Vector(number, bit) = self else { return false };
        regs.xmm_space[usize::from(number) * 4 + usize::from(bit / 32)] ^= 1 << (bit % 32);
        true
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::General(number, bit) => write!(f, "{} bit {bit}", NAMES[usize::from(number & 15)]),
            Self::Flag(bit) => write!(f, "flags bit {bit}"),
            Self::Vector(number, bit) => write!(f, "xmm{number} bit {bit}"),
            Self::Pointer(bit) => write!(f, "rip bit {bit}"),
        }
    }
}

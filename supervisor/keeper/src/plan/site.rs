//! Phase 4: for each `syscall` instruction the bytes to replace.
//!
//! The shortest replacement wins, and instructions behind the call are preferred to those before it: then no entry
//! on the `syscall` itself has to be excluded.

use super::code::{Code, Found};
use super::image::Image;
use iced_x86::{Code as Opcode, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use rcb_abi::plan::{MAX_SITE_BYTES, PlanSite};

/// Bytes of a `jmp rel32`.
const JUMP: usize = 5;
/// Bytes of a `syscall`.
const SYSCALL: usize = 2;
/// Most instructions moved from one side.
const MOST_MOVED: usize = 4;
/// Calls that never come back at the instruction behind them in the way other calls do, or whose code unwinders
/// recognise by its bytes: rt_sigreturn, clone, fork, vfork, clone3.
const NEVER: [u64; 5] = [15, 56, 57, 58, 435];

/// Chooses the replacement for every site that has a safe one; sorted by offset, not overlapping.
pub fn choose(image: &Image<'_>, code: &Code) -> Vec<PlanSite> {
    let mut sites: Vec<PlanSite> = Vec::with_capacity(code.found.len());
    for found in &code.found {
        let taken = sites.last().map_or(0, |site| u64::from(site.offset) + u64::from(site.len));
        sites.extend(choose_one(image, code, found).filter(|site| u64::from(site.offset) >= taken));
    }
    sites
}

/// The bytes around one `syscall`.
struct Surroundings {
    /// Lengths of the instructions behind it that may move, in order.
    behind: Vec<usize>,
    /// Lengths of the instructions before it that may move, the nearest first.
    before: Vec<usize>,
    /// The instruction behind is the check of its result for an error.
    checked: bool,
}

fn choose_one(image: &Image<'_>, code: &Code, found: &Found) -> Option<PlanSite> {
    if found.frame.is_some_and(|frame| image.frames[frame].signal) {
        return None;
    }
    let around = surroundings(image, found)?;
    let closed = found.frame.is_some_and(|frame| code.is_closed(frame));
    let behind = if closed { around.behind.len() } else { usize::from(around.checked) };
    let before = if closed { around.before.len() } else { 0 };
    for heads in 0..=before {
        for tails in 0..=behind {
            let head: usize = around.before[..heads].iter().sum();
            let tail: usize = around.behind[..tails].iter().sum();
            let len = head + SYSCALL + tail;
            if !(JUMP..=MAX_SITE_BYTES).contains(&len) {
                continue;
            }
            let first = found.addr - head as u64;
            if !code.is_entered(first + 1..first + len as u64) {
                return site(image, found, head, tail);
            }
        }
    }
    None
}

fn site(image: &Image<'_>, found: &Found, head: usize, tail: usize) -> Option<PlanSite> {
    let region = &image.regions[found.region];
    let at = (found.addr - region.addr) as usize - head;
    let len = head + SYSCALL + tail;
    let mut expect = [0; MAX_SITE_BYTES];
    expect[..len].copy_from_slice(region.bytes.get(at..at + len)?);
    let offset = u32::try_from(region.offset + at as u64).ok()?;
    Some(PlanSite { offset, len: len as u8, head: head as u8, tail: tail as u8, reserved: 0, expect })
}

/// Looks at the instructions beside a site; `None` if its call must never be planned.
fn surroundings(image: &Image<'_>, found: &Found) -> Option<Surroundings> {
    let region = &image.regions[found.region];
    let bytes = |from: u64, to: u64| &region.bytes[(from - region.addr) as usize..(to - region.addr) as usize];

    let mut before = Vec::new();
    let mut movable = true;
    for &addr in &found.before[..found.before_count] {
        let instruction = Decoder::with_ip(64, bytes(addr, found.addr), addr, DecoderOptions::NONE).decode();
        movable &= before.len() < MOST_MOVED && is_movable(&instruction);
        if movable {
            before.push(instruction.len());
        }
        match loads_number(&instruction) {
            Number::Is(number) if NEVER.contains(&number) => return None,
            Number::Is(_) | Number::Unknown => break,
            Number::Untouched => {}
        }
    }

    let next = found.addr + SYSCALL as u64;
    let mut decoder = Decoder::with_ip(64, bytes(next, found.limit), next, DecoderOptions::NONE);
    let (mut behind, mut checked) = (Vec::new(), false);
    while behind.len() < MOST_MOVED && decoder.can_decode() {
        let instruction = decoder.decode();
        if behind.is_empty() {
            checked = is_error_check(&instruction);
        }
        let is_return = instruction.code() == Opcode::Retnq;
        if !is_return && !is_movable(&instruction) {
            break;
        }
        behind.push(instruction.len());
        if is_return {
            break;
        }
    }
    Some(Surroundings { behind, before, checked })
}

/// What an instruction does to the number of the call in `rax`.
enum Number {
    Is(u64),
    Unknown,
    Untouched,
}

fn loads_number(instruction: &Instruction) -> Number {
    let to_rax =
        instruction.op0_kind() == OpKind::Register && instruction.op0_register().full_register() == Register::RAX;
    match instruction.code() {
        Opcode::Mov_r32_imm32 | Opcode::Mov_rm32_imm32 if to_rax => Number::Is(u64::from(instruction.immediate32())),
        Opcode::Mov_rm64_imm32 if to_rax => Number::Is(instruction.immediate32to64() as u64),
        Opcode::Mov_r64_imm64 if to_rax => Number::Is(instruction.immediate64()),
        _ if matches!(instruction.mnemonic(), Mnemonic::Cmp | Mnemonic::Test) => Number::Untouched,
        _ if to_rax || !matches!(instruction.flow_control(), FlowControl::Next | FlowControl::ConditionalBranch) => {
            Number::Unknown
        }
        _ => Number::Untouched,
    }
}

/// Whether the instruction is `cmp $-4095` or `cmp $-4096` with `%rax` or `%eax`.
pub(super) fn is_error_check(instruction: &Instruction) -> bool {
    let register = match instruction.code() {
        Opcode::Cmp_RAX_imm32 | Opcode::Cmp_EAX_imm32 => true,
        Opcode::Cmp_rm64_imm32 | Opcode::Cmp_rm32_imm32 => {
            matches!(instruction.op0_register(), Register::RAX | Register::EAX)
        }
        _ => false,
    };
    register && matches!(instruction.immediate(1) as i32, -4095 | -4096)
}

/// Whether an instruction does the same at another address: it neither branches nor names an address relative to
/// itself, and it is one of the plain moves and computations that stand around calls. Push and pop are left alone so
/// that unwind tables stay true for every address outside the trampoline.
pub(super) fn is_movable(instruction: &Instruction) -> bool {
    let plain = matches!(
        instruction.mnemonic(),
        Mnemonic::Mov
            | Mnemonic::Movsxd
            | Mnemonic::Movsx
            | Mnemonic::Movzx
            | Mnemonic::Lea
            | Mnemonic::Cmp
            | Mnemonic::Test
            | Mnemonic::Xor
            | Mnemonic::And
            | Mnemonic::Or
            | Mnemonic::Add
            | Mnemonic::Sub
            | Mnemonic::Neg
            | Mnemonic::Not
            | Mnemonic::Inc
            | Mnemonic::Dec
            | Mnemonic::Shl
            | Mnemonic::Shr
            | Mnemonic::Sar
            | Mnemonic::Cdqe
            | Mnemonic::Sete
            | Mnemonic::Setne
            | Mnemonic::Cmove
            | Mnemonic::Cmovne
            | Mnemonic::Cmovs
            | Mnemonic::Cmovns
            | Mnemonic::Pxor
            | Mnemonic::Xorps
    );
    plain
        && instruction.flow_control() == FlowControl::Next
        && !instruction.is_ip_rel_memory_operand()
        && !instruction.has_lock_prefix()
        && !(0..instruction.op_count()).any(|operand| {
            instruction.op_kind(operand) == OpKind::Register && is_special(instruction.op_register(operand))
                || operand == 0
                    && instruction.op_kind(0) == OpKind::Register
                    && instruction.op0_register().full_register() == Register::RSP
        })
}

/// Segment, control and debug registers.
fn is_special(register: Register) -> bool {
    register.is_segment_register() || register.is_cr() || register.is_dr()
}

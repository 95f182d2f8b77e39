//! Twin operations: do the two values that a check compares come from different registers?
//!
//! From the two registers of a check, the instructions that made them are followed backwards, pairwise, as long as both
//! are of one kind: `add` and its twin, the loads that gave them their operands, and so on. Where the two sides arrive at
//! one instruction, one register feeds both slices, and a flip in it reaches both: the check sees nothing.
//!
//! Only straight code is followed, back to the last place where control may come in or a call may change registers. What
//! comes from the stack pointer, the instruction pointer or a number in the instruction is no register of the program.

use iced_x86::{FlowControl, Instruction};
use iced_x86::{InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};
use std::collections::HashSet;

/// How far a pair is followed.
const DEPTH: u32 = 12;

/// What following the checks of a function has shown.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Twins {
    /// Pairs of twin operations that were seen.
    pub(super) pairs: u32,
    /// Addresses of instructions whose result both slices use.
    pub(super) shared: Vec<u64>,
}

/// The instructions of a function and where control may come in.
pub(super) struct Code<'a> {
    all: &'a [Instruction],
    targets: HashSet<u64>,
    info: InstructionInfoFactory,
    seen: HashSet<(usize, usize)>,
    twins: Twins,
}

impl<'a> Code<'a> {
    pub(super) fn new(all: &'a [Instruction]) -> Self {
        let jumps = all.iter().filter(|one| one.is_jcc_short_or_near() || one.is_jmp_short_or_near());
        let targets = jumps.map(Instruction::near_branch_target).collect();
        Self { all, targets, info: InstructionInfoFactory::new(), seen: HashSet::new(), twins: Twins::default() }
    }

    /// Follows both sides of the comparison at an index, when it compares two general registers.
    pub(super) fn follow(&mut self, at: usize) {
        let test = &self.all[at];
        let is_of_registers = test.op0_kind() == OpKind::Register && test.op1_kind() == OpKind::Register;
        if test.mnemonic() == Mnemonic::Cmp && is_of_registers {
            self.pair((test.op0_register(), at), (test.op1_register(), at), DEPTH);
        }
    }

    pub(super) fn found(mut self) -> Twins {
        self.twins.shared.sort_unstable();
        self.twins.shared.dedup();
        self.twins
    }

    /// Two registers, as they are before the instructions at two indices.
    fn pair(&mut self, left: (Register, usize), right: (Register, usize), depth: u32) {
        let (Some(left), Some(right)) = (self.origin(left), self.origin(right)) else { return };
        if left == right {
            if is_of_program(&self.all[left]) {
                self.twins.shared.push(self.all[left].ip());
            }
            return;
        }
        let (one, other) = (self.all[left], self.all[right]);
        if depth == 0 || one.mnemonic() != other.mnemonic() || !self.seen.insert((left, right)) {
            return;
        }
        self.twins.pairs += 1;
        // An operation may name its operands in another order than its twin does, so all are looked at with all.
        let (ours, theirs) = (self.sources(&one), self.sources(&other));
        for &our in &ours {
            for &their in &theirs {
                self.pair((our, left), (their, right), depth - 1);
            }
        }
    }

    /// The instruction that made a register, with moves between registers looked through.
    fn origin(&mut self, (mut register, mut at): (Register, usize)) -> Option<usize> {
        loop {
            at = self.made(register, at)?;
            let one = &self.all[at];
            let is_move = one.mnemonic() == Mnemonic::Mov
                && one.op0_kind() == OpKind::Register
                && one.op1_kind() == OpKind::Register;
            if !is_move {
                return Some(at);
            }
            register = one.op1_register();
        }
    }

    /// The last instruction before an index that writes a register, in straight code.
    fn made(&mut self, register: Register, before: usize) -> Option<usize> {
        let register = register.full_register();
        if !register.is_gpr64() || register == Register::RSP {
            return None;
        }
        let mut at = before;
        while at > 0 && !self.targets.contains(&self.all[at].ip()) {
            at -= 1;
            let one = &self.all[at];
            if !matches!(one.flow_control(), FlowControl::Next | FlowControl::ConditionalBranch) {
                return None;
            }
            let used = self.info.info(one).used_registers();
            let writes = |access| {
                matches!(access, OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite)
            };
            if used.iter().any(|used| used.register().full_register() == register && writes(used.access())) {
                return Some(at);
            }
        }
        None
    }

    /// The general registers that an instruction reads, in the order in which it names them.
    fn sources(&mut self, one: &Instruction) -> Vec<Register> {
        let used = self.info.info(one).used_registers();
        let reads = |access| {
            matches!(access, OpAccess::Read | OpAccess::CondRead | OpAccess::ReadWrite | OpAccess::ReadCondWrite)
        };
        let read = used.iter().filter(|used| reads(used.access())).map(iced_x86::UsedRegister::register);
        read.filter(|register| register.is_gpr() && register.full_register() != Register::RSP).collect()
    }
}

/// Whether an instruction computes or loads something of the program's own: not a constant, an address of its own, or a
/// slot of the frame, where a parameter may lie before it is copied.
fn is_of_program(one: &Instruction) -> bool {
    let has_memory = (0..one.op_count()).any(|index| one.op_kind(index) == OpKind::Memory);
    let is_fixed = matches!(one.memory_base(), Register::RSP | Register::RBP | Register::RIP | Register::None);
    if has_memory {
        return !is_fixed;
    }
    let is_zero = one.mnemonic() == Mnemonic::Xor && one.op0_register() == one.op1_register();
    one.mnemonic() != Mnemonic::Mov && one.mnemonic() != Mnemonic::Pop && !is_zero
}

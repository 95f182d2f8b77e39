//! The main phase: every value of a function a second time, with checks where values leave.
//!
//! For a value `x`, `x'` is its shadow. An instruction `z = x op y` is followed by `z' = x' op y'`. Exceptions:
//!
//! | instruction | what is done |
//! |---|---|
//! | parameter, landing pad, result of other code | `x'` is an opaque copy of `x` |
//! | parameter and result of a function with a twin | passed twice |
//! | load | repeated through the shadow address |
//! | store | performed once, compared afterwards: see `stores` |
//! | atomic or volatile access | operands checked, performed once, result copied |
//! | two-way branch, switch | each way out decides again with the shadow |
//! | call of other code, inline assembly, return to other code | operands checked before |
//! | slot of the frame | no shadow of its own: each use in a shadow computes the address again |
//! | constant | see `constants` |

use crate::check::{differences, laundered, test_before};
use crate::constants::{self, Constants};
use crate::copy;
use crate::fault::Check;
use crate::faults::Faults;
use crate::ir::{Block, Cursor, Kind, Module, Opcode, Value};
use crate::stores::Pending;
use std::collections::{HashMap, HashSet};

/// What duplication leaves for later phases and the report.
#[derive(Debug, Default)]
pub(crate) struct Shadows {
    /// Shadow of each value.
    pub(crate) of: HashMap<Value, Value>,
    /// Copies, which alone may use an original.
    pub(crate) copies: HashSet<Value>,
    /// Values of the program without shadow.
    pub(crate) unshadowed: u32,
    /// Values that are computed once, by other instructions than a call, and then copied.
    pub(crate) single: u32,
}

/// Duplicates the body of a function.
pub(crate) struct Duplication<'a, 'ctx> {
    pub(crate) module: &'a Module<'ctx>,
    pub(crate) constants: &'a mut Constants,
    pub(crate) faults: Faults<'a, 'ctx>,
    /// Twins by the function whose body they took.
    pub(crate) twins: &'a HashMap<Value, Value>,
    /// Whether `function` is such a twin.
    pub(crate) is_twin: bool,
    pub(crate) function: Value,
    pub(crate) shadows: Shadows,
    /// Results of twin calls with both values, by the first.
    pub(crate) pairs: HashMap<Value, Value>,
    /// Phis with their shadows.
    phis: Vec<(Value, Value)>,
    /// Comparisons that stores of the block still owe.
    pub(crate) pending: Pending,
}

impl<'a, 'ctx> Duplication<'a, 'ctx> {
    pub(crate) fn new(
        module: &'a Module<'ctx>,
        constants: &'a mut Constants,
        twins: &'a HashMap<Value, Value>,
        (function, name, is_twin): (Value, &str, bool),
    ) -> Self {
        let faults = Faults::new(module, function, name);
        let (shadows, pairs, pending) = (Shadows::default(), HashMap::new(), Pending::default());
        Self { module, constants, faults, twins, is_twin, function, shadows, pairs, phis: Vec::new(), pending }
    }

    /// Does it. `twice` says which parameters of a twin come a second time, in order behind the others.
    pub(crate) fn run(&mut self, twice: &[bool]) {
        let instructions: Vec<_> = self.function.blocks_in_order().into_iter().flat_map(Block::instructions).collect();
        self.parameters(twice);
        for &instruction in &instructions {
            if leads_out(instruction) {
                self.settle(instruction);
            }
            self.instruction(instruction);
        }
        self.fill_phis();
    }

    fn parameters(&mut self, twice: &[bool]) {
        let params = self.function.params();
        let own = if self.is_twin { twice.len() } else { params.len() };
        let mut second = own;
        for (index, &param) in params[..own].iter().enumerate() {
            if self.is_twin && twice[index] {
                self.shadows.of.insert(param, params[second]);
                second += 1;
            } else if let Some(at) = self.function.entry().first_insertion() {
                let at = std::iter::successors(Some(at), |slot| slot.next());
                let at = at.into_iter().find(|instruction| !instruction.is_static_alloca());
                if let Some(at) = at {
                    self.copy(&Cursor::before(at), param);
                }
            }
        }
    }

    /// Gives a value an opaque copy as its shadow.
    pub(crate) fn copy(&mut self, cursor: &Cursor, value: Value) {
        if !value.is_used() || matches!(value.ty().kind(), Kind::Void | Kind::Other) {
            return;
        }
        self.shadows.single += u32::from(is_computed_once(value));
        match copy::opaque(cursor, value) {
            Some(copy) => {
                self.shadows.copies.insert(copy);
                self.shadows.of.insert(value, copy);
            }
            None => self.shadows.unshadowed += 1,
        }
    }

    /// The shadow of an operand, as something made at the cursor may use it.
    pub(crate) fn shadow(&mut self, cursor: &Cursor, value: Value) -> Value {
        if let Some(&shadow) = self.shadows.of.get(&value) {
            return shadow;
        }
        if value.is_constant() {
            return self.constants.shadow(self.module, cursor, value).unwrap_or(value);
        }
        if value.is_static_alloca() {
            return constants::address(cursor, value);
        }
        value
    }

    /// The shadow of an operand of `user`.
    fn operand_shadow(&mut self, cursor: &Cursor, user: Value, index: u32) -> Value {
        let operand = user.operand(index);
        if operand.is_constant() && constants::is_part_of_instruction(user, index, operand) {
            return operand;
        }
        self.shadow(cursor, operand)
    }

    fn instruction(&mut self, instruction: Value) {
        use Opcode::{
            LLVMAlloca, LLVMAtomicCmpXchg, LLVMAtomicRMW, LLVMBr, LLVMCall, LLVMFence, LLVMIndirectBr, LLVMInvoke,
            LLVMLandingPad, LLVMLoad, LLVMPHI, LLVMResume, LLVMRet, LLVMStore, LLVMSwitch, LLVMUnreachable, LLVMVAArg,
        };
        match instruction.opcode() {
            LLVMPHI => self.begin_phi(instruction),
            LLVMLoad | LLVMStore if instruction.is_volatile_or_atomic() => self.access(instruction),
            LLVMAtomicCmpXchg | LLVMAtomicRMW | LLVMVAArg => self.access(instruction),
            LLVMStore => self.store(instruction),
            LLVMCall => self.call(instruction),
            LLVMInvoke => self.invoke(instruction),
            LLVMBr => self.branch(instruction),
            LLVMSwitch => self.switch(instruction),
            LLVMIndirectBr => self.check_operands(instruction, &[0], Check::Branch),
            LLVMRet => self.ret(instruction),
            LLVMResume => self.check_operands(instruction, &[0], Check::Return),
            LLVMLandingPad => {
                if let Some(at) = instruction.block().first_insertion() {
                    self.copy(&Cursor::before(at), instruction);
                }
            }
            LLVMAlloca if instruction.is_static_alloca() => {}
            LLVMAlloca => {
                self.check_operands(instruction, &[0], Check::Access);
                self.copy(&Cursor::after(instruction), instruction);
            }
            LLVMFence | LLVMUnreachable => {}
            _ => self.compute(instruction),
        }
    }

    /// An instruction that only computes, or loads: once more with shadows.
    pub(crate) fn compute(&mut self, instruction: Value) {
        let cursor = Cursor::after(instruction);
        if let Some(again) = load_again(&cursor, instruction) {
            self.shadows.of.insert(instruction, again);
            return;
        }
        let count = if matches!(instruction.opcode(), Opcode::LLVMCall) {
            instruction.argument_count()
        } else {
            instruction.operand_count()
        };
        let mut operands = Vec::new();
        for index in 0..count {
            let operand = instruction.operand(index);
            let stays = operand.is_metadata()
                || (instruction.opcode() == Opcode::LLVMCall && instruction.is_immediate_argument(index));
            operands.push(if stays { operand } else { self.operand_shadow(&cursor, instruction, index) });
        }
        let clone = instruction.clone_instruction();
        for (index, operand) in (0..).zip(operands) {
            clone.set_operand(index, operand);
        }
        cursor.insert(clone);
        self.shadows.of.insert(instruction, clone);
    }

    fn begin_phi(&mut self, phi: Value) {
        let clone = phi.clone_instruction();
        // Before it: behind the last phi there may be debug records, which a phi must not have.
        Cursor::before(phi).insert(clone);
        self.shadows.of.insert(phi, clone);
        self.phis.push((phi, clone));
    }

    fn fill_phis(&mut self) {
        // In a fixed order, so that equal input gives equal output; backwards, which register allocation likes better.
        for (phi, clone) in std::mem::take(&mut self.phis).into_iter().rev() {
            let mut made: HashMap<Block, Value> = HashMap::new();
            for index in 0..phi.operand_count() {
                let from = phi.incoming_block(index);
                // A phi has one value per predecessor, also where one predecessor comes in several ways.
                let shadow = match made.get(&from) {
                    Some(&shadow) => shadow,
                    None => self.shadow(&Cursor::before(from.terminator()), phi.operand(index)),
                };
                made.insert(from, shadow);
                clone.set_operand(index, shadow);
            }
        }
    }

    /// Compares operands with their shadows before an instruction.
    pub(crate) fn check_operands(&mut self, instruction: Value, indices: &[u32], check: Check) {
        for &index in indices {
            let value = instruction.operand(index);
            let Some(&shadow) = self.shadows.of.get(&value) else { continue };
            let cursor = Cursor::before(instruction);
            let shadow = laundered(&cursor, shadow, instruction.block(), &mut self.shadows.copies);
            let conditions = differences(&cursor, value, shadow);
            drop(cursor);
            test_before(&mut self.faults, instruction, &conditions, check);
        }
    }

    fn access(&mut self, instruction: Value) {
        let all: Vec<_> = (0..instruction.operand_count()).collect();
        self.check_operands(instruction, &all, Check::Access);
        if instruction.opcode() != Opcode::LLVMStore {
            self.copy(&Cursor::after(instruction), instruction);
        }
    }
}

/// A load of a slot of the frame or a variable of the program once more, when no register but the stack pointer has to do
/// with its address. It is volatile, or code generation would let the two be one.
fn load_again(cursor: &Cursor, load: Value) -> Option<Value> {
    if load.opcode() != Opcode::LLVMLoad || load.ty().kind() == Kind::OddFloat {
        return None;
    }
    let address = load.operand(0);
    let root = address.near_root();
    let is_one_step = root == address || address.operand(0) == root;
    if !is_one_step || !constants::is_fixed(root) || !root.is_changeable() {
        return None;
    }
    let again = load.clone_instruction();
    if address.is_instruction() && root != address {
        // A computation of its own, to be part of the load.
        let own = address.clone_instruction();
        cursor.insert(own);
        again.set_operand(0, own);
    }
    again.set_volatile();
    cursor.insert(again);
    Some(again)
}

/// Whether what stores have done may be seen, or another block begins, when this instruction is performed.
fn leads_out(instruction: Value) -> bool {
    match instruction.opcode() {
        Opcode::LLVMCall => !instruction.is_marker() && !instruction.is_pure_intrinsic_call(),
        Opcode::LLVMLoad | Opcode::LLVMStore => instruction.is_volatile_or_atomic(),
        Opcode::LLVMAtomicCmpXchg | Opcode::LLVMAtomicRMW | Opcode::LLVMFence | Opcode::LLVMVAArg => true,
        _ => instruction.is_terminator(),
    }
}

/// Whether the machine code computes a value, rather than finding it in a register, before it is copied.
fn is_computed_once(value: Value) -> bool {
    let is_whole = matches!(value.ty().kind(), Kind::Int(8 | 16 | 32 | 64) | Kind::Pointer | Kind::Float(_));
    let is_call = |value: Value| {
        matches!(value.opcode(), Opcode::LLVMCall | Opcode::LLVMInvoke)
            && !value.callee().is_inline_asm()
            && !value.callee().name().starts_with("llvm.")
    };
    !is_whole || (value.is_instruction() && !is_call(value))
}

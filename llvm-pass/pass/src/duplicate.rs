//! The main phase: every value of a function a second time, with checks where values leave.
//!
//! For a value `x`, `x'` is its shadow. An instruction `z = x op y` is followed by `z' = x' op y'`. Exceptions:
//!
//! | instruction | what is done |
//! |---|---|
//! | parameter, landing pad, result of other code | `x'` is an opaque copy of `x` |
//! | parameter and result of a function with a twin | passed twice |
//! | load | repeated through the shadow address |
//! | store | performed once, then read back through the shadow address and compared with the shadow value |
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
use crate::ir::{Block, Cursor, Kind, Module, Opcode, Predicate, Value};
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
    pairs: HashMap<Value, Value>,
}

impl<'a, 'ctx> Duplication<'a, 'ctx> {
    pub(crate) fn new(
        module: &'a Module<'ctx>,
        constants: &'a mut Constants,
        twins: &'a HashMap<Value, Value>,
        (function, name, is_twin): (Value, &str, bool),
    ) -> Self {
        let faults = Faults::new(module, function, name);
        let (shadows, pairs) = (Shadows::default(), HashMap::new());
        Self { module, constants, faults, twins, is_twin, function, shadows, pairs }
    }

    /// Does it. `twice` says which parameters of a twin come a second time, in order behind the others.
    pub(crate) fn run(&mut self, twice: &[bool]) {
        let instructions: Vec<_> = self.function.blocks_in_order().into_iter().flat_map(Block::instructions).collect();
        self.parameters(twice);
        for &instruction in &instructions {
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
    fn copy(&mut self, cursor: &Cursor, value: Value) {
        if !value.is_used() || matches!(value.ty().kind(), Kind::Void | Kind::Other) {
            return;
        }
        match copy::opaque(cursor, value) {
            Some(copy) => {
                self.shadows.copies.insert(copy);
                self.shadows.of.insert(value, copy);
            }
            None => self.shadows.unshadowed += 1,
        }
    }

    /// The shadow of an operand, as something made at the cursor may use it.
    fn shadow(&mut self, cursor: &Cursor, value: Value) -> Value {
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
    fn compute(&mut self, instruction: Value) {
        let cursor = Cursor::after(instruction);
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
    }

    fn fill_phis(&mut self) {
        let phis: Vec<_> = self.shadows.of.iter().map(|(&phi, &clone)| (phi, clone)).collect();
        let is_phi = |value: Value| value.is_instruction() && value.opcode() == Opcode::LLVMPHI;
        for (phi, clone) in phis.into_iter().filter(|&(phi, clone)| is_phi(phi) && is_phi(clone)) {
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
    fn check_operands(&mut self, instruction: Value, indices: &[u32], check: Check) {
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

    fn store(&mut self, store: Value) {
        let (value, address) = (store.operand(0), store.operand(1));
        let Some(next) = store.next() else { return };
        let cursor = Cursor::before(next).located_like(store);
        let ty = value.ty();
        let shadow_address = self.shadow(&cursor, address);
        if shadow_address == address {
            self.shadows.unshadowed += 1;
        }
        let keeps = value.is_constant() && constants::fits(value);
        let shadow = if keeps { value } else { self.shadow(&cursor, value) };
        // Read back as a number: the bits count, and comparing numbers is cheapest.
        let read_as = match ty.kind() {
            Kind::Float(bits) => ty.int(bits),
            Kind::OddFloat => {
                self.shadows.unshadowed += 1;
                return;
            }
            _ => ty,
        };
        let back = cursor.load(read_as, shadow_address, store.alignment());
        let shadow = if read_as == ty { shadow } else { cursor.bitcast(shadow, read_as) };
        let conditions = differences(&cursor, back, shadow);
        drop(cursor);
        test_before(&mut self.faults, next, &conditions, Check::Store);
    }

    fn twin_of(&self, call: Value) -> Option<Value> {
        let is_direct = call.is_exact_direct_call() && !call.is_must_tail();
        if is_direct { self.twins.get(&call.callee()).copied() } else { None }
    }

    fn call(&mut self, call: Value) {
        if call.is_marker() {
            return;
        }
        if call.is_pure_intrinsic_call() {
            return self.compute(call);
        }
        if let Some(twin) = self.twin_of(call) {
            let Some(next) = call.next() else { return };
            self.replace_by_twin(call, twin, next);
            return;
        }
        self.check_call(call);
        if !call.is_must_tail() {
            self.copy(&Cursor::after(call), call);
        }
    }

    fn check_call(&mut self, call: Value) {
        let mut indices: Vec<_> = (0..call.argument_count()).collect();
        let callee = call.callee();
        if !callee.is_constant() && !callee.is_inline_asm() {
            // What is called is the last operand.
            indices.push(call.operand_count() - 1);
        }
        self.check_operands(call, &indices, Check::Call);
        if self.calls_hardened(callee) {
            call.drop_call_promises();
        }
    }

    fn calls_hardened(&self, callee: Value) -> bool {
        callee.is_function() && (callee.is_definition() || self.twins.contains_key(&callee))
    }

    /// Replaces a call by one of the twin, with both results from `at` on.
    fn replace_by_twin(&mut self, call: Value, twin: Value, at: Value) {
        let cursor = Cursor::before(call);
        let function = call.callee();
        let mut shadows = Vec::new();
        for index in 0..call.argument_count() {
            if !function.is_single_param(index) {
                shadows.push(self.shadow(&cursor, call.operand(index)));
            }
        }
        drop(cursor);
        let pair = twin.call_twin(call, &shadows);
        if call.is_used() {
            let cursor = Cursor::before(at).located_like(pair);
            let (value, shadow) = (cursor.extract(pair, 0), cursor.extract(pair, 1));
            call.replace_all_uses_with(value);
            self.shadows.of.insert(value, shadow);
            self.pairs.insert(value, pair);
        }
        call.erase();
    }

    fn invoke(&mut self, invoke: Value) {
        let normal = invoke.successor(0);
        let at = normal.first_insertion().filter(|_| normal.predecessor_count() == 1);
        if let (Some(twin), Some(at)) = (self.twin_of(invoke), at) {
            return self.replace_by_twin(invoke, twin, at);
        }
        self.check_call(invoke);
        match at {
            Some(at) => self.copy(&Cursor::before(at), invoke),
            None => self.shadows.unshadowed += u32::from(invoke.is_used()),
        }
    }

    /// A place for checks on one way out of a block.
    fn way_out(&self, terminator: Value, index: u32, name: &str) -> (Block, Block) {
        let target = terminator.successor(index);
        let way = Block::append(self.function, name);
        terminator.set_successor(index, way);
        (way, target)
    }

    fn branch(&mut self, branch: Value) {
        if branch.successor_count() < 2 {
            return;
        }
        let condition = branch.operand(0);
        let Some(&shadow) = self.shadows.of.get(&condition) else { return };
        // A phi in a target would need to know the new block; the first phase has left none.
        if (0..2).any(|index| branch.successor(index).predecessor_count() != 1) {
            return self.check_operands(branch, &[0], Check::Branch);
        }
        let is_compare = shadow.is_instruction() && matches!(shadow.opcode(), Opcode::LLVMICmp | Opcode::LLVMFCmp);
        for index in 0..2 {
            let (way, target) = self.way_out(branch, index, "rcb.way");
            let cursor = Cursor::at_end(way).located_like(branch);
            let again = if is_compare {
                let again = shadow.clone_instruction();
                cursor.insert(again);
                again
            } else {
                shadow
            };
            let fault = self.faults.block(Check::Branch);
            cursor.branch_rarely(again, fault, target, index == 1);
        }
    }

    fn switch(&mut self, switch: Value) {
        let value = switch.operand(0);
        let Some(&shadow) = self.shadows.of.get(&value) else { return };
        let ways = switch.successor_count();
        if (0..ways).any(|index| switch.successor(index).predecessor_count() != 1) {
            return self.check_operands(switch, &[0], Check::Branch);
        }
        let cases: Vec<_> = (1..ways).map(|index| switch.case_value(index)).collect();
        let goes_nowhere = switch.successor(0).terminator().opcode() == Opcode::LLVMUnreachable;
        if !goes_nowhere {
            let (way, target) = self.way_out(switch, 0, "rcb.default");
            let fault = self.faults.block(Check::Branch);
            Cursor::at_end(way).located_like(switch).switch(shadow, target, &cases, fault);
        }
        for (index, case) in (1..).zip(cases) {
            let (way, target) = self.way_out(switch, index, "rcb.case");
            let cursor = Cursor::at_end(way).located_like(switch);
            let differs = cursor.compare(Predicate::LLVMIntNE, shadow, case);
            cursor.branch_rarely(differs, self.faults.block(Check::Branch), target, true);
        }
    }

    fn ret(&mut self, ret: Value) {
        if ret.operand_count() == 0 {
            return;
        }
        let value = ret.operand(0);
        if !self.is_twin {
            return self.check_operands(ret, &[0], Check::Return);
        }
        let cursor = Cursor::before(ret);
        // The pair of a call goes on as it is, so that the call can be a jump.
        let known = self.pairs.get(&value).copied();
        let pair = known.unwrap_or_else(|| {
            let shadow = self.shadow(&cursor, value);
            let pair = cursor.insert_part(Value::zero(self.function.result_type()), value, 0);
            cursor.insert_part(pair, shadow, 1)
        });
        cursor.ret(Some(pair));
        drop(cursor);
        ret.erase();
    }
}

//! Values: constants, parameters and instructions.
#![allow(unsafe_code, reason = "LLVM's C interface on value handles that come from a live module")]

use super::{Block, Type, shim};
use inkwell::llvm_sys::core::{
    LLVMAddIncoming, LLVMConstInt, LLVMConstIntGetZExtValue, LLVMConstNull, LLVMDisposeMessage, LLVMGetAlignment,
    LLVMGetCalledValue, LLVMGetConstOpcode, LLVMGetFirstUse, LLVMGetIncomingBlock, LLVMGetInstructionOpcode,
    LLVMGetInstructionParent, LLVMGetNextInstruction, LLVMGetNextUse, LLVMGetNumArgOperands, LLVMGetNumOperands,
    LLVMGetNumSuccessors, LLVMGetOperand, LLVMGetSuccessor, LLVMGetSwitchCaseValue, LLVMGetValueKind,
    LLVMGetValueName2, LLVMInstructionClone, LLVMInstructionEraseFromParent, LLVMInstructionRemoveFromParent,
    LLVMIsAInlineAsm, LLVMIsATerminatorInst, LLVMIsConstant, LLVMPrintValueToString, LLVMReplaceAllUsesWith,
    LLVMSetAlignment, LLVMSetOperand, LLVMSetSuccessor, LLVMSetVolatile, LLVMTypeOf,
};
use inkwell::llvm_sys::prelude::LLVMValueRef;
use inkwell::llvm_sys::{LLVMOpcode, LLVMValueKind};

pub(crate) use inkwell::llvm_sys::LLVMIntPredicate as Predicate;
pub(crate) use inkwell::llvm_sys::LLVMOpcode as Opcode;

/// A constant, a parameter, a function or an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Value(pub(super) LLVMValueRef);

/// What a constant is, in the terms in which it is made a second time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Constant {
    /// An integer with its value, zero-extended; `None` when it has more than 64 bits.
    Int(Option<u64>),
    /// The null pointer.
    NullPointer,
    /// A function, a variable, or an expression over one.
    Address,
    /// Everything else.
    Other,
}

impl Value {
    pub(crate) fn ty(self) -> Type {
        // SAFETY: every value has a type.
        unsafe { Type(LLVMTypeOf(self.0)) }
    }

    pub(crate) fn is_constant(self) -> bool {
        // SAFETY: reads the value.
        unsafe { LLVMIsConstant(self.0) != 0 }
    }

    pub(crate) fn is_instruction(self) -> bool {
        // SAFETY: reads the value.
        unsafe { LLVMGetValueKind(self.0) == LLVMValueKind::LLVMInstructionValueKind }
    }

    pub(crate) fn is_function(self) -> bool {
        // SAFETY: reads the value.
        unsafe { LLVMGetValueKind(self.0) == LLVMValueKind::LLVMFunctionValueKind }
    }

    pub(crate) fn is_inline_asm(self) -> bool {
        // SAFETY: reads the value.
        unsafe { !LLVMIsAInlineAsm(self.0).is_null() }
    }

    /// What a constant is.
    pub(crate) fn constant(self) -> Constant {
        // SAFETY: each query fits the kind just read.
        unsafe {
            match LLVMGetValueKind(self.0) {
                LLVMValueKind::LLVMConstantIntValueKind => {
                    let narrow = self.ty().bits() <= 64;
                    Constant::Int(narrow.then(|| LLVMConstIntGetZExtValue(self.0)))
                }
                LLVMValueKind::LLVMConstantPointerNullValueKind => Constant::NullPointer,
                LLVMValueKind::LLVMFunctionValueKind
                | LLVMValueKind::LLVMGlobalVariableValueKind
                | LLVMValueKind::LLVMGlobalAliasValueKind => Constant::Address,
                LLVMValueKind::LLVMConstantExprValueKind
                    if LLVMGetConstOpcode(self.0) == LLVMOpcode::LLVMGetElementPtr =>
                {
                    Constant::Address
                }
                _ => Constant::Other,
            }
        }
    }

    /// Opcode of an instruction.
    pub(crate) fn opcode(self) -> Opcode {
        // SAFETY: asked of instructions only.
        unsafe { LLVMGetInstructionOpcode(self.0) }
    }

    /// Number of operands. Of a switch only the value it looks at and the blocks: its cases are no operands.
    pub(crate) fn operand_count(self) -> u32 {
        // SAFETY: asked of users only.
        unsafe { LLVMGetNumOperands(self.0).try_into().unwrap_or(0) }
    }

    pub(crate) fn operand(self, index: u32) -> Self {
        // SAFETY: the index is below the number of operands.
        unsafe { Self(LLVMGetOperand(self.0, index)) }
    }

    pub(crate) fn operands(self) -> impl Iterator<Item = Self> {
        (0..self.operand_count()).map(move |index| self.operand(index))
    }

    pub(crate) fn set_operand(self, index: u32, value: Self) {
        // SAFETY: as above, and the value has the operand's type.
        unsafe { LLVMSetOperand(self.0, index, value.0) }
    }

    /// Operands that are values of the program: for calls the arguments and what is called, without blocks.
    pub(crate) fn is_block(self) -> bool {
        // SAFETY: reads the value.
        unsafe { LLVMGetValueKind(self.0) == LLVMValueKind::LLVMBasicBlockValueKind }
    }

    pub(crate) fn is_metadata(self) -> bool {
        // SAFETY: reads the value.
        unsafe { LLVMGetValueKind(self.0) == LLVMValueKind::LLVMMetadataAsValueValueKind }
    }

    /// Number of arguments of a call.
    pub(crate) fn argument_count(self) -> u32 {
        // SAFETY: asked of calls and invokes only.
        unsafe { LLVMGetNumArgOperands(self.0) }
    }

    /// What a call calls.
    pub(crate) fn callee(self) -> Self {
        // SAFETY: asked of calls and invokes only.
        unsafe { Self(LLVMGetCalledValue(self.0)) }
    }

    pub(crate) fn next(self) -> Option<Self> {
        // SAFETY: asked of instructions in a block only.
        let next = unsafe { LLVMGetNextInstruction(self.0) };
        (!next.is_null()).then_some(Self(next))
    }

    pub(crate) fn block(self) -> Block {
        // SAFETY: asked of instructions in a block only.
        unsafe { Block(LLVMGetInstructionParent(self.0)) }
    }

    /// A copy that stands in no block yet.
    pub(crate) fn clone_instruction(self) -> Self {
        // SAFETY: asked of instructions only.
        unsafe { Self(LLVMInstructionClone(self.0)) }
    }

    /// Takes an instruction out of its block, to be inserted elsewhere.
    pub(crate) fn remove(self) {
        // SAFETY: asked of instructions in a block only; the handle stays valid.
        unsafe { LLVMInstructionRemoveFromParent(self.0) }
    }

    pub(crate) fn erase(self) {
        // SAFETY: the caller has no further use for the handle, and nothing uses the value.
        unsafe { LLVMInstructionEraseFromParent(self.0) }
    }

    pub(crate) fn replace_all_uses_with(self, other: Self) {
        // SAFETY: both are of one type.
        unsafe { LLVMReplaceAllUsesWith(self.0, other.0) }
    }

    pub(crate) fn is_used(self) -> bool {
        // SAFETY: reads the list of uses.
        unsafe { !LLVMGetFirstUse(self.0).is_null() }
    }

    /// Whether exactly one operand is this value.
    pub(crate) fn has_one_use(self) -> bool {
        // SAFETY: reads the list of uses.
        unsafe {
            let first = LLVMGetFirstUse(self.0);
            !first.is_null() && LLVMGetNextUse(first).is_null()
        }
    }

    pub(crate) fn is_terminator(self) -> bool {
        // SAFETY: asked of instructions only.
        unsafe { !LLVMIsATerminatorInst(self.0).is_null() }
    }

    pub(crate) fn successor_count(self) -> u32 {
        // SAFETY: asked of terminators only.
        unsafe { LLVMGetNumSuccessors(self.0) }
    }

    pub(crate) fn successor(self, index: u32) -> Block {
        // SAFETY: the index is below the number of successors.
        unsafe { Block(LLVMGetSuccessor(self.0, index)) }
    }

    pub(crate) fn set_successor(self, index: u32, block: Block) {
        // SAFETY: as above.
        unsafe { LLVMSetSuccessor(self.0, index, block.0) }
    }

    /// Value of a case; case 0 is the default and has none.
    pub(crate) fn case_value(self, index: u32) -> Self {
        // SAFETY: asked of switches, with 1 <= index < number of successors.
        unsafe { Self(LLVMGetSwitchCaseValue(self.0, index)) }
    }

    /// Block from which operand `index` of a phi comes.
    pub(crate) fn incoming_block(self, index: u32) -> Block {
        // SAFETY: asked of phis only.
        unsafe { Block(LLVMGetIncomingBlock(self.0, index)) }
    }

    /// One more way into a phi.
    pub(crate) fn add_incoming(self, value: Self, from: Block) {
        let (mut values, mut blocks) = ([value.0], [from.0]);
        // SAFETY: asked of phis only, with a value of its type.
        unsafe { LLVMAddIncoming(self.0, values.as_mut_ptr(), blocks.as_mut_ptr(), 1) }
    }

    pub(crate) fn set_alignment(self, bytes: u32) {
        // SAFETY: asked of loads, stores and variables.
        unsafe { LLVMSetAlignment(self.0, bytes) }
    }

    /// Alignment of a load, a store or a variable in bytes.
    pub(crate) fn set_volatile(self) {
        // SAFETY: asked of loads only.
        unsafe { LLVMSetVolatile(self.0, 1) }
    }

    pub(crate) fn alignment(self) -> u32 {
        // SAFETY: asked of loads, stores and variables.
        unsafe { LLVMGetAlignment(self.0) }
    }

    /// As it stands in IR text.
    pub(crate) fn text(self) -> String {
        // SAFETY: LLVM gives a string of its own, which is disposed of here.
        unsafe {
            let raw = LLVMPrintValueToString(self.0);
            let text = std::ffi::CStr::from_ptr(raw).to_string_lossy().trim().to_owned();
            LLVMDisposeMessage(raw);
            text
        }
    }

    pub(crate) fn name(self) -> String {
        let mut length = 0;
        // SAFETY: the name is `length` bytes that live with the value.
        unsafe {
            let start = LLVMGetValueName2(self.0, &raw mut length);
            if start.is_null() {
                return String::new();
            }
            String::from_utf8_lossy(std::slice::from_raw_parts(start.cast(), length)).into_owned()
        }
    }

    /// Zero of a type.
    pub(crate) fn zero(ty: Type) -> Self {
        // SAFETY: the type has values.
        unsafe { Self(LLVMConstNull(ty.0)) }
    }

    /// An integer constant of at most 64 bits.
    pub(crate) fn int(ty: Type, value: u64) -> Self {
        // SAFETY: the type is an integer.
        unsafe { Self(LLVMConstInt(ty.0, value, 0)) }
    }

    /// The same constant without undefined parts.
    pub(crate) fn defined(self) -> Self {
        // SAFETY: reads the value.
        unsafe { Self(shim::rcb_define(self.0)) }
    }

    /// A call of this twin in place of the call `old`, inserted before it.
    pub(crate) fn call_twin(self, old: Self, shadows: &[Self]) -> Self {
        let mut raw: Vec<_> = shadows.iter().map(|shadow| shadow.0).collect();
        // SAFETY: `old` calls the function whose twin this is; the shadows have the types of its further parameters.
        unsafe { Self(shim::rcb_call_twin(old.0, self.0, raw.as_mut_ptr(), raw.len() as u32)) }
    }
}

//! Basic blocks.
#![allow(unsafe_code, reason = "LLVM's C interface on block handles that come from a live module")]

use super::{Type, Value, shim};
use inkwell::llvm_sys::core::{
    LLVMAppendBasicBlockInContext, LLVMGetBasicBlockParent, LLVMGetBasicBlockTerminator, LLVMGetFirstInstruction,
    LLVMGetTypeContext, LLVMTypeOf,
};
use inkwell::llvm_sys::prelude::LLVMBasicBlockRef;

/// A basic block of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Block(pub(super) LLVMBasicBlockRef);

impl Block {
    /// A new block at the end of a function.
    pub(crate) fn append(function: Value, name: &str) -> Self {
        let name = std::ffi::CString::new(name).unwrap_or_default();
        // SAFETY: the function has a body; the name is copied.
        unsafe {
            let context = LLVMGetTypeContext(LLVMTypeOf(function.0));
            Self(LLVMAppendBasicBlockInContext(context, function.0, name.as_ptr()))
        }
    }

    pub(crate) fn function(self) -> Value {
        // SAFETY: the block is in a function.
        unsafe { Value(LLVMGetBasicBlockParent(self.0)) }
    }

    pub(crate) fn terminator(self) -> Value {
        // SAFETY: verified modules have a terminator in every block.
        unsafe { Value(LLVMGetBasicBlockTerminator(self.0)) }
    }

    pub(crate) fn first(self) -> Option<Value> {
        // SAFETY: reads the block.
        let first = unsafe { LLVMGetFirstInstruction(self.0) };
        (!first.is_null()).then_some(Value(first))
    }

    pub(crate) fn instructions(self) -> impl Iterator<Item = Value> {
        std::iter::successors(self.first(), |instruction| instruction.next())
    }

    /// First place where something may be inserted: behind phis and a landing pad.
    pub(crate) fn first_insertion(self) -> Option<Value> {
        use super::Opcode::{LLVMLandingPad, LLVMPHI};
        self.instructions().find(|instruction| !matches!(instruction.opcode(), LLVMPHI | LLVMLandingPad))
    }

    /// Splits before an instruction; the rest is the block that is returned.
    pub(crate) fn split_before(instruction: Value) -> Self {
        // SAFETY: the instruction is in a block and no phi.
        unsafe { Self(shim::rcb_split_before(instruction.0)) }
    }

    pub(crate) fn predecessor_count(self) -> u32 {
        // SAFETY: reads the block.
        unsafe { shim::rcb_predecessor_count(self.0) }
    }

    /// Type handles of the same context.
    pub(crate) fn any_type(self) -> Type {
        self.function().ty()
    }
}

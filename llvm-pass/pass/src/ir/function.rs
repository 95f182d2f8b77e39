//! What the phases ask of and do to whole functions.
#![allow(unsafe_code, reason = "LLVM's C interface on function handles that come from a live module")]

use super::{Block, Kind, Type, Value, shim};
use inkwell::llvm_sys::LLVMLinkage;
use inkwell::llvm_sys::core::{
    LLVMCountBasicBlocks, LLVMCountParams, LLVMDeleteFunction, LLVMGetEntryBasicBlock, LLVMGetFirstBasicBlock,
    LLVMGetLinkage, LLVMGetNextBasicBlock, LLVMGetParam, LLVMGetReturnType, LLVMGlobalGetValueType,
    LLVMIsFunctionVarArg,
};
use std::collections::HashSet;
use std::ffi::CString;

/// How the linker treats a definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Linkage {
    /// Visible in this object only.
    Local,
    /// One definition, this one.
    Exported,
    /// Equal definitions in several objects, one of which survives.
    Shared,
    /// Another definition may take its place.
    Replaceable,
    /// For the optimiser only; never emitted.
    Borrowed,
}

impl Value {
    pub(crate) fn blocks(self) -> impl Iterator<Item = Block> {
        // SAFETY: asked of functions only; iteration ends at a null block.
        let first = unsafe { LLVMGetFirstBasicBlock(self.0) };
        let first = (!first.is_null()).then_some(Block(first));
        std::iter::successors(first, |block| {
            // SAFETY: the block is in the function.
            let next = unsafe { LLVMGetNextBasicBlock(block.0) };
            (!next.is_null()).then_some(Block(next))
        })
    }

    pub(crate) fn instructions_of_function(self) -> impl Iterator<Item = Value> {
        self.blocks().flat_map(Block::instructions)
    }

    pub(crate) fn is_definition(self) -> bool {
        // SAFETY: asked of functions only.
        unsafe { LLVMCountBasicBlocks(self.0) > 0 }
    }

    pub(crate) fn entry(self) -> Block {
        // SAFETY: asked of definitions only.
        unsafe { Block(LLVMGetEntryBasicBlock(self.0)) }
    }

    /// Blocks in an order in which definitions come before uses, phis excepted.
    pub(crate) fn blocks_in_order(self) -> Vec<Block> {
        let mut seen = HashSet::from([self.entry()]);
        let mut done = Vec::new();
        let mut open = vec![(self.entry(), 0)];
        while let Some((block, next)) = open.pop() {
            let end = block.terminator();
            if next < end.successor_count() {
                open.push((block, next + 1));
                let successor = end.successor(next);
                if seen.insert(successor) {
                    open.push((successor, 0));
                }
            } else {
                done.push(block);
            }
        }
        done.reverse();
        done
    }

    pub(crate) fn params(self) -> Vec<Value> {
        // SAFETY: indices below the number of parameters.
        unsafe { (0..LLVMCountParams(self.0)).map(|index| Value(LLVMGetParam(self.0, index))).collect() }
    }

    pub(crate) fn result_type(self) -> Type {
        // SAFETY: asked of functions only.
        unsafe { Type(LLVMGetReturnType(LLVMGlobalGetValueType(self.0))) }
    }

    pub(crate) fn returns_value(self) -> bool {
        self.result_type().kind() != Kind::Void
    }

    pub(crate) fn is_variadic(self) -> bool {
        // SAFETY: asked of functions only.
        unsafe { LLVMIsFunctionVarArg(LLVMGlobalGetValueType(self.0)) != 0 }
    }

    pub(crate) fn linkage(self) -> Linkage {
        // SAFETY: asked of globals only.
        match unsafe { LLVMGetLinkage(self.0) } {
            LLVMLinkage::LLVMInternalLinkage | LLVMLinkage::LLVMPrivateLinkage => Linkage::Local,
            LLVMLinkage::LLVMExternalLinkage => Linkage::Exported,
            LLVMLinkage::LLVMLinkOnceODRLinkage | LLVMLinkage::LLVMWeakODRLinkage => Linkage::Shared,
            LLVMLinkage::LLVMAvailableExternallyLinkage => Linkage::Borrowed,
            _ => Linkage::Replaceable,
        }
    }

    /// Whether a function has an attribute, by its name in IR.
    pub(crate) fn has_attribute(self, name: &str) -> bool {
        let name = CString::new(name).unwrap_or_default();
        // SAFETY: asked of functions only.
        unsafe { shim::rcb_has_attribute(self.0, name.as_ptr()) != 0 }
    }

    /// Whether a parameter is passed in a way that only one value can take (by value, nested).
    pub(crate) fn is_single_param(self, index: u32) -> bool {
        // SAFETY: asked of functions only, with an index below the number of parameters.
        unsafe { shim::rcb_is_single_param(self.0, index) != 0 }
    }

    pub(crate) fn has_uses(self) -> bool {
        // SAFETY: asked of functions only.
        unsafe { shim::rcb_has_other_uses(self.0) != 0 }
    }

    /// Moves the body to a new internal function with parameters and result twice; see `shim.cpp`.
    pub(crate) fn make_twin(self, name: &str, twice: &[bool]) -> Value {
        let name = CString::new(name).unwrap_or_default();
        let flags: Vec<u8> = twice.iter().map(|&flag| u8::from(flag)).collect();
        // SAFETY: asked of definitions; one flag per parameter.
        unsafe { Value(shim::rcb_make_twin(self.0, name.as_ptr(), flags.as_ptr())) }
    }

    /// Lets the linker keep one of several equal twins.
    pub(crate) fn share_twin(self, twin: Value) {
        // SAFETY: both are functions of one module.
        unsafe { shim::rcb_share_twin(self.0, twin.0) }
    }

    pub(crate) fn drop_promises(self) {
        // SAFETY: asked of functions only.
        unsafe { shim::rcb_drop_promises(self.0) }
    }

    pub(crate) fn delete_function(self) {
        // SAFETY: nothing uses the function; the caller has no further use for the handle.
        unsafe { LLVMDeleteFunction(self.0) }
    }

    pub(crate) fn fold_single_phis(self) {
        // SAFETY: asked of functions only.
        unsafe { shim::rcb_fold_single_phis(self.0) }
    }
}

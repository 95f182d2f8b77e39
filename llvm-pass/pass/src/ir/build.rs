//! A place in a block where instructions are made.
#![allow(unsafe_code, reason = "LLVM's builder on handles that come from a live module")]

use super::{Block, Opcode, Predicate, Type, Value, shim};
use inkwell::llvm_sys::LLVMInlineAsmDialect;
use inkwell::llvm_sys::core::{
    LLVMAddAttributeAtIndex, LLVMAddCallSiteAttribute, LLVMAddCase, LLVMAddIncoming, LLVMBuildBinOp, LLVMBuildCall2,
    LLVMBuildCast, LLVMBuildExtractValue, LLVMBuildGEP2, LLVMBuildICmp, LLVMBuildInsertValue, LLVMBuildLoad2,
    LLVMBuildPhi, LLVMBuildRet, LLVMBuildRetVoid, LLVMBuildShuffleVector, LLVMBuildStore, LLVMBuildSwitch,
    LLVMBuildUnreachable, LLVMConstVector, LLVMCreateBuilderInContext, LLVMCreateEnumAttribute,
    LLVMCreateTypeAttribute, LLVMDisposeBuilder, LLVMFunctionType, LLVMGetEnumAttributeKindForName,
    LLVMGetFunctionCallConv, LLVMGetInlineAsm, LLVMGetTypeContext, LLVMGlobalGetValueType, LLVMInsertIntoBuilder,
    LLVMPositionBuilderAtEnd, LLVMPositionBuilderBefore, LLVMPositionBuilderBeforeInstrAndDbgRecords,
    LLVMSetInstructionCallConv,
};
use inkwell::llvm_sys::prelude::{LLVMBuilderRef, LLVMContextRef, LLVMValueRef};

/// Where instructions are made, with the source location that they get.
#[derive(Debug)]
pub(crate) struct Cursor {
    builder: LLVMBuilderRef,
    context: LLVMContextRef,
    /// Instruction whose location new ones take.
    origin: Option<Value>,
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // SAFETY: created by `new`, disposed of once.
        unsafe { LLVMDisposeBuilder(self.builder) }
    }
}

impl Cursor {
    fn new(like: Type) -> Self {
        // SAFETY: the type's context lives as long as the module.
        unsafe {
            let context = LLVMGetTypeContext(like.0);
            Self { builder: LLVMCreateBuilderInContext(context), context, origin: None }
        }
    }

    /// Before an instruction, with its source location.
    pub(crate) fn before(instruction: Value) -> Self {
        let mut cursor = Self::new(instruction.ty());
        // SAFETY: the instruction is in a block.
        unsafe { LLVMPositionBuilderBefore(cursor.builder, instruction.0) }
        cursor.origin = Some(instruction);
        cursor
    }

    /// Before the first instruction of a block and the debug records that belong to it: where a phi may stand.
    pub(crate) fn at_head(first: Value) -> Self {
        let cursor = Self::new(first.ty());
        // SAFETY: the instruction is in a block.
        unsafe { LLVMPositionBuilderBeforeInstrAndDbgRecords(cursor.builder, first.0) }
        cursor
    }

    /// Behind an instruction that is no terminator, with its source location.
    pub(crate) fn after(instruction: Value) -> Self {
        let mut cursor = Self::before(instruction.next().unwrap_or(instruction));
        cursor.origin = Some(instruction);
        cursor
    }

    /// At the end of a block without terminator.
    pub(crate) fn at_end(block: Block) -> Self {
        let cursor = Self::new(block.any_type());
        // SAFETY: the block is in a function.
        unsafe { LLVMPositionBuilderAtEnd(cursor.builder, block.0) }
        cursor
    }

    /// The same place, with the source location of another instruction.
    pub(crate) fn located_like(mut self, instruction: Value) -> Self {
        self.origin = Some(instruction);
        self
    }

    fn made(&self, raw: LLVMValueRef) -> Value {
        if let Some(origin) = self.origin {
            // SAFETY: both live; constants are left alone.
            unsafe { shim::rcb_copy_location(raw, origin.0) }
        }
        Value(raw)
    }

    /// Inserts an instruction that stands in no block.
    pub(crate) fn insert(&self, instruction: Value) {
        // SAFETY: the instruction was cloned and is not inserted yet.
        unsafe { LLVMInsertIntoBuilder(self.builder, instruction.0) }
    }

    pub(crate) fn binary(&self, opcode: Opcode, left: Value, right: Value) -> Value {
        // SAFETY: operands of one type that fits the opcode.
        self.made(unsafe { LLVMBuildBinOp(self.builder, opcode, left.0, right.0, c"".as_ptr()) })
    }

    pub(crate) fn cast(&self, opcode: Opcode, value: Value, ty: Type) -> Value {
        if value.ty() == ty {
            return value;
        }
        // SAFETY: the cast is valid for the two types.
        self.made(unsafe { LLVMBuildCast(self.builder, opcode, value.0, ty.0, c"".as_ptr()) })
    }

    pub(crate) fn bitcast(&self, value: Value, ty: Type) -> Value {
        self.cast(Opcode::LLVMBitCast, value, ty)
    }

    pub(crate) fn compare(&self, predicate: Predicate, left: Value, right: Value) -> Value {
        // SAFETY: operands of one integer, pointer or vector type.
        self.made(unsafe { LLVMBuildICmp(self.builder, predicate, left.0, right.0, c"".as_ptr()) })
    }

    pub(crate) fn load(&self, ty: Type, address: Value, alignment: u32) -> Value {
        // SAFETY: the address is a pointer, the type sized.
        let load = self.made(unsafe { LLVMBuildLoad2(self.builder, ty.0, address.0, c"".as_ptr()) });
        load.set_alignment(alignment);
        load
    }

    pub(crate) fn store(&self, value: Value, address: Value, alignment: u32) -> Value {
        // SAFETY: the address is a pointer.
        let store = self.made(unsafe { LLVMBuildStore(self.builder, value.0, address.0) });
        store.set_alignment(alignment);
        store
    }

    /// Address `bytes` behind another.
    pub(crate) fn offset(&self, address: Value, bytes: u64) -> Value {
        if bytes == 0 {
            return address;
        }
        let index = Value::int(address.ty().int(64), bytes);
        let mut indices = [index.0];
        // SAFETY: one index over bytes.
        self.made(unsafe {
            LLVMBuildGEP2(self.builder, address.ty().int(8).0, address.0, indices.as_mut_ptr(), 1, c"".as_ptr())
        })
    }

    pub(crate) fn extract(&self, aggregate: Value, index: u32) -> Value {
        // SAFETY: the index is below the number of parts.
        self.made(unsafe { LLVMBuildExtractValue(self.builder, aggregate.0, index, c"".as_ptr()) })
    }

    pub(crate) fn insert_part(&self, aggregate: Value, part: Value, index: u32) -> Value {
        // SAFETY: the index is below the number of parts, the part has that type.
        self.made(unsafe { LLVMBuildInsertValue(self.builder, aggregate.0, part.0, index, c"".as_ptr()) })
    }

    /// Elements of two vectors of one type, by number.
    pub(crate) fn shuffle(&self, left: Value, right: Value, mask: &[u32]) -> Value {
        let int = left.ty().int32();
        let mut indices: Vec<_> = mask.iter().map(|&index| Value::int(int, u64::from(index)).0).collect();
        // SAFETY: the mask is a constant vector of 32-bit numbers below twice the length.
        self.made(unsafe {
            let mask = LLVMConstVector(indices.as_mut_ptr(), indices.len() as u32);
            LLVMBuildShuffleVector(self.builder, left.0, right.0, mask, c"".as_ptr())
        })
    }

    pub(crate) fn phi(&self, ty: Type, incoming: &[(Value, Block)]) -> Value {
        let mut values: Vec<_> = incoming.iter().map(|pair| pair.0.0).collect();
        let mut blocks: Vec<_> = incoming.iter().map(|pair| pair.1.0).collect();
        // SAFETY: as many values as blocks, all of the phi's type.
        self.made(unsafe {
            let phi = LLVMBuildPhi(self.builder, ty.0, c"".as_ptr());
            LLVMAddIncoming(phi, values.as_mut_ptr(), blocks.as_mut_ptr(), values.len() as u32);
            phi
        })
    }

    pub(crate) fn call(&self, callee: Value, result: Type, arguments: &[Value]) -> Value {
        let mut types: Vec<_> = arguments.iter().map(|argument| argument.ty().0).collect();
        let mut raw: Vec<_> = arguments.iter().map(|argument| argument.0).collect();
        // SAFETY: the type is made from the arguments.
        self.made(unsafe {
            let ty = LLVMFunctionType(result.0, types.as_mut_ptr(), types.len() as u32, 0);
            LLVMBuildCall2(self.builder, ty, callee.0, raw.as_mut_ptr(), raw.len() as u32, c"".as_ptr())
        })
    }

    /// A call of a function of the module in its own convention.
    pub(crate) fn call_function(&self, function: Value, arguments: &[Value]) -> Value {
        let mut raw: Vec<_> = arguments.iter().map(|argument| argument.0).collect();
        // SAFETY: the arguments have the types of the function's parameters.
        self.made(unsafe {
            let ty = LLVMGlobalGetValueType(function.0);
            let call = LLVMBuildCall2(self.builder, ty, function.0, raw.as_mut_ptr(), raw.len() as u32, c"".as_ptr());
            LLVMSetInstructionCallConv(call, LLVMGetFunctionCallConv(function.0));
            shim::rcb_take_passing(call, function.0);
            call
        })
    }

    /// Assembly without side effects: one result, arguments by the constraints. With `pointee`, the first argument is a
    /// memory operand that is only addressed, never read.
    pub(crate) fn assembly(
        &self,
        text: &str,
        constraints: &str,
        result: Type,
        arguments: &[Value],
        pointee: Option<Type>,
    ) -> Value {
        let call = self.ordered_assembly((text, constraints), result, arguments, pointee, false);
        self.attribute(call, u32::MAX, "memory", 0);
        call
    }

    /// The same; when it is `ordered`, it stays behind the stores before it and before those behind it.
    pub(crate) fn ordered_assembly(
        &self,
        (text, constraints): (&str, &str),
        result: Type,
        arguments: &[Value],
        pointee: Option<Type>,
        ordered: bool,
    ) -> Value {
        let mut types: Vec<_> = arguments.iter().map(|argument| argument.ty().0).collect();
        // SAFETY: the type is made from the arguments, the texts are copied by LLVM.
        let callee = unsafe {
            let ty = LLVMFunctionType(result.0, types.as_mut_ptr(), types.len() as u32, 0);
            Value(LLVMGetInlineAsm(
                ty,
                text.as_ptr().cast(),
                text.len(),
                constraints.as_ptr().cast(),
                constraints.len(),
                i32::from(ordered),
                0,
                LLVMInlineAsmDialect::LLVMInlineAsmDialectATT,
                0,
            ))
        };
        let call = self.call(callee, result, arguments);
        self.attribute(call, u32::MAX, "nounwind", 0);
        if let Some(pointee) = pointee {
            // SAFETY: argument 1 (the first) is a pointer.
            unsafe {
                let kind = LLVMGetEnumAttributeKindForName(c"elementtype".as_ptr(), 11);
                let attribute = LLVMCreateTypeAttribute(self.context, kind, pointee.0);
                LLVMAddCallSiteAttribute(call.0, 1, attribute);
            }
        }
        call
    }

    /// String operations go upwards from here on, as every callee may expect.
    pub(crate) fn clear_direction(&self, void: Type) {
        self.ordered_assembly(("cld", "~{dirflag}"), void, &[], None, true);
    }

    fn attribute(&self, call: Value, index: u32, name: &str, value: u64) {
        // SAFETY: the name is given with its length; the call is one.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len());
            let attribute = LLVMCreateEnumAttribute(self.context, kind, value);
            LLVMAddCallSiteAttribute(call.0, index, attribute);
        }
    }

    /// Gives a function an attribute.
    pub(crate) fn function_attribute(&self, function: Value, name: &str) {
        // SAFETY: the name is given with its length; the function is one.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len());
            LLVMAddAttributeAtIndex(function.0, u32::MAX, LLVMCreateEnumAttribute(self.context, kind, 0));
        }
    }

    /// A conditional branch whose way to `rare` is practically never taken: to `rare` when the condition is
    /// `rare_when`.
    pub(crate) fn branch_rarely(&self, condition: Value, rare: Block, usual: Block, rare_when: bool) -> Value {
        let (then, otherwise) = if rare_when { (rare, usual) } else { (usual, rare) };
        // SAFETY: a one-bit condition and blocks of the same function.
        self.made(unsafe {
            shim::rcb_branch_unlikely(self.builder, condition.0, then.0, otherwise.0, i32::from(rare_when))
        })
    }

    /// A switch in which every case leads to one block.
    pub(crate) fn switch(&self, value: Value, default: Block, cases: &[Value], to: Block) -> Value {
        // SAFETY: cases are constants of the value's type.
        self.made(unsafe {
            let switch = LLVMBuildSwitch(self.builder, value.0, default.0, cases.len() as u32);
            for case in cases {
                LLVMAddCase(switch, case.0, to.0);
            }
            switch
        })
    }

    pub(crate) fn ret(&self, value: Option<Value>) -> Value {
        // SAFETY: the value has the function's type.
        self.made(unsafe {
            match value {
                Some(value) => LLVMBuildRet(self.builder, value.0),
                None => LLVMBuildRetVoid(self.builder),
            }
        })
    }

    pub(crate) fn unreachable(&self) -> Value {
        // SAFETY: the builder stands at the end of a block.
        self.made(unsafe { LLVMBuildUnreachable(self.builder) })
    }
}

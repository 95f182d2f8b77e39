//! Shadow constants: the same number, which code generation cannot put into one register for both slices.
//!
//! A constant that both slices use is materialised once, and hoisted out of loops, whenever it does not fit into the
//! instruction: one flip in that register reaches both. So a shadow takes its constants
//!
//! - as they are where they become part of the instruction (small second operands, shift amounts, indices),
//! - from `mov $constant, register` in assembly for other integers and null,
//! - from `lea symbol(%rip), register` in assembly for addresses of this program,
//! - from a table in memory (`rcb.k`, a variable that is not constant as far as LLVM knows) for the rest: floating point,
//!   vectors, addresses that the dynamic linker fills in.

use crate::copy::can_copy;
use crate::ir::{Constant, Cursor, Kind, Module, Opcode, Value};
use std::collections::HashMap;

/// The table of one module.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    table: HashMap<Value, Value>,
}

impl Constants {
    /// The shadow of a constant, made at the cursor. `None` when the constant itself will do: it is part of no register.
    pub(crate) fn shadow(&mut self, module: &Module<'_>, cursor: &Cursor, constant: Value) -> Option<Value> {
        let ty = constant.ty();
        match (constant.constant(), ty.kind()) {
            (Constant::Int(Some(number)), Kind::Int(bits)) => Some(immediate(cursor, constant, number, bits)),
            (Constant::NullPointer, Kind::Pointer) => {
                let zero = Value::int(ty.int(64), 0);
                Some(cursor.assembly("movl $1, ${0:k}", "=r,i", ty, &[zero], None))
            }
            (Constant::Address, Kind::Pointer) if constant.is_thread_local() => None,
            (Constant::Address, Kind::Pointer) if constant.is_dso_local() => Some(address(cursor, constant)),
            // LIMIT: a number computed from addresses fits no table entry (no relocation says it), so both slices share it.
            (Constant::Other, Kind::Int(_)) => None,
            _ if ty.is_aggregate() || !can_copy(ty) => None,
            _ => Some(cursor.load(ty, self.entry(module, constant), alignment(constant))),
        }
    }

    fn entry(&mut self, module: &Module<'_>, constant: Value) -> Value {
        *self.table.entry(constant).or_insert_with(|| {
            let variable = module.variable("rcb.k", constant, false, None);
            variable.set_alignment(alignment(constant));
            variable
        })
    }
}

/// Alignment of a table entry in bytes: its size rounded up to a power of two, at most 64.
fn alignment(constant: Value) -> u32 {
    let bytes = (constant.ty().bits() / 8).clamp(1, 64) as u32;
    if constant.ty().bits() == 0 { 8 } else { bytes.next_power_of_two() }
}

fn immediate(cursor: &Cursor, constant: Value, number: u64, bits: u32) -> Value {
    let ty = constant.ty();
    let small = u32::try_from(number).is_ok();
    let (wide, text) = match bits {
        ..=32 => (ty.int(32), "movl $1, $0"),
        _ if small => (ty.int(64), "movl $1, ${0:k}"),
        _ => (ty.int(64), "movabsq $1, $0"),
    };
    let made = cursor.assembly(text, "=r,i", wide, &[Value::int(wide, number)], None);
    cursor.cast(Opcode::LLVMTrunc, made, ty)
}

/// The address of something at a fixed distance from the instruction pointer or the frame, computed on its own.
pub(crate) fn address(cursor: &Cursor, place: Value) -> Value {
    let ty = place.ty();
    cursor.assembly("leaq $1, $0", "=r,*m", ty, &[place], Some(ty.int(8)))
}

/// Whether an address is at a fixed distance from the instruction pointer or the frame, without a register of its own.
pub(crate) fn is_fixed(address: Value) -> bool {
    address.is_static_alloca() || (address.is_constant() && address.is_dso_local() && !address.is_thread_local())
}

/// The same for any address, computed behind the stores that stand before it.
pub(crate) fn address_behind(cursor: &Cursor, place: Value) -> Value {
    let ty = place.ty();
    cursor.ordered_assembly(("leaq $1, $0", "=r,*m"), ty, &[place], Some(ty.int(8)), true)
}

/// Whether operand `index` of an instruction becomes part of the machine instruction when it is constant.
pub(crate) fn is_part_of_instruction(user: Value, index: u32, constant: Value) -> bool {
    use Opcode::{
        LLVMAShr, LLVMAdd, LLVMAnd, LLVMCall, LLVMExtractElement, LLVMGetElementPtr, LLVMICmp, LLVMInsertElement,
        LLVMLShr, LLVMMul, LLVMOr, LLVMSDiv, LLVMSRem, LLVMSelect, LLVMShl, LLVMShuffleVector, LLVMSub, LLVMUDiv,
        LLVMURem, LLVMXor,
    };
    let opcode = user.opcode();
    match opcode {
        LLVMGetElementPtr => index > 0,
        // A division that is still here is by a power of two. LIMIT: or by a vector of several numbers, whose factors
        // both slices share.
        LLVMExtractElement | LLVMShuffleVector | LLVMUDiv | LLVMSDiv | LLVMURem | LLVMSRem => index == 1,
        LLVMInsertElement => index != 1,
        LLVMSelect => constant.ty().bits() == 1,
        LLVMCall => index == 2 && user.callee().name().starts_with("llvm.fsh"),
        LLVMShl | LLVMLShr | LLVMAShr if index == 1 => {
            !matches!(constant.ty().kind(), Kind::Vector(_)) || constant.is_splat()
        }
        LLVMAdd | LLVMSub | LLVMMul | LLVMAnd | LLVMOr | LLVMXor | LLVMICmp if index == 1 => fits(constant),
        _ => false,
    }
}

/// Whether a constant is a signed 32-bit immediate (or null).
pub(crate) fn fits(constant: Value) -> bool {
    match (constant.constant(), constant.ty().kind()) {
        (Constant::NullPointer, _) | (Constant::Int(Some(_)), Kind::Int(..=32)) => true,
        (Constant::Int(Some(number)), Kind::Int(bits)) => {
            let unused = 64 - bits.min(64);
            let signed = ((number << unused) as i64) >> unused;
            i32::try_from(signed).is_ok()
        }
        _ => false,
    }
}

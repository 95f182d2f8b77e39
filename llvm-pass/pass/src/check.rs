//! Comparing a value with its shadow.
//!
//! Values are compared as bits: a NaN equals itself, minus zero is not zero. Instruction selection sees one block at a
//! time, and there `x + 7 == y + 7` becomes `x == y`, which would leave the additions unchecked; so a shadow that was
//! computed in the block of the check is laundered through an opaque copy first.

use crate::copy;
use crate::fault::Check;
use crate::faults::Faults;
use crate::ir::{Block, Cursor, Kind, Opcode, Predicate, Value};
use std::collections::HashSet;

/// Most parts of a structure or array that are compared one by one.
const PARTS: u32 = 16;

/// Conditions that are true when the two differ, made at the cursor; none for types that cannot be compared.
pub(crate) fn differences(cursor: &Cursor, value: Value, shadow: Value) -> Vec<Value> {
    let ty = value.ty();
    let differ = |left, right| vec![cursor.compare(Predicate::LLVMIntNE, left, right)];
    match ty.kind() {
        Kind::Int(_) | Kind::Pointer | Kind::FarPointer => differ(value, shadow),
        Kind::Float(bits) => differ(cursor.bitcast(value, ty.int(bits)), cursor.bitcast(shadow, ty.int(bits))),
        Kind::Vector(count) if ty.part(0).kind() == Kind::Pointer => {
            let numbers = ty.int(64).vector(count);
            let [value, shadow] = [value, shadow].map(|vector| cursor.cast(Opcode::LLVMPtrToInt, vector, numbers));
            differences(cursor, value, shadow)
        }
        Kind::Vector(_) if ty.bits() > 0 => {
            let number = ty.int(ty.bits() as u32);
            differ(cursor.bitcast(value, number), cursor.bitcast(shadow, number))
        }
        Kind::Struct(count) if count <= PARTS => parts(cursor, value, shadow, count),
        Kind::Array(count) if count <= u64::from(PARTS) => parts(cursor, value, shadow, count as u32),
        _ => Vec::new(),
    }
}

fn parts(cursor: &Cursor, value: Value, shadow: Value, count: u32) -> Vec<Value> {
    (0..count)
        .flat_map(|index| differences(cursor, cursor.extract(value, index), cursor.extract(shadow, index)))
        .collect()
}

/// The shadow as a check may use it in the block of `at`. A copy that is made for it is added to `copies`.
pub(crate) fn laundered(cursor: &Cursor, shadow: Value, at: Block, copies: &mut HashSet<Value>) -> Value {
    if !shadow.is_instruction() || shadow.block() != at {
        return shadow;
    }
    if matches!(shadow.opcode(), Opcode::LLVMLoad | Opcode::LLVMPHI | Opcode::LLVMCall | Opcode::LLVMExtractValue) {
        return shadow;
    }
    let copy = copy::opaque(cursor, shadow);
    copies.extend(copy);
    copy.unwrap_or(shadow)
}

/// Ends the block before `at` with one test after the other; behind the last the block goes on with `at`.
///
/// Conditions must have been computed before `at`.
pub(crate) fn test_before(faults: &mut Faults<'_, '_>, at: Value, conditions: &[Value], check: Check) {
    for &condition in conditions {
        if condition.is_constant() {
            continue;
        }
        let before = at.block();
        let rest = Block::split_before(at);
        let fault = faults.block(check);
        before.terminator().erase();
        Cursor::at_end(before).located_like(at).branch_rarely(condition, fault, rest, true);
    }
}

//! First phase: gives functions the form that duplication expects.
//!
//! - No block that cannot be reached, no critical edge: every way out of a two-way branch or a switch leads to a block
//!   with one predecessor, so a check of that way has a place of its own.
//! - No phi in a block with one predecessor, so that such a place can be inserted without touching phis.
//! - No undefined operand: two copies of an undefined value may differ, which would look like a fault. Zero takes its
//!   place. (The unused half of a shuffle stays: nothing of it arrives anywhere.)
//! - Division by a constant as multiplication, so that the factor is an operand and the shadow has its own.
//! - Short copies and fills of memory as loads and stores, so that they are verified like others.

use crate::ir::{Cursor, Kind, Opcode, Type, Value};

/// Longest copy that is written out, in bytes. Code generation writes out copies up to 128 bytes itself; beyond this
/// length they are left to it and only their addresses are checked.
const WRITTEN_OUT: u64 = 64;

/// What the phase asks of LLVM.
pub(crate) const PASSES: &str = "function(unreachableblockelim,break-crit-edges)";

/// Brings one function into form, after [`PASSES`] have run.
pub(crate) fn normalise(function: Value) {
    function.fold_single_phis();
    let instructions: Vec<_> = function.instructions_of_function().collect();
    for instruction in instructions {
        define_operands(instruction);
        let is_call = instruction.opcode() == Opcode::LLVMCall;
        let length = if is_call { instruction.constant_length() } else { None };
        if let Some(length) = length.filter(|&length| length <= WRITTEN_OUT) {
            if instruction.is_memset() {
                write_out_fill(instruction, length);
            } else {
                write_out_copy(instruction, length, !function.has_attribute("noimplicitfloat"));
            }
        } else if instruction.is_division() {
            instruction.write_out_division();
        }
    }
}

fn define_operands(instruction: Value) {
    let is_shuffle = instruction.opcode() == Opcode::LLVMShuffleVector;
    for (index, operand) in (0..).zip(instruction.operands()) {
        // A zero that is live everywhere costs much on the x87 stack, and x87 values are not compared.
        let is_x87 = operand.ty().kind() == Kind::OddFloat;
        if operand.is_constant() && !is_x87 && !(is_shuffle && index == 1) {
            let defined = operand.defined();
            if defined != operand {
                instruction.set_operand(index, defined);
            }
        }
    }
}

/// The pieces of `length` bytes: offset and type.
fn pieces(int: Type, length: u64, with_vectors: bool) -> Vec<(u64, Type)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < length {
        let bytes = [16, 8, 4, 2, 1].into_iter().find(|&bytes| bytes <= length - at && (bytes < 16 || with_vectors));
        let bytes = bytes.unwrap_or(1);
        pieces.push((at, if bytes == 16 { int.int(64).vector(2) } else { int.int(8 * bytes as u32) }));
        at += bytes;
    }
    pieces
}

/// All loads come before all stores, so that this is right for overlapping areas, too.
fn write_out_copy(call: Value, length: u64, with_vectors: bool) {
    let (to, from) = (call.operand(0), call.operand(1));
    let cursor = Cursor::before(call);
    let pieces = pieces(to.ty().int(8), length, with_vectors);
    let loaded: Vec<_> = pieces.iter().map(|&(at, ty)| cursor.load(ty, cursor.offset(from, at), 1)).collect();
    for (&(at, _), value) in pieces.iter().zip(loaded) {
        cursor.store(value, cursor.offset(to, at), 1);
    }
    drop(cursor);
    call.erase();
}

fn write_out_fill(call: Value, length: u64) {
    let (to, byte) = (call.operand(0), call.operand(1));
    let wide = byte.ty().int(64);
    let cursor = Cursor::before(call);
    let ones = Value::int(wide, 0x0101_0101_0101_0101);
    let word = cursor.binary(Opcode::LLVMMul, cursor.cast(Opcode::LLVMZExt, byte, wide), ones);
    for (at, ty) in pieces(wide, length, false) {
        let value = if ty == wide { word } else { cursor.cast(Opcode::LLVMTrunc, word, ty) };
        cursor.store(value, cursor.offset(to, at), 1);
    }
    drop(cursor);
    call.erase();
}

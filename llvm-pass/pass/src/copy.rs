//! Copies of a value that code generation cannot take for the value itself.
//!
//! Where both slices would begin with one value (a parameter, the result of a call, an atomic read), the shadow begins
//! with an empty piece of assembly whose output is tied to its input. It costs at most one move; neither instruction
//! selection nor register coalescing looks through it. `freeze` and `ssa.copy` do not do: both are merged.

use crate::ir::{Cursor, Kind, Opcode, Type, Value};

/// Makes a copy at the cursor. `None` when the type fits no register that assembly can name (x87, vectors of bits): such
/// a value has no shadow.
pub(crate) fn opaque(cursor: &Cursor, value: Value) -> Option<Value> {
    let ty = value.ty();
    match ty.kind() {
        Kind::Int(bits) => copy_int(cursor, value, bits),
        Kind::Pointer => Some(register(cursor, value, "=r,0")),
        Kind::Float(_) => Some(register(cursor, value, "=x,0")),
        Kind::Vector(_) => copy_vector(cursor, value),
        Kind::Struct(count) => copy_parts(cursor, value, count),
        Kind::Array(count) if count <= 16 => copy_parts(cursor, value, count as u32),
        _ => None,
    }
}

fn register(cursor: &Cursor, value: Value, constraints: &str) -> Value {
    cursor.assembly("", constraints, value.ty(), &[value], None)
}

fn copy_int(cursor: &Cursor, value: Value, bits: u32) -> Option<Value> {
    let ty = value.ty();
    match bits {
        8 | 16 | 32 | 64 => Some(register(cursor, value, "=r,0")),
        ..=63 => {
            let wide = ty.int(if bits < 32 { 32 } else { 64 });
            let copy = register(cursor, cursor.cast(Opcode::LLVMZExt, value, wide), "=r,0");
            Some(cursor.cast(Opcode::LLVMTrunc, copy, ty))
        }
        65..=128 => {
            let (half, whole) = (ty.int(64), ty.int(128));
            let wide = if bits == 128 { value } else { cursor.cast(Opcode::LLVMZExt, value, whole) };
            let shift = Value::int(whole, 64);
            let high = cursor.binary(Opcode::LLVMLShr, wide, shift);
            let [low, high] = [wide, high].map(|part| {
                let copy = register(cursor, cursor.cast(Opcode::LLVMTrunc, part, half), "=r,0");
                cursor.cast(Opcode::LLVMZExt, copy, whole)
            });
            let copy = cursor.binary(Opcode::LLVMOr, cursor.binary(Opcode::LLVMShl, high, shift), low);
            Some(if bits == 128 { copy } else { cursor.cast(Opcode::LLVMTrunc, copy, ty) })
        }
        _ => None,
    }
}

/// Vectors go through 128-bit registers; longer ones in pieces, so that this is right without AVX, too.
fn copy_vector(cursor: &Cursor, value: Value) -> Option<Value> {
    let ty = value.ty();
    let Kind::Vector(count) = ty.kind() else { return None };
    if ty.part(0).kind() == Kind::Pointer {
        let numbers = ty.int(64).vector(count);
        let copy = copy_vector(cursor, cursor.cast(Opcode::LLVMPtrToInt, value, numbers))?;
        return Some(cursor.cast(Opcode::LLVMIntToPtr, copy, ty));
    }
    let bits = ty.bits();
    if ty.part(0).bits() < 8 {
        // A vector of bits: copied as bytes.
        let Kind::Int(element) = ty.part(0).kind() else { return None };
        if element == 0 || !matches!(count, 2 | 4 | 8 | 16 | 32 | 64) {
            return None;
        }
        let bytes = ty.int(8).vector(count);
        let copy = copy_vector(cursor, cursor.cast(Opcode::LLVMZExt, value, bytes))?;
        return Some(cursor.cast(Opcode::LLVMTrunc, copy, ty));
    }
    match bits {
        16 | 32 => {
            let copy = copy_int(cursor, cursor.bitcast(value, ty.int(bits as u32)), bits as u32)?;
            Some(cursor.bitcast(copy, ty))
        }
        64 => {
            let copy = register(cursor, cursor.bitcast(value, ty.float(64)), "=x,0");
            Some(cursor.bitcast(copy, ty))
        }
        128 => Some(register(cursor, value, "=x,0")),
        256 | 512 | 1024 => {
            let words = (bits / 64) as u32;
            let whole = cursor.bitcast(value, ty.int(64).vector(words));
            let mut parts: Vec<_> = (0..words / 2)
                .map(|pair| register(cursor, cursor.shuffle(whole, whole, &[2 * pair, 2 * pair + 1]), "=x,0"))
                .collect();
            while parts.len() > 1 {
                parts = parts.chunks(2).map(|pair| concatenate(cursor, pair[0], pair[1])).collect();
            }
            Some(cursor.bitcast(parts[0], ty))
        }
        _ => None,
    }
}

fn concatenate(cursor: &Cursor, low: Value, high: Value) -> Value {
    let Kind::Vector(count) = low.ty().kind() else { return low };
    cursor.shuffle(low, high, &(0..2 * count).collect::<Vec<_>>())
}

fn copy_parts(cursor: &Cursor, value: Value, count: u32) -> Option<Value> {
    let mut copy = Value::zero(value.ty());
    let mut any = false;
    for index in 0..count {
        let part = cursor.extract(value, index);
        let second = opaque(cursor, part);
        any |= second.is_some();
        copy = cursor.insert_part(copy, second.unwrap_or(part), index);
    }
    any.then_some(copy)
}

/// Whether [`opaque`] can copy values of a type.
pub(crate) fn can_copy(ty: Type) -> bool {
    match ty.kind() {
        Kind::Int(bits) => bits <= 128,
        Kind::Pointer | Kind::Float(_) => true,
        Kind::Vector(count) => match ty.part(0).kind() {
            Kind::Pointer => matches!(u64::from(count) * 64, 64 | 128 | 256 | 512 | 1024),
            _ if ty.part(0).bits() < 8 => matches!(count, 2 | 4 | 8 | 16 | 32 | 64),
            _ => matches!(ty.bits(), 16 | 32 | 64 | 128 | 256 | 512 | 1024),
        },
        Kind::Struct(count) => (0..count).any(|index| can_copy(ty.part(index))),
        Kind::Array(count) => count <= 16 && can_copy(ty.part(0)),
        _ => false,
    }
}

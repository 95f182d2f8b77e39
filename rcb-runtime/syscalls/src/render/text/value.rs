//! Values that stand in registers, and bytes in quotes.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::spec::FlagSet;

/// Most bytes of a buffer that are shown.
pub(super) const SHOWN: usize = 32;

/// An integer: small ones in decimal (also negative `int`s that fill the low half only), others in hex.
pub(super) fn integer(value: u64) -> String {
    const SMALLEST_INT: u64 = 0xffff_f000;
    if (SMALLEST_INT..=0xffff_ffff).contains(&value) {
        return format!("{}", value as u32 as i32);
    }
    let signed = value as i64;
    if signed.unsigned_abs() <= 1 << 40 { format!("{signed}") } else { format!("{value:#x}") }
}

/// A descriptor; the kernel looks at the low 32 bits.
pub(super) fn descriptor(value: u64) -> String {
    match value as u32 as i32 {
        -100 => "AT_FDCWD".to_string(),
        fd => format!("{fd}"),
    }
}

/// An address.
pub(super) fn address(value: u64) -> String {
    if value == 0 { "NULL".to_string() } else { format!("{value:#x}") }
}

/// A set of flags by name; what has no name in hex.
pub(super) fn flags(set: &FlagSet, value: u64) -> String {
    // A pure enumeration is an `int`: the upper half of the register is garbage.
    let value = if set.mask == 0xffff_ffff { value & set.mask } else { value };
    let mut parts: Vec<String> = Vec::new();
    let field = value & set.mask;
    if set.mask != 0 {
        match set.names.iter().find(|(bits, _)| *bits == field && bits & !set.mask == 0) {
            Some((_, name)) => parts.push((*name).to_string()),
            None if field != 0 => parts.push(format!("{field:#x}")),
            None => {}
        }
    }
    let mut rest = value & !set.mask;
    for (bits, name) in set.names {
        if *bits != 0 && bits & set.mask == 0 && rest & bits == *bits {
            parts.push((*name).to_string());
            rest &= !bits;
        }
    }
    if rest != 0 {
        parts.push(format!("{rest:#x}"));
    }
    if parts.is_empty() {
        let zero = set.names.iter().find(|(bits, _)| *bits == 0);
        return zero.map_or_else(|| "0".to_string(), |(_, name)| (*name).to_string());
    }
    parts.join("|")
}

/// Bytes in quotes, shortened to [`SHOWN`]; `whole` is how many there are in all.
pub(super) fn quoted(bytes: &[u8], whole: usize) -> String {
    let mut text = String::from("\"");
    for &byte in bytes.iter().take(SHOWN) {
        push(&mut text, byte);
    }
    text.push('"');
    if whole > SHOWN {
        text.push_str("...");
    }
    text
}

/// A path in quotes, whole.
pub(super) fn path(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        push(&mut text, byte);
    }
    text.push('"');
    text
}

fn push(text: &mut String, byte: u8) {
    match byte {
        b'\n' => text.push_str("\\n"),
        b'\t' => text.push_str("\\t"),
        b'\r' => text.push_str("\\r"),
        b'\\' => text.push_str("\\\\"),
        b'"' => text.push_str("\\\""),
        b' '..=b'~' => text.push(char::from(byte)),
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            text.push_str("\\x");
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

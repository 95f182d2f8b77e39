//! What `/proc` says of this process: its mappings, the names of its descriptors.
#![allow(unsafe_code, reason = "reads a file into the agent's buffer")]

use super::elf;
use super::script::decimal;
use crate::recovery;
use crate::state::scratch;
use core::ops::Range;
use rcb_sys::{nr, syscall};

/// What `folder` (one of `/proc/self`, with a slash at its end) calls a descriptor; ended by a NUL.
pub fn path_of(folder: &[u8], fd: u64) -> [u8; 32] {
    let mut path = [0; 32];
    path[..folder.len()].copy_from_slice(folder);
    decimal(u64::from(fd as u32), &mut path[folder.len()..]);
    path
}

/// What a descriptor of this process stands for, as `/proc` names it: bytes of `to` that were filled, or an errno.
pub fn name_of(fd: u64, to: &mut [u8]) -> i64 {
    let path = path_of(b"/proc/self/fd/", fd);
    // SAFETY: a question with a path that ends with a NUL; writes the buffer, which is as long as said.
    unsafe { syscall!(nr::READLINK, path.as_ptr(), to.as_mut_ptr(), to.len(), 0, 0, 0) }
}

/// Visits the mappings in the order of addresses: range and the line's text. False: they cannot be known.
pub fn each_mapping(mut visit: impl FnMut(Range<u64>, &[u8])) -> bool {
    let path = b"/proc/self/maps\0";
    let Ok(fd) = elf::open(path.as_ptr() as u64) else { return false };
    let text = &mut scratch().rewritten;
    let mut used = 0;
    loop {
        // SAFETY: reads into the agent's buffer.
        let got = unsafe { syscall!(nr::READ, fd, text[used..].as_mut_ptr(), text.len() - used, 0, 0, 0) };
        if got <= 0 {
            break;
        }
        recovery::read(got as u64);
        used += got as usize;
        let mut from = 0;
        while let Some(length) = text[from..used].iter().position(|byte| *byte == b'\n') {
            let line = &text[from..from + length];
            if let Some(range) = range(line) {
                visit(range, line);
            }
            from += length + 1;
        }
        text.copy_within(from..used, 0);
        used -= from;
    }
    // SAFETY: closes what was opened above.
    unsafe { syscall!(nr::CLOSE, fd, 0, 0, 0, 0, 0) };
    true
}

fn range(line: &[u8]) -> Option<Range<u64>> {
    let number = |text: &[u8]| {
        text.iter().fold(0u64, |v, b| v << 4 | u64::from(if b.is_ascii_digit() { b - b'0' } else { b - b'a' + 10 }))
    };
    let dash = line.iter().position(|b| *b == b'-')?;
    let space = line.iter().position(|b| *b == b' ')?;
    Some(number(line.get(..dash)?)..number(line.get(dash + 1..space)?))
}

//! The initial stack: the kernel has built it for the agent with the guest's own arguments and environment, so only
//! the auxiliary vector has to be corrected, in place.
#![allow(unsafe_code, reason = "walks the stack that the kernel has built")]

use super::elf::Image;
use crate::shared;
use rcb_abi::segment::PATH_BYTES;
use rcb_sys::errno::is_error;
use rcb_sys::{nr, syscall};

const AT_NULL: u64 = 0;
const AT_IGNORE: u64 = 1;
const AT_PHDR: u64 = 3;
const AT_PHNUM: u64 = 5;
const AT_BASE: u64 = 7;
const AT_ENTRY: u64 = 9;
/// Name of the processor's kind.
pub const AT_PLATFORM: u64 = 15;
const AT_RANDOM: u64 = 25;
const AT_RSEQ_FEATURE_SIZE: u64 = 27;
const AT_RSEQ_ALIGN: u64 = 28;
/// Name of the program.
pub const AT_EXECFN: u64 = 31;
const AT_SYSINFO_EHDR: u64 = 33;

/// A page of guest memory with the string for AT_EXECFN, at the same address in all replicas; 0 when there is none.
fn name_page(name: &[u8; PATH_BYTES]) -> u64 {
    // SAFETY: a new private page where the kernel likes.
    let at = unsafe { syscall!(nr::MMAP, 0, PATH_BYTES, 3, 0x22, -1i64, 0) };
    if is_error(at) || crate::guest::write(at as u64, name).is_err() {
        return 0;
    }
    at as u64
}

/// The auxiliary vector of the stack at `sp`.
fn auxv(sp: u64) -> *mut [u64; 2] {
    let mut at = sp as *const u64;
    // SAFETY: the kernel's layout: argc, argv, NULL, environment, NULL, vector.
    unsafe {
        at = at.add(at.read() as usize + 2);
        while at.read() != 0 {
            at = at.add(1);
        }
        at.add(1) as *mut [u64; 2]
    }
}

/// Address of the auxiliary vector.
pub fn vector(sp: u64) -> u64 {
    auxv(sp) as u64
}

/// End of the auxiliary vector.
pub fn vector_end(sp: u64) -> u64 {
    let mut at = auxv(sp);
    // SAFETY: ends with AT_NULL.
    unsafe {
        while (*at)[0] != AT_NULL {
            at = at.add(1);
        }
        at.add(1) as u64
    }
}

/// A value of the auxiliary vector, if it has one of this kind.
pub fn value(sp: u64, kind: u64) -> Option<u64> {
    let entries = (vector(sp)..vector_end(sp)).step_by(16);
    // SAFETY: inside the vector.
    entries.map(|at| unsafe { *(at as *const [u64; 2]) }).find(|entry| entry[0] == kind).map(|entry| entry[1])
}

/// Whether there is a vDSO.
pub fn has_vdso(sp: u64) -> bool {
    value(sp, AT_SYSINFO_EHDR).is_some()
}

/// Makes the vector say what it would say for the guest.
pub fn correct(sp: u64, program: &Image, interpreter: Option<&Image>) {
    let carry = &shared::own().carry;
    let name = name_page(&carry.execfn);
    let mut at = auxv(sp);
    // SAFETY: ends with AT_NULL; AT_RANDOM points to 16 bytes on the stack.
    unsafe {
        while (*at)[0] != AT_NULL {
            let [kind, value] = *at;
            match kind {
                AT_PHDR => (*at)[1] = program.headers,
                AT_PHNUM => (*at)[1] = program.count,
                AT_BASE => (*at)[1] = interpreter.map_or(0, |i| i.bias),
                AT_ENTRY => (*at)[1] = program.entry,
                AT_EXECFN => (*at)[1] = name,
                AT_RANDOM => *(value as *mut [u8; 16]) = carry.random,
                // No vDSO, no restartable sequences.
                AT_SYSINFO_EHDR | AT_RSEQ_FEATURE_SIZE | AT_RSEQ_ALIGN => *at = [AT_IGNORE, 0],
                _ => {}
            }
            at = at.add(1);
        }
    }
}

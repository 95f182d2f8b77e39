//! Maps an ELF file as the kernel's execve does.
#![allow(unsafe_code, reason = "maps and clears the program's memory")]

use crate::guest;
use crate::state::State;
use crate::trap::code;
use rcb_sys::errno::{ENOEXEC, fail, is_error};
use rcb_sys::{nr, syscall};

const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PF_X: u32 = 1;
const PF_W: u32 = 2;
const PF_R: u32 = 4;
const ET_DYN: u16 = 3;
const MAP_PRIVATE: u64 = 2;
const MAP_FIXED: u64 = 0x10;
const MAP_ANONYMOUS: u64 = 0x20;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;
const O_CLOEXEC: u64 = 0o2_000_000;
const PAGE: u64 = 4096;
/// Where the kernel puts position-independent programs without randomisation (ELF_ET_DYN_BASE).
const PIE_BASE: u64 = 0x5555_5555_4000;
/// Most program headers looked at.
const HEADERS: usize = 64;

/// Program header.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Header {
    kind: u32,
    flags: u32,
    offset: u64,
    vaddr: u64,
    paddr: u64,
    filesz: u64,
    memsz: u64,
    align: u64,
}

/// A loaded file.
#[derive(Clone, Copy, Default)]
pub struct Image {
    /// Entry point.
    pub entry: u64,
    /// Load bias: what was added to the addresses in the file.
    pub bias: u64,
    /// Address of the program headers.
    pub headers: u64,
    /// Their number.
    pub count: u64,
    /// End of the last segment, rounded up to a page.
    pub end: u64,
    /// Start of the first writable segment.
    pub data: u64,
    /// The stack shall be executable.
    pub stack_exec: bool,
    /// Offset and length of the interpreter's path in the file; 0 for none.
    pub interpreter: (u64, u64),
}

/// Opens a file for loading.
pub fn open(path: u64) -> Result<u64, i64> {
    // SAFETY: opens a file for the agent.
    let fd = unsafe { syscall!(nr::OPENAT, -100i64, path, O_CLOEXEC, 0, 0, 0) };
    if is_error(fd) { Err(fd) } else { Ok(fd as u64) }
}

/// Reads exactly as many bytes.
pub fn read_at(fd: u64, to: *mut u8, bytes: usize, offset: u64) -> Result<(), i64> {
    // SAFETY: the callers pass buffers of that size.
    let got = unsafe { syscall!(nr::PREAD64, fd, to, bytes, offset, 0, 0) };
    match got {
        got if got == bytes as i64 => Ok(()),
        got if is_error(got) => Err(got),
        _ => Err(fail(ENOEXEC)),
    }
}

/// Maps all segments. `main` programs without a fixed address go where the kernel puts them, interpreters where mmap
/// chooses.
pub fn load(st: &mut State, fd: u64, main: bool) -> Result<Image, i64> {
    let mut head = [0u8; 64];
    read_at(fd, head.as_mut_ptr(), 64, 0)?;
    let half = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let word = |at: usize| head[at..at + 8].iter().rev().fold(0u64, |v, b| v << 8 | u64::from(*b));
    let (kind, count, headers_at) = (half(16), usize::from(half(56)), word(32));
    if !head.starts_with(b"\x7fELF\x02\x01") || half(18) != 62 || half(54) != 56 || count == 0 || count > HEADERS {
        return Err(fail(ENOEXEC));
    }
    let mut table = [Header::default(); HEADERS];
    read_at(fd, table.as_mut_ptr().cast(), count * size_of::<Header>(), headers_at)?;
    let table = &table[..count];
    let loads = || table.iter().filter(|h| h.kind == PT_LOAD && h.memsz > 0);
    let (Some(low), Some(high)) =
        (loads().map(|h| h.vaddr & !(PAGE - 1)).min(), loads().map(|h| h.vaddr + h.memsz).max())
    else {
        return Err(fail(ENOEXEC));
    };
    let align = loads().map(|h| h.align).filter(|a| a.is_power_of_two()).max().unwrap_or(PAGE).max(PAGE);
    let span = (high - low).next_multiple_of(PAGE);
    let bias = if kind == ET_DYN { reserve(span, align, main)?.wrapping_sub(low) } else { 0 };
    let mut image = Image { entry: word(24).wrapping_add(bias), bias, count: count as u64, ..Image::default() };
    for header in loads() {
        segment(st, fd, header, bias, kind != ET_DYN)?;
        if (header.offset..header.offset + header.filesz).contains(&headers_at) {
            image.headers = headers_at - header.offset + header.vaddr + bias;
        }
        if header.flags & PF_W != 0 && image.data == 0 {
            image.data = header.vaddr + bias;
        }
    }
    image.end = (high + bias).next_multiple_of(PAGE);
    for header in table {
        match header.kind {
            PT_INTERP => image.interpreter = (header.offset, header.filesz),
            PT_GNU_STACK => image.stack_exec = header.flags & PF_X != 0,
            _ => {}
        }
    }
    Ok(image)
}

/// Reserves address space for a position-independent file.
fn reserve(span: u64, align: u64, main: bool) -> Result<u64, i64> {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if main {
        let at = PIE_BASE & !(align - 1);
        // SAFETY: replaces nothing.
        let got = unsafe { syscall!(nr::MMAP, at, span, 0, flags | MAP_FIXED_NOREPLACE, -1i64, 0) };
        if got == at as i64 {
            return Ok(at);
        }
    }
    // SAFETY: a new mapping where the kernel likes.
    let got = unsafe { syscall!(nr::MMAP, 0, span + align - PAGE, 0, flags, -1i64, 0) };
    if is_error(got) {
        return Err(got);
    }
    let (at, end) = (got as u64, got as u64 + span + align - PAGE);
    let start = at.next_multiple_of(align);
    for (from, to) in [(at, start), (start + span, end)] {
        if to > from {
            // SAFETY: gives back what alignment did not need.
            unsafe { syscall!(nr::MUNMAP, from, to - from, 0, 0, 0, 0) };
        }
    }
    Ok(start)
}

/// Maps one segment, clears the rest of its last page and maps zero pages behind.
fn segment(st: &mut State, fd: u64, header: &Header, bias: u64, fixed_file: bool) -> Result<(), i64> {
    let prot = u64::from(header.flags & PF_R != 0)
        | u64::from(header.flags & PF_W != 0) << 1
        | u64::from(header.flags & PF_X != 0) << 2;
    let start = header.vaddr + bias;
    let page = start & !(PAGE - 1);
    let file_end = start + header.filesz;
    let end = (start + header.memsz).next_multiple_of(PAGE);
    // A file with fixed addresses must not replace anything that is there (the stack, the agent).
    let how = if fixed_file { MAP_FIXED_NOREPLACE } else { MAP_FIXED };
    if crate::handled::memory::touches_agent(page, end - page) {
        return Err(fail(ENOEXEC));
    }
    let mut zero_from = page;
    if header.filesz > 0 {
        let bytes = file_end - page;
        let offset = header.offset - (start - page);
        // SAFETY: inside the reserved range, or replacing nothing.
        let got = unsafe { syscall!(nr::MMAP, page, bytes, prot, MAP_PRIVATE | how, fd, offset) };
        if got != page as i64 {
            return Err(if is_error(got) { got } else { fail(ENOEXEC) });
        }
        zero_from = file_end.next_multiple_of(PAGE);
        if prot & 6 == 4 {
            code::mapped(st, page, zero_from, fd, offset);
        }
        if header.memsz > header.filesz && prot & 2 != 0 {
            // To the end of the page, not only to the end of the segment: the dynamic linker uses the rest as heap.
            let zeros = [0u8; 256];
            let mut at = file_end;
            while at < zero_from {
                let bytes = (zero_from - at).min(256);
                let _ = guest::write(at, &zeros[..bytes as usize]);
                at += bytes;
            }
        }
    }
    if end > zero_from {
        // SAFETY: as above.
        let got = unsafe {
            syscall!(nr::MMAP, zero_from, end - zero_from, prot, MAP_PRIVATE | MAP_ANONYMOUS | how, -1i64, 0)
        };
        if got != zero_from as i64 {
            return Err(if is_error(got) { got } else { fail(ENOEXEC) });
        }
    }
    Ok(())
}

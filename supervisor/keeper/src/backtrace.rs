//! Where in the guest a call was made: module and offset, without debugging information and without running code.
//!
//! The first frame is certain: the agent notes the address behind every call. The others are words on the stack that
//! point behind a call instruction in executable memory; some of them may be left over from earlier.

use crate::memory::read;
use rcb_abi::{AGENT_BASE, AGENT_END};
use serde::Serialize;

/// Most frames reported.
const MAX_FRAMES: usize = 16;
/// How much of the stack is looked at, in bytes.
const STACK_BYTES: usize = 64 * 1024;

/// One line of `/proc/PID/maps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
    /// Whether code may run there.
    pub executable: bool,
    /// Path of the file, or a name in brackets, or nothing.
    pub name: String,
}

/// A place in the guest's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// Address.
    pub address: u64,
    /// File that is mapped there, if one is.
    pub module: Option<String>,
    /// Address less the lowest address at which the file is mapped.
    pub offset: u64,
    /// Whether this is known and not only likely.
    pub certain: bool,
}

/// Reads the maps of a process.
pub fn mappings(pid: u32) -> Vec<Mapping> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    text.lines().filter_map(parse_mapping).collect()
}

fn parse_mapping(line: &str) -> Option<Mapping> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let mut fields = rest.splitn(5, ' ');
    let permissions = fields.next()?;
    let name = fields.nth(3).unwrap_or("").trim_start();
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        executable: permissions.contains('x'),
        name: name.into(),
    })
}

/// The call site, and with a stack pointer the likely callers.
pub fn backtrace(pid: u32, rip: u64, rsp: Option<u64>) -> Vec<Frame> {
    let maps = mappings(pid);
    let mut frames = vec![frame(&maps, rip, true)];
    let stack = rsp.map_or_else(Vec::new, |rsp| {
        let bytes = maps.iter().find(|map| (map.start..map.end).contains(&rsp)).map_or(0, |map| map.end - rsp);
        read(pid, rsp, (bytes as usize).min(STACK_BYTES))
    });
    for word in stack.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap_or_default())) {
        if frames.len() == MAX_FRAMES {
            break;
        }
        if is_code_of_guest(&maps, word) && is_behind_call(&read(pid, word - 7, 7)) {
            frames.push(frame(&maps, word, false));
        }
    }
    frames
}

fn is_code_of_guest(maps: &[Mapping], address: u64) -> bool {
    let inside = |map: &&Mapping| map.executable && (map.start + 7..map.end).contains(&address);
    !(AGENT_BASE..AGENT_END).contains(&address) && maps.iter().any(|map| inside(&map))
}

fn frame(maps: &[Mapping], address: u64, certain: bool) -> Frame {
    let map = maps.iter().find(|map| (map.start..map.end).contains(&address)).filter(|map| !map.name.is_empty());
    let base = map.and_then(|map| maps.iter().find(|other| other.name == map.name)).map_or(0, |first| first.start);
    Frame { address, module: map.map(|map| map.name.clone()), offset: address - base, certain }
}

/// Whether these seven bytes end in a call instruction, direct or through register or memory.
fn is_behind_call(bytes: &[u8]) -> bool {
    let [b0, b1, b2, b3, b4, b5, b6] = *bytes else { return false };
    // ModRM with the field /2, in the given addressing mode; `rm` 4 means that one more byte (SIB) follows.
    let indirect = |modrm: u8, mode: u8, sib: bool| {
        modrm >> 6 == mode && modrm >> 3 & 7 == 2 && (mode == 3 || (modrm & 7 == 4) == sib)
    };
    b2 == 0xe8
        || b5 == 0xff && (indirect(b6, 3, false) || indirect(b6, 0, false) && b6 & 7 != 5)
        || b4 == 0xff && (indirect(b5, 1, false) || indirect(b5, 0, true))
        || b3 == 0xff && indirect(b4, 1, true)
        || b1 == 0xff && (indirect(b2, 2, false) || b2 == 0x15)
        || b0 == 0xff && indirect(b1, 2, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read() {
        let line = "7f0000001000-7f0000002000 r-xp 00001000 fe:00 1234      /usr/lib/a b.so";
        let expected = Mapping {
            start: 0x7f00_0000_1000,
            end: 0x7f00_0000_2000,
            executable: true,
            name: "/usr/lib/a b.so".into(),
        };
        assert_eq!(parse_mapping(line), Some(expected));
        let anonymous = parse_mapping("00400000-00401000 rw-p 00000000 00:00 0 ").expect("a mapping");
        assert_eq!((anonymous.executable, anonymous.name.as_str()), (false, ""));
        assert_eq!(parse_mapping(""), None);
    }

    #[test]
    fn call_instructions_are_known() {
        let ends_in = |code: &[u8]| {
            let mut bytes = vec![0x90; 7 - code.len()];
            bytes.extend_from_slice(code);
            is_behind_call(&bytes)
        };
        for code in [
            &[0xe8, 1, 2, 3, 4][..],         // call rel32
            &[0xff, 0xd0],                   // call *%rax
            &[0x41, 0xff, 0xd4],             // call *%r12
            &[0xff, 0x13],                   // call *(%rbx)
            &[0xff, 0x50, 0x18],             // call *0x18(%rax)
            &[0xff, 0x14, 0xc8],             // call *(%rax,%rcx,8)
            &[0xff, 0x54, 0x24, 0x08],       // call *8(%rsp)
            &[0xff, 0x15, 1, 2, 3, 4],       // call *x(%rip)
            &[0xff, 0x90, 1, 2, 3, 4],       // call *x(%rax)
            &[0xff, 0x94, 0x24, 1, 2, 3, 4], // call *x(%rsp)
        ] {
            assert!(ends_in(code), "{code:x?}");
        }
        for code in [&[0xe9, 1, 2, 3, 4][..], &[0xff, 0xe0], &[0x0f, 0x05], &[0xff, 0xc0]] {
            assert!(!ends_in(code), "{code:x?}");
        }
        assert!(!is_behind_call(&[]));
    }

    #[test]
    fn own_code_is_found() {
        let here = own_code_is_found as *const () as u64;
        let frames = backtrace(std::process::id(), here, None);
        assert_eq!(frames.len(), 1);
        let exe = std::env::current_exe().expect("exe");
        assert_eq!(frames[0].module.as_deref(), exe.to_str());
        assert!(frames[0].certain && frames[0].offset < 1 << 32);
    }
}

//! What execve would execute: follows `#!` lines to an ELF file and checks that it can be executed.
#![allow(unsafe_code, reason = "opens and reads files with calls of the agent")]

use super::proc;
use crate::guest;
use rcb_abi::segment::PATH_BYTES;
use rcb_sys::errno::{E2BIG, EACCES, EFAULT, ELOOP, ENAMETOOLONG, ENOENT, ENOEXEC, EPERM, fail, is_error};
use rcb_sys::types::Stat;
use rcb_sys::{nr, syscall};

/// Levels of scripts the kernel follows.
const LEVELS: usize = 5;
/// Bytes of a file that decide what it is (BINPRM_BUF_SIZE).
const HEAD: usize = 256;
const O_CLOEXEC: u64 = 0o2_000_000;
const AT_FDCWD: i64 = -100;
/// The descriptor itself is meant.
pub const AT_EMPTY_PATH: u64 = 0x1000;
/// A symbolic link is not followed.
pub const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
const O_NOFOLLOW: u64 = 0o400_000;

/// A program to execute.
pub struct Target {
    /// Canonical absolute path of the ELF file, NUL-terminated.
    pub exe: [u8; PATH_BYTES],
    /// As the guest named it (AT_EXECFN), NUL-terminated.
    pub execfn: [u8; PATH_BYTES],
    /// Interpreters and their arguments, NUL-terminated one after the other, in the order they were found.
    strings: [u8; LEVELS * HEAD],
    used: usize,
    /// Per level: offset of the interpreter, offset of its argument (or 0 for none; offset 0 is an interpreter).
    levels: [(usize, usize); LEVELS],
    depth: usize,
}

impl Target {
    /// Nothing found yet.
    pub const fn new() -> Self {
        Self {
            exe: [0; PATH_BYTES],
            execfn: [0; PATH_BYTES],
            strings: [0; LEVELS * HEAD],
            used: 0,
            levels: [(0, 0); LEVELS],
            depth: 0,
        }
    }

    /// Whether the named file is a script.
    pub fn is_script(&self) -> bool {
        self.depth > 0
    }

    fn keep(&mut self, text: &[u8]) -> usize {
        let at = self.used;
        self.strings[at..at + text.len()].copy_from_slice(text);
        self.strings[at + text.len()] = 0;
        self.used = at + text.len() + 1;
        at
    }
}

/// Finds what `path` (NUL-terminated, relative to descriptor `dir`) executes. Returns 0 or an errno, negated.
pub fn resolve(dir: i64, path: &[u8], flags: u64, own_exe: &[u8; PATH_BYTES], target: &mut Target) -> i64 {
    name(dir, path, target);
    let own = path == b"/proc/self/exe\0";
    let first = if own { own_exe.as_ptr() } else { path.as_ptr() };
    let mut open_flags = O_CLOEXEC;
    if flags & AT_SYMLINK_NOFOLLOW != 0 {
        open_flags |= O_NOFOLLOW;
    }
    let mut fd = if path.len() == 1 && flags & AT_EMPTY_PATH != 0 {
        // SAFETY: duplicates a descriptor of the guest for the agent.
        unsafe { syscall!(nr::FCNTL, dir, 1030, 0, 0, 0, 0) }
    } else {
        open(dir, first as u64, open_flags)
    };
    loop {
        if is_error(fd) {
            return fd;
        }
        let verdict = look(fd as u64, target);
        // SAFETY: closes the agent's own descriptor.
        unsafe { syscall!(nr::CLOSE, fd, 0, 0, 0, 0, 0) };
        match verdict {
            Ok(Kind::Elf) => return 0,
            Ok(Kind::Script(interpreter)) => {
                fd = open(AT_FDCWD, target.strings[interpreter..].as_ptr() as u64, O_CLOEXEC);
            }
            Err(errno) => return fail(errno),
        }
    }
}

/// AT_EXECFN as the kernel makes it.
fn name(dir: i64, path: &[u8], target: &mut Target) {
    let mut at = 0;
    if dir != AT_FDCWD && path.first() != Some(&b'/') {
        let head = b"/dev/fd/";
        target.execfn[..head.len()].copy_from_slice(head);
        at = head.len() + decimal(dir as u64, &mut target.execfn[head.len()..]);
        if path.len() > 1 {
            target.execfn[at] = b'/';
            at += 1;
        }
    }
    let bytes = path.len().min(PATH_BYTES - at);
    target.execfn[at..at + bytes].copy_from_slice(&path[..bytes]);
    target.execfn[PATH_BYTES - 1] = 0;
}

/// Writes a number in decimal; returns the digits.
pub fn decimal(mut value: u64, to: &mut [u8]) -> usize {
    let mut digits = [0u8; 20];
    let mut n = 0;
    loop {
        digits[n] = b'0' + (value % 10) as u8;
        value /= 10;
        n += 1;
        if value == 0 {
            break;
        }
    }
    for i in 0..n {
        to[i] = digits[n - 1 - i];
    }
    n
}

fn open(dir: i64, path: u64, flags: u64) -> i64 {
    // SAFETY: opens a file for the agent.
    unsafe { syscall!(nr::OPENAT, dir, path, flags, 0, 0, 0) }
}

enum Kind {
    Elf,
    /// Offset of the interpreter in `Target::strings`.
    Script(usize),
}

fn look(fd: u64, target: &mut Target) -> Result<Kind, u16> {
    let mut stat = Stat::default();
    let empty = 0u8;
    // SAFETY: writes a local.
    unsafe { syscall!(nr::FSTAT, fd, &raw mut stat, 0, 0, 0, 0) };
    if stat.mode & 0o170_000 != 0o100_000 {
        return Err(EACCES);
    }
    // SAFETY: asks whether the file may be executed.
    let allowed = unsafe { syscall!(nr::FACCESSAT2, fd, &raw const empty, 1, AT_EMPTY_PATH, 0, 0) };
    if is_error(allowed) {
        return Err(EACCES);
    }
    let mut head = [0u8; HEAD];
    // SAFETY: reads into a local.
    let got = unsafe { syscall!(nr::PREAD64, fd, head.as_mut_ptr(), HEAD, 0, 0, 0) };
    if got >= 2 && head.starts_with(b"#!") {
        return line(&head[..got as usize], target);
    }
    // 64-bit, little endian, executable or shared, x86-64.
    let elf = got >= 64
        && head.starts_with(b"\x7fELF\x02\x01")
        && matches!(head[16], 2 | 3)
        && head[17] == 0
        && head[18] == 62
        && head[19] == 0;
    if !elf {
        return Err(ENOEXEC);
    }
    if changes_identity(&stat) {
        // It would run without its rights: not the same program any more.
        return Err(EPERM);
    }
    canonical(fd, &mut target.exe)
}

/// Whether the kernel would execute the file as somebody else: a set-user-ID or set-group-ID program of another owner.
fn changes_identity(stat: &Stat) -> bool {
    // SAFETY: asks for an id.
    let own = |call: u32| unsafe { syscall!(call, 0, 0, 0, 0, 0, 0) } as u32;
    stat.mode & 0o4000 != 0 && stat.uid != own(nr::GETEUID)
        || stat.mode & 0o2010 == 0o2010 && stat.gid != own(nr::GETEGID)
}

/// The path of an open file, from /proc.
fn canonical(fd: u64, to: &mut [u8; PATH_BYTES]) -> Result<Kind, u16> {
    let got = proc::name_of(fd, &mut to[..PATH_BYTES - 1]);
    if is_error(got) || got as usize >= PATH_BYTES - 1 {
        return Err(ENAMETOOLONG);
    }
    to[got as usize] = 0;
    // The new program is opened by this path, when it is too late to report an error: it must still be the same file.
    let again = open(AT_FDCWD, to.as_ptr() as u64, O_CLOEXEC);
    if is_error(again) {
        return Err(ENOENT);
    }
    let (mut here, mut there) = (Stat::default(), Stat::default());
    // SAFETY: writes locals, closes the agent's own descriptor.
    unsafe {
        syscall!(nr::FSTAT, fd, &raw mut here, 0, 0, 0, 0);
        syscall!(nr::FSTAT, again, &raw mut there, 0, 0, 0, 0);
        syscall!(nr::CLOSE, again, 0, 0, 0, 0, 0);
    }
    if (here.dev, here.ino) == (there.dev, there.ino) { Ok(Kind::Elf) } else { Err(ENOENT) }
}

/// Parses a `#!` line.
fn line(head: &[u8], target: &mut Target) -> Result<Kind, u16> {
    if target.depth == LEVELS {
        return Err(ELOOP);
    }
    let blank = |b: &u8| *b == b' ' || *b == b'\t';
    let end = head.iter().position(|b| *b == b'\n' || *b == 0).unwrap_or(head.len());
    let text = &head[2..end];
    let start = text.iter().position(|b| !blank(b)).ok_or(ENOEXEC)?;
    let text = &text[start..];
    let last = text.iter().rposition(|b| !blank(b)).map_or(0, |i| i + 1);
    let text = &text[..last];
    let cut = text.iter().position(blank).unwrap_or(text.len());
    if cut == text.len() && end == HEAD {
        // Cut off in the middle of the interpreter's path.
        return Err(ENOEXEC);
    }
    let rest = &text[cut..];
    let argument = rest.iter().position(|b| !blank(b)).map(|i| &rest[i..]);
    let interpreter = target.keep(&text[..cut]);
    let argument = argument.map_or(0, |a| target.keep(a));
    target.levels[target.depth] = (interpreter, argument);
    target.depth += 1;
    Ok(Kind::Script(interpreter))
}

/// The argument vector for a script, as pointers in `words`: interpreter, argument, path of the script, and then the
/// guest's own arguments behind argv[0]. The kernel copies them when it replaces the process.
pub fn arguments(target: &Target, path: u64, argv: u64, words: &mut [u64]) -> Result<u64, u16> {
    let mut n = 0;
    let text = |offset: usize| target.strings[offset..].as_ptr() as u64;
    for (interpreter, argument) in target.levels[..target.depth].iter().rev() {
        words[n] = text(*interpreter);
        n += 1;
        if *argument != 0 {
            words[n] = text(*argument);
            n += 1;
        }
    }
    words[n] = if target.execfn.starts_with(b"/dev/fd/") { target.execfn.as_ptr() as u64 } else { path };
    n += 1;
    if argv != 0 {
        for k in 1.. {
            let at = guest::get::<u64>(argv + 8 * k).map_err(|guest::BadAddress| EFAULT)?;
            if at == 0 {
                break;
            }
            if n + 1 >= words.len() {
                return Err(E2BIG);
            }
            words[n] = at;
            n += 1;
        }
    }
    words[n] = 0;
    Ok(words.as_ptr() as u64)
}

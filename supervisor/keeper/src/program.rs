//! Which file a command names: search along PATH, `#!` lines, and the checks that the kernel makes in `execve`.
//!
//! The kernel will execute the agent, not the program, so everything that `execvp` and the kernel would have found out
//! about the program is found out here, with the same answers.

use crate::error::{Error, Result};
use nix::unistd::{AccessFlags, access, getegid, geteuid};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes of a file that the kernel looks at to tell its kind (`BINPRM_BUF_SIZE`).
const HEAD_BYTES: usize = 256;
/// Scripts whose interpreter is a script, and so on: the kernel gives up after so many.
const MAX_SCRIPTS: usize = 5;
/// Where `execvp` looks when PATH is not set.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// The shell that runs text files without a `#!` line.
const SHELL: &str = "/bin/sh";

/// What to load, and with which names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The ELF file: absolute, symbolic links resolved, as `/proc/self/exe` would show it.
    pub exe: PathBuf,
    /// The name that was executed (`AT_EXECFN`): for a script the script's.
    pub execfn: OsString,
    /// All arguments.
    pub argv: Vec<OsString>,
}

/// Why one candidate cannot be executed.
#[derive(Debug)]
enum Refusal {
    /// errno as from `execve`, and what it is about if that is not the program itself.
    Errno(i32, Option<String>),
    /// Neither ELF nor `#!`: a job for the shell, if it is text.
    NoFormat,
    /// Exists and can never be run here, for this reason.
    Never(String),
}

impl Refusal {
    fn from_io(error: &io::Error) -> Self {
        Self::Errno(error.raw_os_error().unwrap_or(libc::EIO), None)
    }
}

/// Finds the program as `execvp(program, [program, args...])` does, with `path` as the value of PATH.
pub fn resolve(program: &OsStr, args: &[OsString], path: Option<&OsStr>) -> Result<Program> {
    let mut argv = vec![program.to_os_string()];
    argv.extend_from_slice(args);
    let name = program.to_string_lossy().into_owned();
    if program.is_empty() {
        return Err(Error::NotFound { program: "''".into(), reason: "the name of the program is empty".into() });
    }
    if program.as_bytes().contains(&b'/') {
        return attempt(program, &argv).map_err(|refusal| explain(name, refusal));
    }
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    let mut denied = None;
    for folder in path.as_bytes().split(|byte| *byte == b':') {
        let mut candidate = folder.to_vec();
        if !candidate.is_empty() {
            candidate.push(b'/');
        }
        candidate.extend_from_slice(program.as_bytes());
        match attempt(OsStr::from_bytes(&candidate), &argv) {
            Ok(found) => return Ok(found),
            Err(Refusal::Errno(libc::EACCES, about)) => denied = Some(Refusal::Errno(libc::EACCES, about)),
            Err(Refusal::Errno(libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT, _)) => {}
            Err(refusal) => return Err(explain(name, refusal)),
        }
    }
    match denied {
        Some(refusal) => Err(explain(name, refusal)),
        None => Err(Error::NotFound { program: name, reason: "command not found along PATH".into() }),
    }
}

fn explain(program: String, refusal: Refusal) -> Error {
    match refusal {
        Refusal::Errno(libc::ENOENT | libc::ENOTDIR, about) => {
            Error::NotFound { program, reason: about.unwrap_or_else(|| "no such file".into()) }
        }
        Refusal::Errno(errno, about) => {
            let text = nix::errno::Errno::from_raw(errno).desc().to_lowercase();
            Error::CannotExecute { program, reason: about.unwrap_or(text) }
        }
        Refusal::NoFormat => Error::CannotExecute {
            program,
            reason: "neither an x86-64 ELF file nor a script (no #! line, and not text)".into(),
        },
        Refusal::Never(reason) => Error::CannotExecute { program, reason },
    }
}

/// One `execve` of `execvp`, with its fallback to the shell.
fn attempt(path: &OsStr, argv: &[OsString]) -> std::result::Result<Program, Refusal> {
    match load(path, argv.to_vec()) {
        Err(Refusal::NoFormat) if is_text(path) => {
            let mut shell = vec![SHELL.into(), path.to_os_string()];
            shell.extend_from_slice(&argv[1..]);
            load(OsStr::new(SHELL), shell)
        }
        other => other,
    }
}

/// Whether the shell would take the file for a script: no NUL in its first line.
fn is_text(path: &OsStr) -> bool {
    head_of(Path::new(path)).is_ok_and(|head| !head.split(|byte| *byte == b'\n').next().unwrap_or(&[]).contains(&0))
}

/// `execve`: follows `#!` lines to an ELF file.
fn load(path: &OsStr, mut argv: Vec<OsString>) -> std::result::Result<Program, Refusal> {
    let mut file = path.to_os_string();
    for _ in 0..=MAX_SCRIPTS {
        let about = |refusal: Refusal| match refusal {
            Refusal::Errno(errno, None) if file != path => {
                let word = if errno == libc::ENOENT { "does not exist" } else { "cannot be executed" };
                Refusal::Errno(errno, Some(format!("its interpreter {} {word}", file.to_string_lossy())))
            }
            other => other,
        };
        let head = check_file(Path::new(&file)).map_err(about)?;
        if head.starts_with(b"#!") {
            let (interpreter, argument) = parse_shebang(&head).ok_or(Refusal::NoFormat)?;
            let mut next = vec![interpreter.clone()];
            next.extend(argument);
            next.push(file);
            next.extend(argv.drain(1..));
            argv = next;
            file = interpreter;
        } else if head.starts_with(b"\x7fELF") {
            check_elf(Path::new(&file), &head)?;
            let exe = fs::canonicalize(&file).map_err(|error| Refusal::from_io(&error))?;
            return Ok(Program { exe, execfn: path.to_os_string(), argv });
        } else {
            return Err(Refusal::NoFormat);
        }
    }
    Err(Refusal::Errno(libc::ELOOP, Some(format!("more than {MAX_SCRIPTS} scripts interpret each other"))))
}

/// The first bytes, without padding.
fn head_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    File::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Kind and permission, as the kernel checks them before it looks inside; returns the first bytes.
fn check_file(path: &Path) -> std::result::Result<Vec<u8>, Refusal> {
    let meta = fs::metadata(path).map_err(|error| Refusal::from_io(&error))?;
    if meta.is_dir() {
        return Err(Refusal::Errno(libc::EACCES, Some(format!("{} is a directory", path.display()))));
    }
    if !meta.is_file() {
        return Err(Refusal::Errno(libc::EACCES, Some(format!("{} is not a regular file", path.display()))));
    }
    if access(path, AccessFlags::X_OK).is_err() {
        return Err(Refusal::Errno(libc::EACCES, None));
    }
    head_of(path).map_err(|error| match error.raw_os_error() {
        Some(libc::EACCES) => {
            Refusal::Never("may be executed but not read: the agent must read a program to load it".into())
        }
        _ => Refusal::from_io(&error),
    })
}

/// Interpreter and optional argument of a `#!` line, as `fs/binfmt_script.c` reads it.
fn parse_shebang(head: &[u8]) -> Option<(OsString, Option<OsString>)> {
    let mut buffer = [0u8; HEAD_BYTES];
    buffer[..head.len()].copy_from_slice(head);
    let blank = |byte: u8| byte == b' ' || byte == b'\t';
    let line = if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
        &buffer[2..end]
    } else {
        let rest = &buffer[2..HEAD_BYTES - 1];
        let start = rest.iter().position(|byte| !blank(*byte))?;
        // Without an end after the name, the name may have been cut off.
        rest[start..].iter().position(|byte| blank(*byte) || *byte == 0)?;
        rest
    };
    let end = line.iter().rposition(|byte| !blank(*byte))? + 1;
    let start = line.iter().position(|byte| !blank(*byte))?;
    let line = &line[start..end];
    let name_end = line.iter().position(|byte| blank(*byte) || *byte == 0).unwrap_or(line.len());
    if name_end == 0 {
        return None;
    }
    let until_nul = |bytes: &[u8]| bytes.split(|byte| *byte == 0).next().unwrap_or(&[]).to_vec();
    let argument = match line.get(name_end) {
        Some(byte) if blank(*byte) => {
            let rest = &line[name_end..];
            rest.iter().position(|byte| !blank(*byte)).map(|at| OsString::from_vec(until_nul(&rest[at..])))
        }
        _ => None,
    };
    Some((OsString::from_vec(line[..name_end].to_vec()), argument))
}

/// Whether the agent can load this file: x86-64, its interpreter there, and nothing that needs other rights.
fn check_elf(path: &Path, head: &[u8]) -> std::result::Result<(), Refusal> {
    let half = |offset: usize| head.get(offset..offset + 2).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]));
    let word = |offset: usize| {
        head.get(offset..offset + 8).map_or(0, |eight| u64::from_le_bytes(eight.try_into().unwrap_or_default()))
    };
    let (class, machine, kind) = (head.get(4).copied(), half(18), half(16));
    if class != Some(2) || machine != 62 || head.get(5) != Some(&1) {
        return Err(Refusal::Never("not an x86-64 (64-bit) ELF file".into()));
    }
    if kind != 2 && kind != 3 {
        return Err(Refusal::Never("an ELF file, but not a program (an object file or a core dump)".into()));
    }
    let meta = fs::metadata(path).map_err(|error| Refusal::from_io(&error))?;
    // The bits mean nothing where they would not change who the process is: root's programs executed by root.
    let user = meta.mode() & 0o4000 != 0 && meta.uid() != geteuid().as_raw();
    let group = meta.mode() & 0o2010 == 0o2010 && meta.gid() != getegid().as_raw();
    if user || group {
        let kind = if user { "set-user-ID" } else { "set-group-ID" };
        return Err(Refusal::Never(format!(
            "{kind} programs of others are refused: a replica cannot get the rights that the kernel would give to it"
        )));
    }
    if let Some(interpreter) = interpreter_of(path, word(32), half(54), half(56)).map_err(|e| Refusal::from_io(&e))?
        && !interpreter.exists()
    {
        let text = format!("its program interpreter {} does not exist", interpreter.display());
        return Err(Refusal::Errno(libc::ENOENT, Some(text)));
    }
    Ok(())
}

/// Path in the PT_INTERP header, if there is one. `table` is the offset of the program headers.
fn interpreter_of(path: &Path, table: u64, entry_bytes: u16, entries: u16) -> io::Result<Option<PathBuf>> {
    const PT_INTERP: u32 = 3;
    let mut file = File::open(path)?;
    for index in 0..u64::from(entries) {
        let mut entry = [0u8; 56];
        file.seek(SeekFrom::Start(table.saturating_add(index * u64::from(entry_bytes))))?;
        if file.read_exact(&mut entry).is_err() {
            return Ok(None);
        }
        let word = |offset: usize| u64::from_le_bytes(entry[offset..offset + 8].try_into().unwrap_or_default());
        if u32::from_le_bytes(entry[..4].try_into().unwrap_or_default()) == PT_INTERP {
            let mut name = Vec::new();
            file.seek(SeekFrom::Start(word(8)))?;
            file.take(word(32).min(4096)).read_to_end(&mut name)?;
            name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
            return Ok(Some(PathBuf::from(OsString::from_vec(name))));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;

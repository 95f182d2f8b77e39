//! What can be seen of a run from outside, and how two runs are compared.

use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With an exit status.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// It was stopped, because its deadline had passed.
    Deadline,
}

impl Ended {
    /// From what `wait` says.
    pub fn from_status(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exit(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => unreachable!("wait reports only ended processes"),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::Signal(number) => match Signal::try_from(number) {
                Ok(signal) => write!(f, "signal {signal}"),
                Err(_) => write!(f, "signal {number}"),
            },
            Self::Deadline => f.write_str("deadline passed"),
        }
    }
}

/// One thing in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Kind and permission bits, as `-rw-r--r--` would say.
    pub mode: String,
    /// Content of a file, target of a link, empty for others.
    pub content: Vec<u8>,
}

/// Everything a run shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error without the lines of `rcb` itself.
    pub stderr: Vec<u8>,
    /// The lines of standard error that are `rcb`'s own.
    pub report: String,
    /// What is in the folder afterwards.
    pub files: BTreeMap<PathBuf, Entry>,
}

/// Divides standard error into the guest's bytes and the lines that start with `rcb: `.
pub fn split_stderr(stderr: &[u8]) -> (Vec<u8>, String) {
    let mut guest = Vec::new();
    let mut ours = String::new();
    for line in stderr.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b"rcb: ") {
            ours.push_str(&String::from_utf8_lossy(line));
        } else {
            guest.extend_from_slice(line);
        }
    }
    (guest, ours)
}

/// Lists a folder with everything below it.
pub fn snapshot(dir: &Path) -> io::Result<BTreeMap<PathBuf, Entry>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder)? {
            let path = item?.path();
            let meta = fs::symlink_metadata(&path)?;
            let kind = meta.file_type();
            let (letter, content) = if kind.is_dir() {
                folders.push(path.clone());
                ('d', Vec::new())
            } else if kind.is_symlink() {
                ('l', fs::read_link(&path)?.as_os_str().as_bytes().to_vec())
            } else if kind.is_file() {
                ('-', fs::read(&path)?)
            } else if kind.is_fifo() {
                ('p', Vec::new())
            } else {
                ('s', Vec::new())
            };
            let mode = format!("{letter}{:04o}", meta.permissions().mode() & 0o7777);
            let name = path.strip_prefix(dir).expect("what is below a folder starts with its path").to_path_buf();
            found.insert(name, Entry { mode, content });
        }
    }
    Ok(found)
}

/// The differences between what was expected and what was seen; empty if there are none.
pub fn differences(expected: &Outcome, seen: &Outcome, with_files: bool) -> String {
    let mut text = String::new();
    if expected.ended != seen.ended {
        let _ = writeln!(text, "  ended: expected {}, seen {}", expected.ended, seen.ended);
    }
    describe(&mut text, "stdout", &expected.stdout, &seen.stdout);
    describe(&mut text, "stderr", &expected.stderr, &seen.stderr);
    if with_files {
        for (name, entry) in &expected.files {
            match seen.files.get(name) {
                None => {
                    let _ = writeln!(text, "  file {}: not there", name.display());
                }
                Some(other) => {
                    if entry.mode != other.mode {
                        let _ =
                            writeln!(text, "  file {}: expected {}, seen {}", name.display(), entry.mode, other.mode);
                    }
                    describe(&mut text, &format!("file {}", name.display()), &entry.content, &other.content);
                }
            }
        }
        for name in seen.files.keys().filter(|name| !expected.files.contains_key(*name)) {
            let _ = writeln!(text, "  file {}: not expected", name.display());
        }
    }
    text
}

/// Names the first line that differs.
fn describe(text: &mut String, what: &str, expected: &[u8], seen: &[u8]) {
    if expected == seen {
        return;
    }
    let at = expected.iter().zip(seen).take_while(|(a, b)| a == b).count();
    let line = expected[..at].split(|&b| b == b'\n').count();
    let start = expected[..at].iter().rposition(|&b| b == b'\n').map_or(0, |p| p + 1);
    let _ = writeln!(
        text,
        "  {what}: {} and {} bytes differ from byte {at}, line {line}:\n    expected {:?}\n    seen     {:?}",
        expected.len(),
        seen.len(),
        line_at(expected, start),
        line_at(seen, start),
    );
}

/// The line that starts at `start`, shortened to what a person reads.
fn line_at(bytes: &[u8], start: usize) -> String {
    let rest = bytes.get(start..).unwrap_or_default();
    let end = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len()).min(160);
    String::from_utf8_lossy(&rest[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::split_stderr;

    #[test]
    fn lines_of_the_runtime_are_taken_out() {
        let (guest, ours) = split_stderr(b"one\nrcb: two\nthree rcb: \nfour");
        assert_eq!(guest, b"one\nthree rcb: \nfour");
        assert_eq!(ours, "rcb: two\n");
    }
}

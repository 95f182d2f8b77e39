//! The file that a process has mapped at an address.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Opens the file behind a mapping: by the mapping itself where the kernel lets us (with privileges), else by its path.
/// A path may lead to another file meanwhile, so the caller has to look at what it got.
pub fn open(pid: u32, addr: u64) -> Option<File> {
    let maps = std::fs::read(format!("/proc/{pid}/maps")).ok()?;
    let (range, path) = maps.split(|&byte| byte == b'\n').find_map(|line| mapping(line, addr))?;
    let by_range = File::open(format!("/proc/{pid}/map_files/{range}"));
    // Whatever lies at the path now, opening it must neither wait nor act.
    by_range.or_else(|_| OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)).ok()
}

/// Range and path in a line of `maps`, if the address lies in it and a file is mapped there.
fn mapping(line: &[u8], addr: u64) -> Option<(&str, PathBuf)> {
    // start-end permissions offset device inode, blanks, path; a newline in the path stands as \012.
    let range = std::str::from_utf8(line.split(|&byte| byte == b' ').next()?).ok()?;
    let (start, end) = range.split_once('-')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    if !(number(start)?..number(end)?).contains(&addr) {
        return None;
    }
    let path = &line[line.iter().position(|&byte| byte == b'/')?..];
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let newline = rest.starts_with(b"\\012");
        plain.push(if newline { b'\n' } else { byte });
        rest = if newline { &rest[4..] } else { after };
    }
    Some((range, PathBuf::from(OsString::from_vec(plain))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn lines_of_maps() {
        let line = b"7f10-7f20 r-xp 00001000 fe:00 12                   /usr/lib/a b\\012c.so";
        assert_eq!(mapping(line, 0x7f1f), Some(("7f10-7f20", PathBuf::from("/usr/lib/a b\nc.so"))));
        assert_eq!(mapping(line, 0x7f20), None);
        assert_eq!(mapping(b"7f10-7f20 rw-p 00000000 00:00 0 ", 0x7f10), None);
        assert_eq!(mapping(b"7f10-7f20 rw-p 00000000 00:00 0                  [heap]", 0x7f10), None);
        assert_eq!(mapping(b"", 0), None);
    }

    #[test]
    fn finds_its_own_program() {
        let file = open(std::process::id(), finds_its_own_program as *const () as u64).expect("this test is a file");
        let own = std::env::current_exe().expect("known").metadata().expect("there");
        let found = file.metadata().expect("open");
        assert_eq!((found.dev(), found.ino()), (own.dev(), own.ino()));
        assert!(open(std::process::id(), 0).is_none());
    }
}

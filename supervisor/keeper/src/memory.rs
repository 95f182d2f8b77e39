//! Memory of a replica, read from outside while it stands still.

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use std::io::IoSliceMut;

/// Most bytes read at once; nothing that is shown to people is longer.
const MOST: usize = 64 * 1024;

/// As much as can be read from an address on, at most `bytes`.
pub fn read(pid: u32, address: u64, bytes: usize) -> Vec<u8> {
    let bytes = bytes.min(MOST);
    let mut buffer = vec![0; bytes];
    let remote = [RemoteIoVec { base: address as usize, len: bytes }];
    let got = process_vm_readv(Pid::from_raw(pid as i32), &mut [IoSliceMut::new(&mut buffer)], &remote).unwrap_or(0);
    buffer.truncate(got);
    buffer
}

/// Exactly that many bytes or none.
pub fn read_all(pid: u32, address: u64, bytes: usize) -> Option<Vec<u8>> {
    Some(read(pid, address, bytes)).filter(|got| got.len() == bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_memory() {
        let text = *b"some bytes";
        assert_eq!(read_all(std::process::id(), text.as_ptr() as u64, text.len()).as_deref(), Some(&text[..]));
        assert_eq!(read_all(std::process::id(), 0, 1), None);
        assert!(read(std::process::id(), u64::MAX - 8, 4).is_empty());
    }
}

//! Claims about guest memory, and the only code that reads or writes it. Every function survives a bad address.
#![allow(unsafe_code, reason = "copies between agent buffers and guest addresses")]

use rcb_sys::digest::blocks as digest_blocks;
use rcb_sys::guest::copy;
use rcb_vote::digest;

/// A guest address that does not carry the bytes asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAddress;

/// First address no user mapping can have.
const USER_END: u64 = 0x7fff_ffff_f000;

/// Whether a range lies in user space and outside the agent. The kernel would answer EFAULT or the guest would read
/// or overwrite the agent otherwise.
#[inline]
fn claimable(addr: u64, bytes: usize) -> bool {
    let Some(end) = addr.checked_add(bytes as u64) else { return false };
    end <= USER_END && (end <= rcb_abi::AGENT_START || addr >= rcb_abi::AGENT_END)
}

/// Most bytes of arguments and environment that are compared.
const WORDS_MOST: u64 = 4 << 20;

/// Digest of what the kernel has put on the stack above the first stack pointer of a program: arguments, environment,
/// auxiliary vector. They are rarely used before another program is given them.
pub fn words(first_sp: u64) -> u64 {
    digest(first_sp, USER_END.saturating_sub(first_sp).min(WORDS_MOST) as usize)
}

/// Reads guest memory into a buffer.
#[inline]
pub fn read(addr: u64, to: &mut [u8]) -> Result<(), BadAddress> {
    if !claimable(addr, to.len()) {
        return Err(BadAddress);
    }
    // SAFETY: `to` is exclusive, the guest range is outside the agent.
    if unsafe { copy(to.as_mut_ptr() as u64, addr, to.len()) } == 0 { Ok(()) } else { Err(BadAddress) }
}

/// Writes a buffer into guest memory.
#[inline]
pub fn write(addr: u64, from: &[u8]) -> Result<(), BadAddress> {
    if !claimable(addr, from.len()) {
        return Err(BadAddress);
    }
    // SAFETY: `from` is valid, the guest range is outside the agent.
    if unsafe { copy(addr, from.as_ptr() as u64, from.len()) } == 0 { Ok(()) } else { Err(BadAddress) }
}

/// How many of the `bytes` at an address come before the first that cannot be read.
pub fn readable(addr: u64, bytes: usize) -> usize {
    let mut done = 0;
    while done < bytes {
        let at = addr.wrapping_add(done as u64);
        if read(at, &mut [0u8; 1]).is_err() {
            return done;
        }
        done += 4096 - (at & 4095) as usize;
    }
    bytes
}

/// Reads a plain value.
#[inline]
pub fn get<T: Plain>(addr: u64) -> Result<T, BadAddress> {
    let mut value = T::default();
    // SAFETY: `Plain` types have no padding that matters and accept any bits.
    let raw = unsafe { core::slice::from_raw_parts_mut((&raw mut value).cast::<u8>(), size_of::<T>()) };
    read(addr, raw)?;
    Ok(value)
}

/// Writes a plain value.
#[inline]
pub fn put<T: Plain>(addr: u64, value: &T) -> Result<(), BadAddress> {
    // SAFETY: as in `get`.
    let raw = unsafe { core::slice::from_raw_parts((&raw const *value).cast::<u8>(), size_of::<T>()) };
    write(addr, raw)
}

/// Types whose every bit pattern is a value.
///
/// # Safety
/// The type must be plain data without invalid bit patterns.
pub unsafe trait Plain: Default {}
// SAFETY: integers and structures of integers.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for [u64; 2] {}
// SAFETY: integers accept any bits.
unsafe impl Plain for [u64; 18] {}
// SAFETY: as above.
unsafe impl Plain for [u32; 2] {}
// SAFETY: as above.
unsafe impl Plain for rcb_sys::types::IoVec {}
// SAFETY: as above.
unsafe impl Plain for rcb_sys::types::MsgHdr {}
// SAFETY: as above.
unsafe impl Plain for rcb_sys::types::Stack {}
// SAFETY: as above.
unsafe impl Plain for rcb_sys::types::SigInfo {}
// SAFETY: as above.
unsafe impl Plain for rcb_sys::types::SigAction {}

/// Reads a NUL-terminated string; returns its length with the NUL, or `None` when it is longer than the buffer.
pub fn string(addr: u64, to: &mut [u8]) -> Result<Option<usize>, BadAddress> {
    let mut done = 0;
    while done < to.len() {
        let at = addr.wrapping_add(done as u64);
        let page_rest = 4096 - (at & 4095) as usize;
        let chunk = page_rest.min(64).min(to.len() - done);
        read(at, &mut to[done..done + chunk])?;
        if let Some(i) = to[done..done + chunk].iter().position(|b| *b == 0) {
            return Ok(Some(done + i + 1));
        }
        done += chunk;
    }
    Ok(None)
}

/// Digest of guest memory. Where it cannot be read the digest ends, with every byte before that place and with how many
/// were asked for: the kernel moves what can be read, so all of that must be the same.
pub fn digest(addr: u64, bytes: usize) -> u64 {
    let mut lanes = digest::LANES;
    let blocks = bytes / 64;
    let mut rest = bytes % 64;
    let mut at = addr.wrapping_add(blocks as u64 * 64);
    if blocks > 0 {
        if !claimable(addr, blocks * 64) {
            return digest::finish(&lanes, u64::MAX);
        }
        // SAFETY: lanes are a local; the address may fault.
        let left = unsafe { digest_blocks(addr, blocks, &mut lanes, crate::shared::wide_digest()) };
        at -= left as u64 * 64;
        rest += left * 64;
    }
    // Less than a block is left, or the block (or pair of blocks) that could not be read whole and all behind it.
    while rest > 0 {
        let mut padded = [0u8; 64];
        let wanted = rest.min(64);
        let got = prefix(at, &mut padded[..wanted]);
        digest::block(&mut lanes, &padded);
        if got < wanted {
            return digest::finish(&lanes, u64::MAX ^ (rest - got) as u64);
        }
        at = at.wrapping_add(64);
        rest -= wanted;
    }
    digest::finish(&lanes, bytes as u64)
}

/// Reads guest memory up to the first byte that cannot be read; returns how many bytes that were.
fn prefix(addr: u64, to: &mut [u8]) -> usize {
    if !claimable(addr, to.len()) {
        return 0;
    }
    // SAFETY: as in `read`.
    to.len() - unsafe { copy(to.as_mut_ptr() as u64, addr, to.len()) }
}

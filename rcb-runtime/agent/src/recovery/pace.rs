//! A write into a pipe, so that the kernel takes the bytes at once. It would take them out of the guest's memory for as long
//! as the pipe is full, and if a bit flips there meanwhile, nobody can tell whether wrong bytes have left.
//!
//! So the pipe's room is waited for first, what has been compared is looked at again, and then no more is written than fits:
//! up to a page, which `poll` vouches for. What the guest sees is what it would see of a write that was interrupted or
//! that found no room.
#![allow(unsafe_code, reason = "performs a write of the guest piece by piece")]

use crate::call::Call;
use core::cmp::min;
use rcb_sys::errno::{EINTR, fail};
use rcb_sys::{nr, syscall};

/// What a pipe that `poll` calls writable has room for.
const PIECE: u64 = 4096;
const POLLOUT: u64 = 4;
const O_NONBLOCK: i64 = 0o4000;
const F_GETFL: u64 = 3;
const S_IFMT: u32 = 0o170_000;
const S_IFIFO: u32 = 0o010_000;

/// Whether this is such a write.
#[inline]
pub fn is_meant(call: &Call) -> bool {
    call.nr == nr::WRITE && call.args[2] > 0 && super::account::mode(call.args[0]) & S_IFMT == S_IFIFO
}

/// Performs it; `look` is called behind each time of waiting.
pub fn write([fd, from, bytes, ..]: [u64; 6], mut look: impl FnMut()) -> i64 {
    let mut done = 0;
    while done < bytes {
        if !is_writable(fd, 0) {
            // SAFETY: asks.
            let flags = unsafe { syscall!(nr::FCNTL, fd, F_GETFL, 0, 0, 0, 0) };
            if flags & O_NONBLOCK == 0 {
                if !is_writable(fd, u64::MAX) {
                    return if done > 0 { done as i64 } else { fail(EINTR) };
                }
                look();
            }
        }
        let piece = min(bytes - done, PIECE);
        // SAFETY: the guest's own call on the guest's own memory, a part of it.
        let result = unsafe { rcb_sys::raw::interruptible(nr::WRITE, [fd, from + done, piece, 0, 0, 0]) };
        if result < 0 {
            return if done > 0 { done as i64 } else { result };
        }
        done += result as u64;
        if (result as u64) < piece {
            break;
        }
    }
    done as i64
}

/// Waits until a descriptor can be written to, for so many milliseconds; all ones: until a signal comes.
fn is_writable(fd: u64, wait: u64) -> bool {
    let mut poll = fd & 0xffff_ffff | POLLOUT << 32;
    // SAFETY: looks at and writes a local.
    unsafe { rcb_sys::raw::interruptible(nr::POLL, [&raw mut poll as u64, 1, wait, 0, 0, 0]) > 0 }
}

//! What became of a call that the leader had begun when it was lost.
//!
//! The kernel counts the bytes that a process has read and written (`/proc/PID/io`), and the counts outlive the process
//! until it is reaped. The leader keeps the same account of the results that it has seen, so what the kernel has counted
//! beyond it belongs to the call in question: nothing means that the call was not performed.
#![allow(unsafe_code, reason = "reads the process's own account, moves a file position back")]

use super::refuse;
use crate::call::Call;
use crate::descriptors;
use crate::load::elf;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::Relaxed;
use rcb_abi::fault::heal_site;
use rcb_abi::segment::Segment;
use rcb_sys::types::Stat;
use rcb_sys::{nr, syscall};
use rcb_syscalls::spec::Class;

const SEEK_CUR: u64 = 1;
/// In an account: the kernel does not tell.
pub const UNKNOWN: u64 = u64::MAX;

/// read, pread64, readv, sendfile, preadv, copy_file_range, preadv2.
const fn reads(nr: u32) -> bool {
    matches!(nr, 0 | 17 | 19 | 40 | 295 | 326 | 327)
}

/// write, pwrite64, writev, sendfile, pwritev, copy_file_range, pwritev2.
const fn writes(nr: u32) -> bool {
    matches!(nr, 1 | 18 | 20 | 40 | 296 | 326 | 328)
}

/// Calls that only wait: poll, select, pause, nanosleep, wait4, rt_sigtimedwait, rt_sigsuspend, futex, epoll_wait,
/// clock_nanosleep, waitid, pselect6, ppoll, epoll_pwait, epoll_pwait2; and accept, accept4: a connection accepted by
/// a lost process is closed with it, as that of a lost server.
const fn waits(nr: u32) -> bool {
    matches!(nr, 7 | 23 | 34 | 35 | 43 | 61 | 128 | 130 | 202 | 230 | 232 | 247 | 270 | 271 | 281 | 288 | 441)
}

/// Whether a call that could run ahead has to meet all the same: it moves a position, and a successor of the leader
/// could not tell how far (read, readv, getdents, getdents64, preadv2).
#[inline]
pub const fn meets(st: &State, nr: u32) -> bool {
    st.heals && matches!(nr, 0 | 19 | 78 | 217 | 327)
}

/// The call as it is performed: what is sent to a connected socket or received without further words goes as a write or a
/// read, which is the same and is counted.
#[inline]
pub fn performed_as(nr: u32, args: [u64; 6]) -> (u32, [u64; 6]) {
    let counted = counted_as(nr, &args);
    if counted != nr && heals() && is_socket(args[0]) {
        (counted, [args[0], args[1], args[2], 0, 0, 0])
    } else {
        (nr, args)
    }
}

/// The number under which a call with a result is counted.
#[inline]
fn counted_as(nr: u32, args: &[u64; 6]) -> u32 {
    const MSG_NOSIGNAL: u64 = 0x4000;
    let [_, _, bytes, flags, address, _] = *args;
    let is_plain = bytes > 0 && address == 0;
    match nr {
        44 if is_plain && flags & !MSG_NOSIGNAL == 0 => nr::WRITE,
        45 if is_plain && flags == 0 => nr::READ,
        other => other,
    }
}

fn heals() -> bool {
    shared::control().replicas > 2 || shared::control().checkpoints != 0
}

/// What is no socket has to be told so: a write would be done.
fn is_socket(fd: u64) -> bool {
    mode(fd) & 0o170_000 == 0o140_000
}

/// Kind and rights of what is open; 0 for nothing.
pub(super) fn mode(fd: u64) -> u32 {
    let mut stat = Stat::default();
    // SAFETY: writes a local.
    unsafe { syscall!(nr::FSTAT, fd, &raw mut stat, 0, 0, 0, 0) };
    stat.mode
}

/// Enters a result that this process has seen.
#[inline]
pub fn account(st: &State, nr: u32, args: &[u64; 6], result: i64) {
    let nr = counted_as(nr, args);
    if st.heals && result > 0 && (reads(nr) || writes(nr)) {
        let moved = &shared::own().moved;
        if reads(nr) {
            add(&moved.read, result as u64);
        }
        if writes(nr) {
            add(&moved.written, result as u64);
        }
    }
}

fn add(count: &core::sync::atomic::AtomicU64, bytes: u64) {
    if count.load(Relaxed) != UNKNOWN {
        count.fetch_add(bytes, Relaxed);
    }
}

/// Enters bytes that the agent itself has written.
pub fn wrote(bytes: u64) {
    add(&shared::own().moved.written, bytes);
}

/// The same for bytes that it has read.
pub fn read(bytes: u64) {
    add(&shared::own().moved.read, bytes);
}

/// A new process has an account of zeros, if the kernel keeps one (`before` is a count of its origin).
pub fn start(own: &Segment, before: u64) {
    let zero = if before == UNKNOWN { UNKNOWN } else { 0 };
    own.moved.read.store(zero, Relaxed);
    own.moved.written.store(zero, Relaxed);
}

/// Takes over the kernel's account, at the start of a program: loading it has read files.
pub fn snapshot(st: &State) {
    let moved = &shared::own().moved;
    let mut text = [0u8; 256];
    let mut length = 0;
    if st.heals
        && let Ok(fd) = elf::open(c"/proc/self/io".as_ptr() as u64)
    {
        // SAFETY: reads into a local.
        let got = unsafe { syscall!(nr::READ, fd, text.as_mut_ptr(), text.len(), 0, 0, 0) };
        length = got.max(0) as usize;
        // SAFETY: closes what was opened above.
        unsafe { syscall!(nr::CLOSE, fd, 0, 0, 0, 0, 0) };
    }
    let number = |name: &[u8]| {
        let at = text[..length].windows(name.len()).position(|window| window == name)? + name.len();
        let digits = text[at..length].iter().take_while(|digit| digit.is_ascii_digit());
        Some(digits.fold(0u64, |value, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))))
    };
    // The reading itself is counted, too, once it is over.
    moved.read.store(number(b"rchar: ").map_or(UNKNOWN, |read| read + length as u64), Relaxed);
    moved.written.store(number(b"wchar: ").unwrap_or(UNKNOWN), Relaxed);
}

/// New leader: what became of this call if the former leader had begun it. `None`: it is to be performed.
#[inline]
pub fn settled(st: &mut State, call: &Call) -> Option<i64> {
    if st.begun == st.seq { settle(st, call) } else { None }
}

#[cold]
fn settle(st: &mut State, call: &Call) -> Option<i64> {
    st.begun = 0;
    let order = &shared::control().heal;
    let (written, read) = (order.written.load(Relaxed), order.read.load(Relaxed));
    let unknown = || refuse(st, heal_site::BEGUN, u64::from(call.nr));
    let number = counted_as(call.nr, &call.args);
    if writes(number) && read == 0 && written != UNKNOWN {
        return (written > 0).then_some(written as i64);
    }
    if reads(number) && !writes(number) && written == 0 {
        // A read at a position of its own can be repeated.
        let positioned = matches!(call.nr, 17 | 295) || (call.nr == 327 && call.args[3] as i64 != -1);
        if read == 0 || positioned {
            return None;
        }
        if read == UNKNOWN {
            unknown();
        }
        // SAFETY: moves the position of the guest's file back to where the lost read began; fails on what has none.
        let back = unsafe { syscall!(nr::LSEEK, call.args[0], read.wrapping_neg(), SEEK_CUR, 0, 0, 0) };
        if back < 0 {
            unknown();
        }
        return None;
    }
    if st.checkpoints && makes_again(call) {
        descriptors::close_strays(st);
    }
    if matches!(call.row.class, Class::PureInput) || waits(call.nr) || makes_again(call) {
        return None;
    }
    unknown()
}

/// Calls that make a descriptor, which is gone with the lost process; a file that had to be new is not.
fn makes_again(call: &Call) -> bool {
    const O_EXCL: u64 = 0o200;
    let flags = match call.nr {
        2 => call.args[1],
        257 => call.args[2],
        437 => crate::guest::get::<u64>(call.args[2]).unwrap_or(O_EXCL),
        _ => 0,
    };
    matches!(call.row.class, Class::Descriptor) && flags & O_EXCL == 0
}

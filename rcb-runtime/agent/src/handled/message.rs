//! recvmsg, recvmmsg: what arrives must fit into the payload ring, so a larger buffer is offered to the kernel only in
//! part. A stream may always give less than the buffer holds.
//!
//! LIMIT: a datagram larger than that (UNIX sockets allow some 200 KiB) is cut off, with MSG_TRUNC set.

use crate::call::{Call, each};
use crate::guest;
use crate::state::{State, scratch};
use rcb_abi::segment::PAYLOAD_MAX;
use rcb_sys::errno::{EFAULT, fail};
use rcb_sys::nr;
use rcb_sys::types::{IoVec, MsgHdr};

/// Bytes of a `struct mmsghdr`.
const MMSGHDR: u64 = 64;
/// Most elements of an iovec array.
const IOV_MAX: u64 = 1024;

/// Performs the call at the leader.
pub fn receive(st: &State, call: &Call, args: &[u64; 6]) -> i64 {
    if st.n == 1 {
        return each(call.nr, *args);
    }
    if call.nr != nr::RECVMSG {
        return several(call, *args);
    }
    let Ok(head) = guest::get::<MsgHdr>(args[1]) else { return each(call.nr, *args) };
    if room(&head) <= PAYLOAD_MAX as u64 {
        return each(call.nr, *args);
    }
    shortened(call, *args, head)
}

/// Bytes that the data buffers of a message hold.
fn room(head: &MsgHdr) -> u64 {
    (0..head.iovlen.min(IOV_MAX))
        .map(|k| guest::get::<IoVec>(head.iov + 16 * k).map_or(0, |part| part.len))
        .fold(0, u64::saturating_add)
}

/// recvmsg with a copy of the head whose buffers are cut off; the kernel's answers are written back.
fn shortened(call: &Call, mut args: [u64; 6], head: MsgHdr) -> i64 {
    let words = &mut scratch().words;
    let mut left = PAYLOAD_MAX as u64;
    let parts = head.iovlen.min(IOV_MAX - 4);
    for k in 0..parts as usize {
        let Ok(part) = guest::get::<IoVec>(head.iov + 16 * k as u64) else { return fail(EFAULT) };
        let bytes = part.len.min(left);
        left -= bytes;
        words[8 + 2 * k] = part.base;
        words[8 + 2 * k + 1] = bytes;
    }
    let iov = words[8..].as_ptr() as u64;
    words[..7].copy_from_slice(&[head.name, head.namelen, iov, parts, head.control, head.controllen, head.flags]);
    let at = args[1];
    args[1] = words.as_ptr() as u64;
    let result = each(call.nr, args);
    if result >= 0 {
        let words = &scratch().words;
        let back = MsgHdr { namelen: words[1], controllen: words[5], flags: words[6], ..head };
        if guest::put(at, &back).is_err() {
            return fail(EFAULT);
        }
    }
    result
}

/// recvmmsg: asks for as many messages as are sure to fit.
fn several(call: &Call, mut args: [u64; 6]) -> i64 {
    let mut total = 0u64;
    let wanted = args[2] & 0xffff_ffff;
    for k in 0..wanted.min(IOV_MAX) {
        let Ok(head) = guest::get::<MsgHdr>(args[1] + MMSGHDR * k) else { break };
        total = total.saturating_add(room(&head)).saturating_add(head.controllen);
        if total > PAYLOAD_MAX as u64 && k > 0 {
            args[2] = k;
            break;
        }
    }
    each(call.nr, args)
}

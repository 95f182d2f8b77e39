//! How far a call has written that met a bad address on its way. The kernel copies until it faults: what is in front of
//! that place is filled although the result says EFAULT, or counts only whole pieces (the buffers of a pipe, the entries of a
//! directory). Nobody but the leader has these bytes; they are delivered, too.
//!
//! LIMIT: memory that can be read and not written is taken for good where the call had some success. After EFAULT the whole
//! readable part of a buffer is delivered, so that a flipped bit in what the kernel left alone is copied instead of found.

use crate::guest;
use rcb_abi::segment::PAYLOAD_MAX;
use rcb_sys::errno::{EFAULT, fail};
use rcb_sys::types::IoVec;

/// Whether a call with this result may have written outputs all the same.
#[inline]
pub const fn stumbled(result: i64) -> bool {
    result == fail(EFAULT)
}

/// Bytes written to a buffer that the result counts `counted` of: more only if a bad address follows.
#[inline]
pub fn buffer(at: u64, counted: usize, room: usize) -> usize {
    let room = room.min(PAYLOAD_MAX);
    if counted >= room {
        return counted;
    }
    let good = counted + guest::readable(at.wrapping_add(counted as u64), room - counted);
    if good < room { good } else { counted }
}

/// The same for the parts of a vector.
pub fn vector(at: u64, count: u64, result: i64) -> u64 {
    let counted = if result < 0 { 0 } else { result as u64 };
    let mut total = 0u64;
    for k in 0..count {
        let room = PAYLOAD_MAX as u64 - total.min(PAYLOAD_MAX as u64);
        let Ok(part) = guest::get::<IoVec>(at + 16 * k) else { return total.max(counted) };
        let bytes = part.len.min(room);
        let known = counted.saturating_sub(total).min(bytes);
        let good = known + guest::readable(part.base.wrapping_add(known), (bytes - known) as usize) as u64;
        total += good;
        if good < bytes {
            return total.max(counted);
        }
        if bytes < part.len {
            break;
        }
    }
    if stumbled(result) { total } else { counted }
}

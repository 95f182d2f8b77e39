//! Affinity and CPU numbers: the runtime owns placement, so the guest sees and sets a recorded mask only. Otherwise
//! every program would find one CPU, and the replicas different ones.

use crate::call::{Answer, Call, each, once};
use crate::guest;
use crate::handled::identity;
use crate::shared;
use crate::state::State;
use rcb_sys::errno::{EFAULT, EINVAL, is_error};
use rcb_sys::nr;

/// sched_setaffinity, sched_getaffinity, getcpu.
pub fn affinity(st: &mut State, call: &Call) -> Answer {
    if call.nr == nr::GETCPU {
        return getcpu(call);
    }
    let pid = i64::from(call.args[0] as i32);
    if pid != 0 && pid != identity::pid() {
        return once(st, call, call.nr == nr::SCHED_SETAFFINITY, |_, args| each(call.nr, *args));
    }
    if call.nr == nr::SCHED_GETAFFINITY { get(call) } else { set(call) }
}

fn get(call: &Call) -> Answer {
    // The kernel knows how many bytes a mask has here; the contents are ours.
    let result = each(call.nr, [0, call.args[1], call.args[2], 0, 0, 0]);
    if is_error(result) {
        return Answer::local(result);
    }
    let mask = &shared::own().carry.affinity;
    for (i, word) in mask.iter().enumerate().take(result as usize / 8) {
        if guest::put(call.args[2] + 8 * i as u64, word).is_err() {
            return Answer::error(EFAULT);
        }
    }
    Answer::local(result)
}

fn set(call: &Call) -> Answer {
    let mut mask = [0u64; 16];
    let bytes = (call.args[1] & 0xffff_ffff).min(128) as usize;
    let mut raw = [0u8; 128];
    if guest::read(call.args[2], &mut raw[..bytes]).is_err() {
        return Answer::error(EFAULT);
    }
    let allowed = &shared::control().affinity;
    for (i, word) in mask.iter_mut().enumerate() {
        let mut one = [0; 8];
        one.copy_from_slice(&raw[i * 8..i * 8 + 8]);
        *word = u64::from_le_bytes(one) & allowed[i];
    }
    if mask == [0; 16] {
        return Answer::error(EINVAL);
    }
    shared::own().carry.affinity = mask;
    Answer::local(0)
}

/// The first CPU of the recorded mask, on node 0.
fn getcpu(call: &Call) -> Answer {
    let mask = &shared::own().carry.affinity;
    let first = mask.iter().enumerate().find(|(_, w)| **w != 0).map_or(0, |(i, w)| i as u32 * 64 + w.trailing_zeros());
    for (at, value) in [(call.args[0], first), (call.args[1], 0)] {
        if at != 0 && guest::put(at, &value).is_err() {
            return Answer::error(EFAULT);
        }
    }
    Answer::local(0)
}

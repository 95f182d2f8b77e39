//! setpgid and setsid. The leader's process stands in the groups and sessions that others see; the followers join its
//! process groups, so that a signal to stop or continue all reaches them, too.
//!
//! The kernel lets a process move only itself and its own children, and the replicas of a child are children of the
//! supervisor: it moves them on petition.

use crate::arrivals;
use crate::call::{Answer, Call, each, once};
use crate::handled::identity;
use crate::handled::petition;
use crate::recovery::checkpoint;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::Relaxed;
use rcb_abi::segment::petition::SET_GROUP;
use rcb_sys::errno::is_error;

const SETSID: u32 = 112;
const SETPGID: u32 = 109;

/// The calls.
pub fn job_control(st: &mut State, call: &Call) -> Answer {
    if call.nr == SETSID {
        let answer = once(st, call, true, |_, _| each(SETSID, [0; 6]));
        if !st.leads() && !is_error(answer.result) {
            // A session of its own: there is no way into that of the leader.
            each(SETSID, [0; 6]);
        }
        if !is_error(answer.result) {
            arrivals::session_made(st);
            checkpoint::leave(st);
        }
        return answer;
    }
    let [pid, group, ..] = call.args;
    let itself = pid as i32 == 0 || i64::from(pid as i32) == identity::pid();
    if !itself {
        return once(st, call, true, |st, _| {
            petition::ask(st, SET_GROUP, pid as i32, if group as i32 == 0 { pid as i32 } else { group as i32 })
        });
    }
    let own = group as i32 == 0 || i64::from(group as i32) == identity::pid();
    let answer = once(st, call, true, |_, _| each(SETPGID, [0, if own { 0 } else { group }, 0, 0, 0, 0]));
    if !st.leads() && !is_error(answer.result) {
        let group = if own { u64::from(shared::peer(st.leader).pid.load(Relaxed)) } else { group };
        each(SETPGID, [0, group, 0, 0, 0, 0]);
    }
    // A copy from before would stand in another group.
    checkpoint::leave(st);
    answer
}

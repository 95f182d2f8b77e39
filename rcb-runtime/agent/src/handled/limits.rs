//! Resource limits: those of every replica alike, but for two.
//!
//! CPU time: the kernel acts on a limit when a process has used it up, which no two replicas have at the same moment.
//! The leader's process alone has the limit; its SIGXCPU comes as any signal from outside, and of its end by SIGKILL the
//! supervisor knows the reason.
//!
//! Descriptors: the agent's own lie above what a guest may allow itself, so the hard limit that the guest sets is
//! recorded and the kernel's stays.
//!
//! Address space: likewise, and the kernel's soft limit leaves room for what the agent has mapped.
#![allow(unsafe_code, reason = "asks for capabilities")]

use crate::call::{Answer, Call, each, once};
use crate::guest;
use crate::handled::identity;
use crate::load::layout;
use crate::shared;
use crate::state::State;
use rcb_abi::MAX_GROUPS;
use rcb_abi::control::Control;
use rcb_abi::plan::PlanArea;
use rcb_abi::segment::Segment;
use rcb_sys::errno::{EFAULT, EINVAL, EPERM, is_error};
use rcb_sys::{nr, syscall};

const GETRLIMIT: u32 = 97;
const RLIMIT_CPU: u32 = 0;
const RLIMIT_NOFILE: u32 = 7;
const RLIMIT_AS: u32 = 9;
const INFINITY: u64 = u64::MAX;
/// What the agent maps beside control pages, plans and segments: its image and the trampolines.
const OWN_IMAGE: u64 = 2 << 20;

/// getrlimit, setrlimit, prlimit64; other processes' by the leader.
pub fn rlimit(st: &mut State, call: &Call) -> Answer {
    let [first, second, third, fourth, ..] = call.args;
    let (pid, which, new, old) = match call.nr {
        nr::PRLIMIT64 => (first as i32, second as u32, third, fourth),
        GETRLIMIT => (0, first as u32, 0, second),
        _ => (0, first as u32, second, 0),
    };
    if pid != 0 && i64::from(pid) != identity::pid() {
        return once(st, call, true, |_, args| each(call.nr, *args));
    }
    // The older calls know no null pointer.
    if (call.nr == GETRLIMIT && old == 0) || (call.nr == nr::SETRLIMIT && new == 0) {
        return Answer::local(each(call.nr, call.args));
    }
    let given = |at: u64| (at != 0).then_some(at);
    if let Some(result) = layout::limit(st, which, given(new), given(old)) {
        return Answer::local(result);
    }
    match which {
        RLIMIT_CPU => once(st, call, true, |_, args| each(call.nr, *args)),
        RLIMIT_NOFILE | RLIMIT_AS => recorded(st, which, new, old),
        _ => Answer::local(each(nr::PRLIMIT64, [0, u64::from(which), new, old, 0, 0])),
    }
}

/// A limit whose hard part is recorded.
fn recorded(st: &State, which: u32, new: u64, old: u64) -> Answer {
    let mut before = [0u64; 2];
    each(nr::PRLIMIT64, [0, u64::from(which), 0, &raw mut before as u64, 0, 0]);
    let [mut soft, kernel_hard] = before;
    let carry = &mut shared::own().carry;
    let of_space = which == RLIMIT_AS;
    let recorded = if of_space { &mut carry.space_hard } else { &mut carry.nofile_hard };
    let hidden = if of_space { layout::reserved(st) } else { 0 };
    let visible = if kernel_hard == INFINITY { INFINITY } else { kernel_hard.saturating_sub(hidden) };
    let hard = if *recorded == 0 { visible } else { *recorded };
    if of_space && soft != INFINITY {
        soft = soft.saturating_sub(carry.space_extra.max(hidden));
    }
    if new != 0 {
        let Ok([wanted_soft, wanted_hard]) = guest::get::<[u64; 2]>(new) else { return Answer::error(EFAULT) };
        if wanted_soft > wanted_hard {
            return Answer::error(EINVAL);
        }
        if wanted_hard > hard && !may_raise() {
            return Answer::error(EPERM);
        }
        let top = wanted_hard.saturating_add(hidden).max(kernel_hard);
        let is_finite = of_space && wanted_soft != INFINITY;
        let extra = if is_finite { (room(st) + hidden).min(top.saturating_sub(wanted_soft)) } else { 0 };
        let real = [wanted_soft.saturating_add(extra), top];
        let result = each(nr::PRLIMIT64, [0, u64::from(which), &raw const real as u64, 0, 0, 0]);
        if is_error(result) {
            return Answer::local(result);
        }
        *recorded = if wanted_hard < visible { wanted_hard } else { 0 };
        if of_space {
            carry.space_extra = extra;
        }
    }
    if old != 0 && guest::put(old, &[soft, hard]).is_err() { Answer::error(EFAULT) } else { Answer::local(0) }
}

/// Bytes that the agent has mapped.
fn room(st: &State) -> u64 {
    let areas = size_of::<PlanArea>() + MAX_GROUPS * size_of::<Control>() + st.n * size_of::<Segment>();
    areas as u64 + OWN_IMAGE
}

/// Maps memory of the agent in a process that may be beyond the limit which the guest has set.
pub fn with_space<T>(work: impl FnOnce() -> T) -> T {
    if shared::own().carry.space_extra == 0 {
        return work();
    }
    let mut limit = [0u64; 2];
    each(nr::PRLIMIT64, [0, u64::from(RLIMIT_AS), 0, &raw mut limit as u64, 0, 0]);
    let raised = [limit[1]; 2];
    each(nr::PRLIMIT64, [0, u64::from(RLIMIT_AS), &raw const raised as u64, 0, 0, 0]);
    let outcome = work();
    each(nr::PRLIMIT64, [0, u64::from(RLIMIT_AS), &raw const limit as u64, 0, 0, 0]);
    outcome
}

/// Whether the process has CAP_SYS_RESOURCE.
fn may_raise() -> bool {
    const VERSION: u64 = 0x2008_0522;
    const CAP_SYS_RESOURCE: u32 = 24;
    let head = VERSION;
    let mut sets = [0u32; 6];
    // SAFETY: capget reads one local and writes another.
    let result = unsafe { syscall!(125, &raw const head, &raw mut sets, 0, 0, 0, 0) };
    result == 0 && sets[0] >> CAP_SYS_RESOURCE & 1 != 0
}

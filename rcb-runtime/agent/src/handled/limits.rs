//! Resource limits: those of every replica alike, but for two.
//!
//! CPU time: the kernel acts on a limit when a process has used it up, which no two replicas have at the same moment.
//! The leader's process alone has the limit; its SIGXCPU comes as any signal from outside, and of its end by SIGKILL the
//! supervisor knows the reason.
//!
//! Descriptors: the agent's own lie above what a guest may allow itself, so the hard limit that the guest sets is
//! recorded and the kernel's stays.
#![allow(unsafe_code, reason = "asks for capabilities")]

use crate::call::{Answer, Call, each, once};
use crate::guest;
use crate::handled::identity;
use crate::shared;
use crate::state::State;
use rcb_sys::errno::{EFAULT, EINVAL, EPERM, is_error};
use rcb_sys::{nr, syscall};

const GETRLIMIT: u32 = 97;
const RLIMIT_CPU: u32 = 0;
const RLIMIT_NOFILE: u32 = 7;

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
    match which {
        RLIMIT_CPU => once(st, call, true, |_, args| each(call.nr, *args)),
        RLIMIT_NOFILE => descriptors(st, new, old),
        _ => Answer::local(each(nr::PRLIMIT64, [0, u64::from(which), new, old, 0, 0])),
    }
}

/// The limit of descriptors: soft as in the kernel, hard as recorded.
fn descriptors(st: &State, new: u64, old: u64) -> Answer {
    let mut before = [0u64; 2];
    let which = u64::from(RLIMIT_NOFILE);
    each(nr::PRLIMIT64, [0, which, 0, &raw mut before as u64, 0, 0]);
    let [soft, kernel_hard] = before;
    let recorded = &mut shared::own(st.replica).carry.nofile_hard;
    let hard = if *recorded == 0 { kernel_hard } else { *recorded };
    if new != 0 {
        let Ok([wanted_soft, wanted_hard]) = guest::get::<[u64; 2]>(new) else { return Answer::error(EFAULT) };
        if wanted_soft > wanted_hard {
            return Answer::error(EINVAL);
        }
        if wanted_hard > hard && !may_raise() {
            return Answer::error(EPERM);
        }
        let real = [wanted_soft, wanted_hard.max(kernel_hard)];
        let result = each(nr::PRLIMIT64, [0, which, &raw const real as u64, 0, 0, 0]);
        if is_error(result) {
            return Answer::local(result);
        }
        *recorded = if wanted_hard < kernel_hard { wanted_hard } else { 0 };
    }
    if old != 0 && guest::put(old, &[soft, hard]).is_err() { Answer::error(EFAULT) } else { Answer::local(0) }
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

//! Options of the process that the agent itself relies on: they are recorded and shown to the guest as it set them.

use crate::call::{Answer, Call, each};
use crate::guest;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::Relaxed;
use rcb_sys::errno::{EFAULT, EINVAL, ENODEV};

const ARCH_SET_GS: u64 = 0x1001;
const ARCH_GET_GS: u64 = 0x1004;
const ARCH_SET_FS: u64 = 0x1002;
const ARCH_GET_FS: u64 = 0x1003;
const ARCH_GET_CPUID: u64 = 0x1011;
const ARCH_SET_CPUID: u64 = 0x1012;

/// arch_prctl: segment bases are the replica's own; cpuid faulting is not for the guest.
pub fn arch_prctl(_st: &mut State, call: &Call) -> Answer {
    match call.args[0] {
        ARCH_SET_GS | ARCH_GET_GS | ARCH_SET_FS | ARCH_GET_FS => Answer::local(each(call.nr, call.args)),
        ARCH_GET_CPUID => Answer::local(1),
        ARCH_SET_CPUID => Answer::error(ENODEV),
        // Shadow stacks and whatever comes: as on a machine without them.
        _ => Answer::error(EINVAL),
    }
}

const PR_SET_PDEATHSIG: u64 = 1;
const PR_GET_PDEATHSIG: u64 = 2;
const PR_GET_DUMPABLE: u64 = 3;
const PR_SET_DUMPABLE: u64 = 4;
const PR_GET_TSC: u64 = 25;
const PR_SET_TSC: u64 = 26;
const PR_SET_NO_NEW_PRIVS: u64 = 38;
const PR_GET_NO_NEW_PRIVS: u64 = 39;
const PR_SET_PTRACER: u64 = 0x5961_6d61;

/// prctl: the options whose real value belongs to the agent.
pub fn prctl(st: &mut State, call: &Call) -> Answer {
    let value = call.args[1];
    let put = |value: u64| match guest::put(call.args[1], &(value as u32)) {
        Ok(()) => Answer::local(0),
        Err(guest::BadAddress) => Answer::error(EFAULT),
    };
    match call.args[0] {
        PR_SET_PDEATHSIG if value > 64 => Answer::error(EINVAL),
        PR_SET_PDEATHSIG => {
            shared::own().death_signal.store(value as u32, Relaxed);
            Answer::local(0)
        }
        PR_GET_PDEATHSIG => put(u64::from(shared::own().death_signal.load(Relaxed))),
        PR_SET_DUMPABLE if value > 1 => Answer::error(EINVAL),
        PR_SET_DUMPABLE => set(st, 0, value),
        PR_GET_DUMPABLE => Answer::local(st.prctl[0] as i64),
        PR_SET_NO_NEW_PRIVS if value != 1 => Answer::error(EINVAL),
        PR_SET_NO_NEW_PRIVS => set(st, 1, 1),
        PR_GET_NO_NEW_PRIVS => Answer::local(st.prctl[1] as i64),
        PR_SET_TSC if value != 1 && value != 2 => Answer::error(EINVAL),
        PR_SET_TSC => set(st, 2, value),
        PR_GET_TSC => put(st.prctl[2]),
        PR_SET_PTRACER => Answer::local(0),
        _ => Answer::error(EINVAL),
    }
}

fn set(st: &mut State, which: usize, value: u64) -> Answer {
    st.prctl[which] = value;
    Answer::local(0)
}

/// personality: the address-space randomisation that the runtime switches off is not the guest's business.
pub fn personality(call: &Call) -> Answer {
    let carry = &mut shared::own().carry;
    let old = carry.personality;
    if call.args[0] as u32 != u32::MAX {
        carry.personality = call.args[0] & 0xffff_ffff;
    }
    Answer::local(old as i64)
}

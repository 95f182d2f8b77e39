//! What the guest's arguments are to the kernel: masks, process ids, lengths that must fit into the log.
#![allow(unsafe_code, reason = "words of the state that the kernel reads")]

use super::Call;
use crate::state::State;
use crate::{arrivals, guest, handled};
use rcb_abi::segment::PAYLOAD_MAX;
use rcb_syscalls::spec::{Arg, Len};

/// Of the header of capget and capset; into one with another version the kernel writes.
const CAPABILITY_VERSIONS: [u32; 3] = [0x1998_0330, 0x2007_1026, 0x2008_0522];

/// The arguments as the kernel shall see them: signal masks are virtual, and a result must fit into the payload ring.
#[inline]
pub(super) fn for_kernel(st: &mut State, call: &Call) -> [u64; 6] {
    let mut args = call.args;
    if matches!(call.nr, 125 | 126)
        && let Ok([version, pid]) = guest::get::<[u32; 2]>(args[0])
        && CAPABILITY_VERSIONS.contains(&version)
        && i64::from(pid) == handled::identity::pid()
    {
        st.wait_words[0] = u64::from(version);
        args[0] = &raw const st.wait_words as u64;
    }
    if let Some(position) = pid_argument(call.nr)
        && i64::from(args[position] as i32) == handled::identity::pid()
    {
        args[position] = 0;
    }
    for (i, arg) in call.row.args.iter().enumerate() {
        match arg {
            Arg::SigMask(_) | Arg::SigMaskIndirect => args[i] = 0,
            Arg::Out(Len::ResultTimes { cap, size }) if st.n > 1 && args[usize::from(*cap)] as i32 > 0 => {
                let cap = usize::from(*cap);
                args[cap] = args[cap].min((PAYLOAD_MAX / usize::from(*size)) as u64);
            }
            Arg::Out(Len::Result { cap }) if st.n > 1 => {
                let cap = usize::from(*cap);
                args[cap] = args[cap].min(PAYLOAD_MAX as u64);
            }
            _ => {}
        }
    }
    args
}

/// Calls in which 0 means the calling process and the guest may say its own (virtual) pid instead: getpriority,
/// setpriority, sched_*, ioprio_*, prlimit64.
const fn pid_argument(nr: u32) -> Option<usize> {
    match nr {
        140 | 141 | 251 | 252 => Some(1),
        142..=145 | 148 | 274 | 302 | 314 | 315 => Some(0),
        _ => None,
    }
}

/// Whether a call that replicas perform for themselves names another process this time.
pub(super) fn concerns_others(call: &Call) -> bool {
    let Some(position) = pid_argument(call.nr) else { return false };
    // getpriority and ioprio_get say in their first argument whether the second one is a process at all.
    let kind = match call.nr {
        140 | 141 => call.args[0] == 0,
        251 | 252 => call.args[0] == 1,
        _ => true,
    };
    let pid = i64::from(call.args[position] as i32);
    !kind || (pid != 0 && pid != handled::identity::pid())
}

/// setuid, setgid, setreuid, setregid, setgroups, setresuid, setresgid, setfsuid, setfsgid, capset.
pub(super) const fn changes_credentials(nr: u32) -> bool {
    matches!(nr, 105 | 106 | 113 | 114 | 116 | 117 | 119 | 122 | 123 | 126)
}

/// A call that may wait: signals get the guest's mask or that of the call.
pub(super) fn prepare_wait(st: &mut State, call: &Call, args: &mut [u64; 6]) {
    arrivals::mirror_mask(st);
    for (i, arg) in call.row.args.iter().enumerate() {
        let at = call.args[i];
        let mask = match arg {
            Arg::SigMask(_) if at != 0 => guest::get::<u64>(at),
            Arg::SigMaskIndirect if at != 0 => match guest::get::<u64>(at) {
                Ok(0) | Err(_) => continue,
                Ok(mask) => guest::get::<u64>(mask),
            },
            _ => continue,
        };
        // What cannot be read the kernel shall refuse.
        let Ok(mask) = mask else {
            args[i] = at;
            continue;
        };
        st.wait_mask = Some(mask);
        let words = &raw mut st.wait_words;
        // SAFETY: the words of the state live as long as the process.
        unsafe { *words = [mask & !arrivals::OWN, words as u64, 8] };
        args[i] = words as u64 + if matches!(arg, Arg::SigMaskIndirect) { 8 } else { 0 };
    }
    arrivals::refresh(st);
}

//! Signal state of the guest is virtual (see `signals`): these calls change it and never reach the kernel, except to
//! signal other processes.
#![allow(unsafe_code, reason = "questions about the process's own signals")]

use crate::arrivals;
use crate::call::{Answer, Call, each, once};
use crate::guest;
use crate::handled::{identity, petition};
use crate::shared;
use crate::signals::{self, SIGKILL, SIGSTOP, bit};
use crate::state::State;
use rcb_abi::fault::Regs;
use rcb_abi::segment::ChildProcess;
use rcb_abi::segment::petition::KILL;
use rcb_sys::errno::{EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM, ESRCH, fail};
use rcb_sys::types::{SigAction, SigInfo, Stack};
use rcb_sys::{nr, syscall};

const UNBLOCKABLE: u64 = bit(SIGKILL) | bit(SIGSTOP);
const SI_USER: i32 = 0;
const SI_TKILL: i32 = -6;
const SS_DISABLE: u32 = 2;
const MINSIGSTKSZ: u64 = 2048;

/// rt_sigaction.
pub fn action(st: &mut State, call: &Call) -> Answer {
    let [signal, new, old, size, ..] = call.args;
    if size != 8 || signal == 0 || signal > 64 {
        return Answer::error(EINVAL);
    }
    let before = st.signals.actions[signal as usize];
    if new != 0 {
        let Ok(mut action) = guest::get::<SigAction>(new) else { return Answer::error(EFAULT) };
        if bit(signal as u32) & UNBLOCKABLE != 0 {
            return Answer::error(EINVAL);
        }
        action.mask &= !UNBLOCKABLE;
        st.signals.actions[signal as usize] = action;
        crate::arrivals::mirror_action(st, signal as u32);
        if signals::drops(action.handler, signal as u32) {
            signals::flush(&mut st.signals, signal as u32);
        }
    }
    if old != 0 && guest::put(old, &before).is_err() {
        return Answer::error(EFAULT);
    }
    Answer::local(0)
}

/// rt_sigprocmask.
pub fn mask(st: &mut State, call: &Call, regs: &Regs) -> Answer {
    let [how, new, old, size, ..] = call.args;
    if size != 8 {
        return Answer::error(EINVAL);
    }
    let before = st.signals.mask;
    if new != 0 {
        let Ok(set) = guest::get::<u64>(new) else { return Answer::error(EFAULT) };
        let set = set & !UNBLOCKABLE;
        st.signals.mask = match how as u32 {
            0 => before | set,
            1 => before & !set,
            2 => set,
            _ => return Answer::error(EINVAL),
        };
        if st.signals.mask & !before & bit(signals::SIGCHLD) != 0
            && st.signals.actions[signals::SIGCHLD as usize].handler == 0
        {
            // From now on the kernel must keep it, which it would throw away.
            arrivals::mirror_mask(st);
        }
    }
    let written = old == 0 || guest::put(old, &before).is_ok();
    if before & !st.signals.mask != 0 {
        let outer = st.regs;
        crate::trap::signal::unblocked(st, regs);
        st.regs = outer;
    }
    if written { Answer::local(0) } else { Answer::error(EFAULT) }
}

/// rt_sigpending.
pub fn pending(st: &mut State, call: &Call) -> Answer {
    let [at, size, ..] = call.args;
    if size > 8 {
        return Answer::error(EINVAL);
    }
    once(st, call, false, |st, _| {
        arrivals::mirror_mask(st);
        let mut set = 0u64;
        // SAFETY: writes a local.
        unsafe { syscall!(nr::RT_SIGPENDING, &raw mut set, 8, 0, 0, 0, 0) };
        let set = ((set | st.signals.pending) & st.signals.mask & !arrivals::OWN).to_le_bytes();
        match guest::write(at, &set[..size as usize]) {
            Ok(()) => 0,
            Err(guest::BadAddress) => fail(EFAULT),
        }
    })
}

/// rt_sigreturn: needs the full frame, so the work is done by the handler that gets one.
pub fn sigreturn(st: &mut State, regs: &Regs) -> Answer {
    st.deferred.again = true;
    Answer::local(regs.rax as i64)
}

/// sigaltstack.
pub fn altstack(st: &mut State, call: &Call, regs: &Regs) -> Answer {
    let [new, old, ..] = call.args;
    let flags = st.signals.stack_flags(regs.rsp);
    let before = Stack { flags, ..st.signals.stack };
    if new != 0 {
        let Ok(stack) = guest::get::<Stack>(new) else { return Answer::error(EFAULT) };
        if st.signals.on_stack(regs.rsp) {
            return Answer::error(EPERM);
        }
        let mode = stack.flags & !(1 << 31);
        if mode > SS_DISABLE {
            return Answer::error(EINVAL);
        }
        if mode == SS_DISABLE {
            st.signals.stack = signals::Signals::NEW.stack;
        } else if stack.size < MINSIGSTKSZ {
            return Answer::error(ENOMEM);
        } else {
            st.signals.stack = Stack { flags: stack.flags & (1 << 31), ..stack };
        }
    }
    if old != 0 && guest::put(old, &before).is_err() {
        return Answer::error(EFAULT);
    }
    Answer::local(0)
}

/// Signals to other processes: what no process can catch has to reach all replicas, so the supervisor sends it.
fn to_others(st: &State, call: &Call, args: &[u64; 6], target: i32, signal: u64) -> i64 {
    const SIGCONT: u32 = 18;
    if matches!(signal as u32, SIGKILL | SIGSTOP | SIGCONT) {
        let target = if target == 0 && call.nr == nr::KILL { -(each(nr::GETPGRP, [0; 6]) as i32) } else { target };
        let answer = petition::ask(st, KILL, target, signal as i32);
        if answer != fail(ESRCH) {
            return answer;
        }
    }
    let is_child = |child: &ChildProcess| child.pid == target as u32;
    if signal == 0 && target > 0 && shared::own().carry.children.iter().any(is_child) {
        // It may have ended, which leaves nothing in the kernel, but has not been waited for.
        return 0;
    }
    let answer = each(call.nr, *args);
    if answer != fail(ESRCH) || target <= 0 {
        return answer;
    }
    // The process with that number may have been a leader that was replaced.
    let real = u64::from(shared::real_pid(target as u32));
    let both = matches!(call.nr, nr::TGKILL | nr::RT_TGSIGQUEUEINFO);
    let mut args = *args;
    (args[0], args[1]) = (real, if both { real } else { args[1] });
    each(call.nr, args)
}

/// kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo: at the guest itself the agent delivers; at others the
/// leader sends, once.
pub fn kill(st: &mut State, call: &Call) -> Answer {
    let a = &call.args;
    let (target, signal, info) = match call.nr {
        nr::TGKILL | nr::RT_TGSIGQUEUEINFO => {
            let info = if call.nr == nr::TGKILL { 0 } else { a[3] };
            // The thread must be ours as well: there is only one.
            let target = if a[0] as i32 == a[1] as i32 { a[0] } else { u64::from(u32::MAX) };
            (target as i32, a[2], info)
        }
        nr::RT_SIGQUEUEINFO => (a[0] as i32, a[1], a[2]),
        _ => (a[0] as i32, a[1], 0),
    };
    if i64::from(target) != identity::pid() {
        return once(st, call, true, |st, args| to_others(st, call, args, target, signal));
    }
    if signal > 64 {
        return Answer::error(EINVAL);
    }
    let signal = signal as u32;
    if signal == 0 {
        return Answer::local(0);
    }
    if signal == SIGSTOP {
        return once(st, call, true, |st, _| petition::ask(st, KILL, target, SIGSTOP as i32));
    }
    if st.signals.mask & bit(signal) & !arrivals::NOT_MIRRORED != 0 {
        // The kernel keeps it, where all calls find it that ask for pending signals.
        return once(st, call, true, |st, args| {
            arrivals::mirror_mask(st);
            // SAFETY: asks for a number.
            let pid = unsafe { syscall!(nr::GETPID, 0, 0, 0, 0, 0, 0) } as u64;
            let mut args = *args;
            args[0] = pid;
            if matches!(call.nr, nr::TGKILL | nr::RT_TGSIGQUEUEINFO) {
                args[1] = pid;
            }
            each(call.nr, args)
        });
    }
    let code = if matches!(call.nr, nr::TKILL | nr::TGKILL) { SI_TKILL } else { SI_USER };
    let mut words = signals::own_info(signal, code);
    if info != 0 {
        let Ok(head) = guest::get::<[u64; 2]>(info) else { return Answer::error(EFAULT) };
        let Ok(fields) = guest::get::<[u64; 2]>(info + 16) else { return Answer::error(EFAULT) };
        words = SigInfo { errno: (head[0] >> 32) as i32, code: head[1] as i32, ..words };
        words.fields[0] = fields[0];
        words.fields[1] = fields[1];
    }
    if signal == SIGKILL {
        // Not maskable, no handler: pending whatever the mask says.
        st.signals.mask &= !bit(SIGKILL);
    }
    if signals::queue(st, words) { Answer::local(0) } else { Answer::error(EAGAIN) }
}

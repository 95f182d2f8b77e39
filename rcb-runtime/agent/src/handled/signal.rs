//! Signal state of the guest is virtual (see `signals`): these calls change it and never reach the kernel, except to
//! signal other processes.

use crate::call::{Answer, Call, each, note_refusal, once};
use crate::guest;
use crate::handled::identity;
use crate::signals::{self, SIGKILL, SIGSTOP, bit};
use crate::state::State;
use rcb_abi::fault::Regs;
use rcb_sys::errno::{EAGAIN, EFAULT, EINVAL, ENOMEM, ENOSYS, EPERM};
use rcb_sys::nr;
use rcb_sys::types::{SigAction, SigInfo, Stack};

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
pub fn mask(st: &mut State, call: &Call) -> Answer {
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
    }
    if old != 0 && guest::put(old, &before).is_err() {
        return Answer::error(EFAULT);
    }
    Answer::local(0)
}

/// rt_sigpending.
pub fn pending(st: &mut State, call: &Call) -> Answer {
    let [at, size, ..] = call.args;
    if size > 8 {
        return Answer::error(EINVAL);
    }
    let set = (st.signals.pending & st.signals.mask).to_le_bytes();
    match guest::write(at, &set[..size as usize]) {
        Ok(()) => Answer::local(0),
        Err(guest::BadAddress) => Answer::error(EFAULT),
    }
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
    let to_itself = i64::from(target) == identity::pid() || (target == 0 && call.nr == nr::KILL);
    if !to_itself {
        return once(st, call, true, |_, args| each(call.nr, *args));
    }
    if signal > 64 {
        return Answer::error(EINVAL);
    }
    let signal = signal as u32;
    if signal == 0 {
        return Answer::local(0);
    }
    if signal == SIGSTOP {
        note_refusal(st, call.nr, SIGSTOP);
        return Answer::error(ENOSYS);
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

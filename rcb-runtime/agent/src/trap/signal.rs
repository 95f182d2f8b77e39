//! The signal path into the agent: the kernel delivers SIGSYS (dispatch, seccomp), CPU exceptions and what others send, on the
//! agent's signal stack. A call site that is not patched arrives here, and so does what the patched path cannot do without a
//! signal frame.
#![allow(unsafe_code, reason = "sets up signals and dispatch of this process")]

use super::entry::{image, signal_stack, stub_address};
use super::{code, tsc};
use crate::call::{self, Flow};
use crate::fault::{Words, park};
use crate::signals::{self, regs_of};
use crate::state::{Deferred, State, state};
use crate::{agree, arrivals, recovery, shared};
use rcb_abi::fault::{Regs, kind};
use rcb_abi::segment::{EXCEPTION, UNBLOCKED};
use rcb_sys::types::{SigInfo, UContext};
use rcb_sys::{nr, syscall};

const SIGILL: i32 = 4;
const SIGSYS: i32 = 31;
/// si_code of SIGSYS from Syscall User Dispatch.
const SYS_USER_DISPATCH: i32 = 2;
/// si_code of SIGSYS from seccomp.
const SYS_SECCOMP: i32 = 1;

/// Every signal that the kernel delivers to the agent.
extern "C" fn on_signal(_signal: i32, info: &SigInfo, uc: &mut UContext) {
    if info.code <= 0 {
        // Sent by somebody, not raised by the processor: it may come anywhere.
        return arrivals::arrived(state(), info, uc);
    }
    if image().contains(&uc.rip) {
        if let Some(fixup) = rcb_sys::guest::fixup(uc.rip)
            && matches!(info.signo, 7 | 11)
        {
            uc.rip = fixup;
            return;
        }
        if info.signo == SIGILL && uc.rip == stub_address() {
            deferred(uc);
            return arrivals::restore_mask(uc);
        }
        let words = Words { data_addr: info.fields[0], ..Words::new(kind::AGENT_EXCEPTION, info.signo as u64, uc.rip) };
        park(state(), words);
    }
    let st = state();
    if info.signo == SIGSYS && matches!(info.code, SYS_USER_DISPATCH | SYS_SECCOMP) {
        trapped_call(info, uc);
    } else if !tsc::emulate(st, info, uc) {
        exception(info, uc);
    }
    arrivals::restore_mask(uc);
}

/// A call on the signal path.
fn trapped_call(info: &SigInfo, uc: &mut UContext) {
    let st = state();
    shared::own().stats.trapped += 1;
    // si_call_addr is behind the instruction; for the vsyscall page the number is in the siginfo only.
    let [site, number] = [info.fields[0], call_number(info)];
    let mut regs = regs_of(uc);
    regs.rax = number;
    let behind = uc.rip;
    let flow = call::handle(st, &mut regs);
    uc.rax = regs.rax;
    copy_back(&regs, uc);
    if info.code == SYS_USER_DISPATCH && site == uc.rip && !st.deferred.again {
        uc.rip = code::met(st, uc.rip);
    }
    if core::mem::take(&mut st.deferred.restart) && flow == Flow::Frame {
        uc.rip -= if uc.rip == behind { 2 } else { code::TO_CALL };
        uc.rax = number;
    }
    if flow == Flow::Frame {
        finish(uc);
    }
}

/// The number in the siginfo. A call of the 32-bit interface (`int $0x80`) gets a number that no row has: it is
/// refused by name of that number.
fn call_number(info: &SigInfo) -> u64 {
    const ARCH_X86_64: u64 = 0xc000_003e;
    let number = info.fields[1] & 0xffff_ffff;
    if info.fields[1] >> 32 == ARCH_X86_64 { number } else { u64::from(rcb_abi::segment::COMPAT) | number & 0xffff }
}

/// The guest's registers may have been changed by an injected fault.
fn copy_back(regs: &Regs, uc: &mut UContext) {
    (uc.rbx, uc.rbp, uc.rsp, uc.rdi, uc.rsi, uc.rdx) = (regs.rbx, regs.rbp, regs.rsp, regs.rdi, regs.rsi, regs.rdx);
    uc.r8_15 = [regs.r8, regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15];
    (uc.rip, uc.eflags, uc.rcx) = (regs.rip, regs.rflags, regs.rcx);
}

/// What the patched path could not do without a frame.
fn deferred(uc: &mut UContext) {
    let st = state();
    let left = st.deferred;
    st.deferred = Deferred { again: left.again, ..Deferred::default() };
    uc.rip = left.resume;
    uc.rax = left.rax;
    finish(uc);
}

/// Leaves and enters handlers as far as it is due.
fn finish(uc: &mut UContext) {
    let st = state();
    if core::mem::take(&mut st.deferred.again) {
        let before = st.signals.mask;
        signals::leave(st, uc);
        if before & !st.signals.mask != 0 {
            unblocked(st, &regs_of(uc));
        }
    }
    signals::deliver(st, uc);
}

/// Signals may have become deliverable: what the kernel holds back for the leader arrives now, at an agreed place.
pub fn unblocked(st: &mut State, regs: &Regs) {
    arrivals::mirror_mask(st);
    if st.n == 1 {
        return arrivals::admit_alone(st);
    }
    call::post_event(st, regs, UNBLOCKED, [0; 6], 0);
    call::event_value(st, || 0);
}

/// Address of the handler of signals from outside.
pub fn async_handler() -> u64 {
    on_arrival as *const () as u64
}

/// Whether the guest is about to make a call: its handler can as well run there. Bytes in front of a call may become part
/// of a jump while the handler runs, and to return between them would be wrong.
fn near_call(rip: u64) -> bool {
    const REACH: usize = 16;
    let mut code = [0u8; REACH];
    // Not beyond the page: what is executed can be read, the next page need not be there.
    let length = REACH.min(4096 - (rip & 4095) as usize);
    crate::guest::read(rip, &mut code[..length]).is_err() || code[..length].windows(2).any(|pair| pair == [0x0f, 0x05])
}

/// A signal from outside, somewhere between two instructions of guest or agent.
extern "C" fn on_arrival(_signal: i32, info: &SigInfo, uc: &mut UContext) {
    let st = state();
    arrivals::arrived(st, info, uc);
    if st.n == 1 && !image().contains(&uc.rip) && !near_call(uc.rip) {
        // Alone, and in the guest's own code: nobody else has to be at the same place.
        arrivals::admit_alone(st);
        signals::deliver(st, uc);
        arrivals::mirror_mask(st);
        arrivals::restore_mask(uc);
    }
}

/// Address of the handler by which the supervisor calls a follower.
pub fn call_handler() -> u64 {
    on_called as *const () as u64
}

/// The supervisor wants an order to be followed by a guest that makes no call; between two instructions of the guest it
/// can be followed anywhere. Inside the agent it is followed at the next post or wait.
extern "C" fn on_called(_signal: i32, _info: &SigInfo, uc: &mut UContext) {
    let st = state();
    if !image().contains(&uc.rip) && recovery::due(st) {
        recovery::attend(st);
        arrivals::restore_mask(uc);
    }
}

/// A CPU exception of the guest: an event that all replicas must share.
fn exception(info: &SigInfo, uc: &mut UContext) {
    const PAGE_FAULT: u64 = 14;
    const SIGSEGV: i32 = 11;
    const SEGV_MAPERR: i32 = 1;
    let st = state();
    let mut info = *info;
    if info.signo == SIGSEGV && st.window.reserves(info.fields[0]) && uc.trapno == PAGE_FAULT {
        info.code = SEGV_MAPERR;
    }
    shared::own().stats.exceptions += 1;
    let regs = regs_of(uc);
    // Bit 0 of a page fault says whether the page happened to be in memory, which is not the guest's doing: it is not
    // compared, and all get the leader's.
    let compared = if uc.trapno == PAGE_FAULT { uc.err & !1 } else { uc.err };
    let args = [info.signo as u64, info.code as u64, info.fields[0], uc.trapno, compared, 0];
    call::post_event(st, &regs, EXCEPTION + info.signo as u32, args, 5);
    if st.n > 1 {
        agree::meet::symmetric(st);
    }
    let error = uc.err;
    uc.err = call::event_value(st, || error);
    signals::exception(st, uc, &info);
}

/// Installs the handler for everything that may stop the guest, on a stack of the agent's own.
pub fn install_handlers() -> Result<(), i64> {
    const SA_SIGINFO: u64 = 4;
    const SA_RESTORER: u64 = 0x0400_0000;
    const SA_ONSTACK: u64 = 0x0800_0000;
    const SA_NODEFER: u64 = 0x4000_0000;
    let (sp, size) = signal_stack();
    let stack = rcb_sys::types::Stack { sp, flags: 0, pad: 0, size: size as u64 };
    let action = rcb_sys::types::SigAction {
        handler: on_signal as *const () as u64,
        flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_NODEFER,
        restorer: rcb_sys::raw::restorer(),
        mask: 0,
    };
    // SAFETY: the agent's own signal set-up.
    unsafe {
        let result = syscall!(nr::SIGALTSTACK, &raw const stack, 0, 0, 0, 0, 0);
        if result < 0 {
            return Err(result);
        }
        for signal in [SIGILL, 5, 7, 8, 11, SIGSYS] {
            let result = syscall!(nr::RT_SIGACTION, signal, &raw const action, 0, 8, 0, 0);
            if result < 0 {
                return Err(result);
            }
        }
    }
    Ok(())
}

/// Arms Syscall User Dispatch: every `syscall` instruction but the agent's own raises SIGSYS.
pub fn arm_dispatch() -> Result<(), i64> {
    const PR_SET_SYSCALL_USER_DISPATCH: u64 = 59;
    let (start, length) = rcb_sys::raw::allowed_range();
    // SAFETY: changes how this process enters the kernel from now on; the agent's own instruction stays allowed.
    let result = unsafe { syscall!(nr::PRCTL, PR_SET_SYSCALL_USER_DISPATCH, 1, start, length, 0, 0) };
    if result < 0 { Err(result) } else { Ok(()) }
}

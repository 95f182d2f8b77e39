//! The frame with which a handler of the guest is entered and left: the kernel's own, copied to the guest's stack.
#![allow(unsafe_code, reason = "signal frames")]

use super::{SIGKILL, SIGSEGV, SIGSTOP, Signals, bit, die};
use crate::guest;
use crate::state::State;
use rcb_abi::fault::Regs;
use rcb_sys::types::{SigAction, SigInfo, Stack, UContext};

const SA_NODEFER: u64 = 0x4000_0000;
const SA_ONSTACK: u64 = 0x0800_0000;
const SS_DISABLE: u32 = 2;
const SS_ONSTACK: u32 = 1;
const SS_AUTODISARM: u32 = 1 << 31;
const EFLAGS_DF_TF_RF: u64 = 0x400 | 0x100 | 0x1_0000;
const PAGE_FAULT: u64 = 14;
/// Bytes of FPU state that can be copied to a guest frame.
const FP_MAX: usize = 16 * 1024;

/// Head of a signal frame: return address, context, siginfo.
#[repr(C)]
struct Frame {
    restorer: u64,
    uc: UContext,
    info: SigInfo,
}

const _: () = assert!(size_of::<Frame>() == 440);

/// Bytes of FPU state behind `uc.fpstate`, as the kernel wrote them into the state's reserved words.
fn fp_bytes(uc: &UContext) -> usize {
    const FXSAVE: usize = 512;
    const MAGIC1: u32 = 0x4650_5853;
    if uc.fpstate == 0 {
        return 0;
    }
    // SAFETY: the kernel's frame on the agent's own signal stack; its first 512 bytes are always there.
    let [magic, extended] = unsafe { ((uc.fpstate + 464) as *const [u32; 2]).read_unaligned() };
    if magic == MAGIC1 { (extended as usize).clamp(FXSAVE, FP_MAX) } else { FXSAVE }
}

/// Builds the guest's frame and lets `uc` continue in the handler.
pub(super) fn enter(
    st: &mut State,
    uc: &mut UContext,
    signal: u32,
    info: &SigInfo,
    action: &SigAction,
) -> Result<(), guest::BadAddress> {
    let signals = &st.signals;
    let mut sp = uc.rsp.wrapping_sub(128);
    if action.flags & SA_ONSTACK != 0 && signals.stack.size != 0 && !signals.on_stack(uc.rsp) {
        sp = signals.stack.sp + signals.stack.size;
    }
    let fp = fp_bytes(uc);
    let fp_at = sp.wrapping_sub(fp as u64) & !63;
    let at = (fp_at.wrapping_sub(size_of::<Frame>() as u64) & !15).wrapping_sub(8);
    let stack = signals.stack;
    if sp > stack.sp && sp - stack.sp <= stack.size && at < stack.sp {
        // The frame does not fit the alternate stack.
        return Err(guest::BadAddress);
    }
    let mut frame = Frame { restorer: action.restorer, uc: *uc, info: *info };
    frame.uc.stack = Stack { flags: signals.stack_flags(uc.rsp), ..signals.stack };
    frame.uc.fpstate = if fp == 0 { 0 } else { fp_at };
    (frame.uc.sigmask, frame.uc.oldmask) = (signals.mask, signals.mask);
    // The kernel's words about the last exception of this process, which has to do with this signal only if it is one.
    let is_exception = info.code > 0 && matches!(info.signo, 4 | 5 | 7 | 8 | 11);
    if !is_exception {
        (frame.uc.err, frame.uc.trapno) = (0, 0);
    }
    if !is_exception || frame.uc.trapno != PAGE_FAULT {
        frame.uc.cr2 = 0;
    }
    if fp > 0 {
        // SAFETY: the kernel's frame on the agent's own stack holds that many bytes.
        let state = unsafe { core::slice::from_raw_parts(uc.fpstate as *const u8, fp) };
        guest::write(fp_at, state)?;
    }
    // SAFETY: a plain structure viewed as bytes.
    let raw = unsafe { core::slice::from_raw_parts((&raw const frame).cast::<u8>(), size_of::<Frame>()) };
    guest::write(at, raw)?;
    if st.signals.stack.flags & SS_AUTODISARM != 0 {
        st.signals.stack = Signals::NEW.stack;
    }
    st.signals.mask |= action.mask;
    if action.flags & SA_NODEFER == 0 {
        st.signals.mask |= bit(signal);
    }
    st.signals.mask &= !(bit(SIGKILL) | bit(SIGSTOP));
    uc.rip = action.handler;
    uc.rdi = u64::from(signal);
    uc.rsi = at + 8 + size_of::<UContext>() as u64;
    uc.rdx = at + 8;
    uc.rax = 0;
    uc.rsp = at;
    uc.eflags &= !EFLAGS_DF_TF_RF;
    Ok(())
}

/// rt_sigreturn: takes the guest's frame at its stack pointer back into `uc`.
pub fn leave(st: &mut State, uc: &mut UContext) {
    const USER_FLAGS: u64 = 0x4_4dd5;
    let mut raw = [0u8; size_of::<UContext>()];
    if guest::read(uc.rsp, &mut raw).is_err() {
        st.signals.actions[SIGSEGV as usize].handler = 0;
        die(st, uc, SIGSEGV);
    }
    // SAFETY: integers accept any bits.
    let saved: UContext = unsafe { raw.as_ptr().cast::<UContext>().read_unaligned() };
    let (fpstate, segments, flags) = (uc.fpstate, uc.segments, uc.flags);
    let fp = fp_bytes(uc);
    if saved.fpstate != 0 && fp > 0 {
        // SAFETY: the kernel's frame on the agent's own stack holds that many bytes and is restored on return.
        let state = unsafe { core::slice::from_raw_parts_mut(fpstate as *mut u8, fp) };
        let head = state[464..512].try_into().unwrap_or([0u8; 48]);
        if guest::read(saved.fpstate, state).is_err() {
            die(st, uc, SIGSEGV);
        }
        // The description of the state stays the kernel's own.
        state[464..512].copy_from_slice(&head);
    }
    let eflags = uc.eflags & !USER_FLAGS | saved.eflags & USER_FLAGS;
    let mask = uc.sigmask;
    *uc = saved;
    (uc.fpstate, uc.segments, uc.flags, uc.eflags, uc.sigmask) = (fpstate, segments, flags, eflags, mask);
    uc.rip = st.code.relocated(uc.rip);
    st.signals.mask = saved.sigmask & !(bit(SIGKILL) | bit(SIGSTOP));
    let stack = saved.stack;
    st.signals.stack = Stack { flags: stack.flags & !SS_ONSTACK, ..stack };
    if stack.flags & SS_DISABLE != 0 {
        st.signals.stack = Signals::NEW.stack;
    }
}

/// Registers of a frame.
pub fn regs_of(uc: &UContext) -> Regs {
    Regs {
        r15: uc.r8_15[7],
        r14: uc.r8_15[6],
        r13: uc.r8_15[5],
        r12: uc.r8_15[4],
        rbp: uc.rbp,
        rbx: uc.rbx,
        r11: uc.r8_15[3],
        r10: uc.r8_15[2],
        r9: uc.r8_15[1],
        r8: uc.r8_15[0],
        rax: uc.rax,
        rcx: uc.rcx,
        rdx: uc.rdx,
        rsi: uc.rsi,
        rdi: uc.rdi,
        rip: uc.rip,
        rflags: uc.eflags,
        rsp: uc.rsp,
    }
}

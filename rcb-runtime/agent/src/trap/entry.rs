//! The two ways into the agent.
//!
//! *Patched path*: a call site jumps to its trampoline, which jumps to `rcb_entry` with the resume address in rcx (rcx
//! and r11 are free, the `syscall` instruction would have clobbered them). Nothing is written to the guest's stack.
//!
//! *Signal path*: the kernel delivers SIGSYS (dispatch, seccomp) or a CPU exception on the agent's signal stack.
//!
//! ```text
//!  trampoline:  [head] lea after(%rip),%rcx; jmp *entry(%rip); .quad site+2; after: [tail]; jmp back
//!  of a rdtsc:  lea -128(%rsp),%rsp; push %rcx; lea after(%rip),%rcx; jmp *tsc(%rip); .quad behind; after: ...
//!  rcb_entry:   switch to the agent's stack, save general registers (struct Regs), flags and xmm0-15, call, restore
//! ```
//!
//! The agent is compiled for the baseline instruction set: it changes general registers and the low 128 bits of
//! xmm0-15 and nothing else, so saving these is enough; wider vector parts, x87 and mask registers stay untouched.
#![allow(unsafe_code, reason = "assembly and the kernel's signal frame")]

use crate::call::{self, Flow};
use crate::fault::{Words, park};
use crate::signals::{self, regs_of};
use crate::state::{Deferred, State, state};
use crate::trap::{code, tsc};
use crate::{agree, arrivals, recovery, shared};
use core::arch::global_asm;
use core::mem::offset_of;
use rcb_abi::fault::{Regs, kind};
use rcb_abi::segment::{EXCEPTION, UNBLOCKED};
use rcb_sys::types::{SigInfo, UContext};
use rcb_sys::{nr, syscall};

/// Bytes of the agent's stack for calls on the patched path. Behind it, in the page that every call touches, lie the two
/// words of the entry code.
const STACK: usize = 64 * 1024 - 64;
/// Bytes of the stack on which the kernel delivers signals to the agent.
const SIGNAL_STACK: usize = 96 * 1024;

global_asm!(
    ".globl _start",
    ".globl rcb_entry",
    ".globl rcb_tsc_entry",
    ".globl rcb_trap_stub",
    // The kernel starts the agent here, with the guest's stack.
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "lea rsp, [rip + rcb_stack + {stack}]",
    "call rcb_boot",
    // rax: entry point of the guest; rdx: its stack pointer.
    "mov rsp, rdx",
    "mov [rip + rcb_guest_sp], rax",
    "xor eax, eax",
    "xor ebx, ebx",
    "xor ecx, ecx",
    "xor edx, edx",
    "xor esi, esi",
    "xor edi, edi",
    "xor ebp, ebp",
    "xor r8d, r8d",
    "xor r9d, r9d",
    "xor r10d, r10d",
    "xor r11d, r11d",
    "xor r12d, r12d",
    "xor r13d, r13d",
    "xor r14d, r14d",
    "xor r15d, r15d",
    "pxor xmm0, xmm0",
    "pxor xmm1, xmm1",
    "pxor xmm2, xmm2",
    "pxor xmm3, xmm3",
    "pxor xmm4, xmm4",
    "pxor xmm5, xmm5",
    "pxor xmm6, xmm6",
    "pxor xmm7, xmm7",
    "jmp [rip + rcb_guest_sp]",
    // Saves what the agent may change, below Regs.rsp, Regs.rflags and Regs.rip, and leaves &Regs in rdi and rbx.
    ".macro rcb_save",
    "push rdi",
    "push rsi",
    "push rdx",
    "push rcx",
    "push rax",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov rbx, rsp",
    "cld",
    "sub rsp, 256",
    "movaps [rsp], xmm0",
    "movaps [rsp + 16], xmm1",
    "movaps [rsp + 32], xmm2",
    "movaps [rsp + 48], xmm3",
    "movaps [rsp + 64], xmm4",
    "movaps [rsp + 80], xmm5",
    "movaps [rsp + 96], xmm6",
    "movaps [rsp + 112], xmm7",
    "movaps [rsp + 128], xmm8",
    "movaps [rsp + 144], xmm9",
    "movaps [rsp + 160], xmm10",
    "movaps [rsp + 176], xmm11",
    "movaps [rsp + 192], xmm12",
    "movaps [rsp + 208], xmm13",
    "movaps [rsp + 224], xmm14",
    "movaps [rsp + 240], xmm15",
    "mov rdi, rbx",
    ".endm",
    // The reverse; afterwards the guest's stack pointer and flags are back.
    ".macro rcb_restore",
    "movaps xmm0, [rsp]",
    "movaps xmm1, [rsp + 16]",
    "movaps xmm2, [rsp + 32]",
    "movaps xmm3, [rsp + 48]",
    "movaps xmm4, [rsp + 64]",
    "movaps xmm5, [rsp + 80]",
    "movaps xmm6, [rsp + 96]",
    "movaps xmm7, [rsp + 112]",
    "movaps xmm8, [rsp + 128]",
    "movaps xmm9, [rsp + 144]",
    "movaps xmm10, [rsp + 160]",
    "movaps xmm11, [rsp + 176]",
    "movaps xmm12, [rsp + 192]",
    "movaps xmm13, [rsp + 208]",
    "movaps xmm14, [rsp + 224]",
    "movaps xmm15, [rsp + 240]",
    "mov rsp, rbx",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rax",
    "pop rcx",
    "pop rdx",
    "pop rsi",
    "pop rdi",
    "lea rsp, [rsp + 8]", // Regs.rip is not where the guest resumes
    "popfq",
    "mov rsp, [rsp]",
    ".endm",
    // Patched call: rcx holds the resume address, rcx and r11 are free.
    ".p2align 6",
    "rcb_entry:",
    "mov [rip + rcb_guest_sp], rsp",
    "lea rsp, [rip + rcb_stack + {stack}]",
    "push [rip + rcb_guest_sp]", // Regs.rsp
    "pushfq",                    // Regs.rflags
    "push [rcx - 8]",            // Regs.rip: the address behind the original instruction
    "rcb_save",
    "call rcb_on_call",
    "rcb_restore",
    "jmp rcx",
    // Patched rdtsc: rcx holds the resume address, the guest's rcx lies below its red zone.
    ".p2align 6",
    "rcb_tsc_entry:",
    "mov [rip + rcb_resume], rcx",
    "mov rcx, [rsp]",
    "lea rsp, [rsp + 136]",
    "mov [rip + rcb_guest_sp], rsp",
    "lea rsp, [rip + rcb_stack + {stack}]",
    "push [rip + rcb_guest_sp]",
    "pushfq",
    "push [rip + rcb_resume]", // Regs.rip: corrected by rcb_on_tsc
    "rcb_save",
    "call rcb_on_tsc",
    "rcb_restore",
    "jmp [rip + rcb_resume]",
    // A place to fault on purpose: the signal handler then has a full frame of the guest.
    "rcb_trap_stub:",
    "ud2",
    ".section .bss.rcb_stacks, \"aw\", @nobits",
    ".p2align 12",
    "rcb_stack: .zero {stack}",
    "rcb_guest_sp: .zero 8",
    "rcb_resume: .zero 8",
    ".p2align 12",
    "rcb_signal_stack: .zero {signal_stack}",
    ".globl rcb_signal_stack",
    ".text",
    stack = const STACK,
    signal_stack = const SIGNAL_STACK,
);

// The entry code pushes the registers in the order of `Regs`, 18 words, and then needs a stack aligned to 16 bytes.
const _: () = {
    assert!(size_of::<Regs>() == 18 * 8);
    assert!(offset_of!(Regs, r15) == 0 && offset_of!(Regs, rbx) == 40 && offset_of!(Regs, rax) == 80);
    assert!(offset_of!(Regs, rdi) == 112 && offset_of!(Regs, rip) == 120 && offset_of!(Regs, rsp) == 136);
    assert!(size_of::<Regs>().is_multiple_of(16));
};

unsafe extern "C" {
    fn rcb_entry();
    fn rcb_tsc_entry();
    fn rcb_trap_stub();
    static rcb_signal_stack: u8;
    /// Defined by the linker: the agent's image.
    static __executable_start: u8;
    static _end: u8;
}

/// Address that trampolines jump to.
pub fn entry_address() -> u64 {
    rcb_entry as *const () as u64
}

/// Address that trampolines of rdtsc jump to.
pub fn tsc_entry_address() -> u64 {
    rcb_tsc_entry as *const () as u64
}

fn stub_address() -> u64 {
    rcb_trap_stub as *const () as u64
}

/// Whether an address lies in the agent's image.
fn inside_agent(rip: u64) -> bool {
    (&raw const __executable_start as u64..&raw const _end as u64).contains(&rip)
}

/// A call on the patched path.
#[unsafe(no_mangle)]
extern "C" fn rcb_on_call(regs: &mut Regs) {
    let st = state();
    shared::own().stats.patched += 1;
    let (rip, nr) = (regs.rip, regs.rax);
    let flow = call::handle(st, regs);
    // An injected fault in rip belongs to the address at which the guest really resumes.
    regs.rcx ^= rip ^ regs.rip;
    if flow == Flow::Frame {
        st.deferred.resume = regs.rcx;
        st.deferred.rax = regs.rax;
        if core::mem::take(&mut st.deferred.restart) {
            st.deferred.resume = regs.rcx - code::TO_CALL;
            st.deferred.rax = nr;
        }
        regs.rcx = stub_address();
    }
}

/// A patched rdtsc or rdtscp.
#[unsafe(no_mangle)]
extern "C" fn rcb_on_tsc(regs: &mut Regs) {
    // SAFETY: the trampoline keeps the original address in front of the resume address.
    regs.rip = unsafe { ((regs.rip - 8) as *const u64).read() };
    let value = tsc::agreed(state(), regs);
    regs.rax = value & 0xffff_ffff;
    regs.rdx = value >> 32;
}

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
    if inside_agent(uc.rip) {
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
    if st.n == 1 && !inside_agent(uc.rip) && !near_call(uc.rip) {
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
    if !inside_agent(uc.rip) && recovery::due(st) {
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
    let stack =
        rcb_sys::types::Stack { sp: &raw const rcb_signal_stack as u64, flags: 0, pad: 0, size: SIGNAL_STACK as u64 };
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

//! The patched path into the agent: a call site jumps to its trampoline, which jumps to `rcb_entry` with the resume address in
//! rcx (rcx and r11 are free, the `syscall` instruction would have clobbered them). Nothing is written to the guest's
//! stack. The other way in is a signal (`signal.rs`).
//!
//! ```text
//!  trampoline:  [head] lea after(%rip),%rcx; jmp *entry(%rip); .quad site+2; after: [tail]; jmp back
//!  of a rdtsc:  lea -128(%rsp),%rsp; push %rcx; lea after(%rip),%rcx; jmp *tsc(%rip); .quad behind; after: ...
//!  rcb_entry:   switch to the agent's stack, save general registers (struct Regs), flags and xmm0-15, call, restore
//! ```
//!
//! The agent is compiled for the baseline instruction set: it changes general registers and the low 128 bits of
//! xmm0-15 and nothing else, so saving these is enough; wider vector parts, x87 and mask registers stay untouched.
#![allow(unsafe_code, reason = "assembly, and what it calls")]

use super::{code, tsc};
use crate::call::{self, Flow};
use crate::shared;
use crate::state::state;
use core::arch::global_asm;
use core::mem::offset_of;
use core::ops::Range;
use rcb_abi::fault::Regs;

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
    "pxor xmm8, xmm8",
    "pxor xmm9, xmm9",
    "pxor xmm10, xmm10",
    "pxor xmm11, xmm11",
    "pxor xmm12, xmm12",
    "pxor xmm13, xmm13",
    "pxor xmm14, xmm14",
    "pxor xmm15, xmm15",
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

/// Address of an instruction that raises SIGILL, for what the patched path cannot do without a signal frame.
pub(super) fn stub_address() -> u64 {
    rcb_trap_stub as *const () as u64
}

/// The agent's image.
pub(super) fn image() -> Range<u64> {
    &raw const __executable_start as u64..&raw const _end as u64
}

/// The stack on which the kernel delivers signals to the agent: address, bytes.
pub(super) fn signal_stack() -> (u64, usize) {
    (&raw const rcb_signal_stack as u64, SIGNAL_STACK)
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

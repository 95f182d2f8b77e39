//! The time stamp counter traps (PR_SET_TSC) and is answered with the leader's value.
#![allow(unsafe_code, reason = "a clock call of the agent")]

use crate::agree::meet;
use crate::call::{event_value, post_event};
use crate::guest;
use crate::shared;
use crate::signals::regs_of;
use crate::state::State;
use crate::trap::code;
use rcb_abi::fault::Regs;
use rcb_abi::segment::RDTSC;
use rcb_sys::types::{SigInfo, UContext};
use rcb_sys::{nr, syscall};

const SIGSEGV: i32 = 11;
const SI_KERNEL: i32 = 0x80;

/// Answers rdtsc or rdtscp at the faulting instruction; false if it is neither.
pub fn emulate(st: &mut State, info: &SigInfo, uc: &mut UContext) -> bool {
    if info.signo != SIGSEGV || info.code != SI_KERNEL {
        return false;
    }
    let mut bytes = [0u8; 3];
    let length = if guest::read(uc.rip, &mut bytes[..2]).is_ok() && bytes[..2] == [0x0f, 0x31] {
        2
    } else if guest::read(uc.rip, &mut bytes).is_ok() && bytes == [0x0f, 0x01, 0xf9] {
        3
    } else {
        return false;
    };
    let regs = regs_of(uc);
    let value = agreed(st, &regs);
    uc.rax = value & 0xffff_ffff;
    uc.rdx = value >> 32;
    if length == 3 {
        // CPU 0 of node 0, as getcpu says of the first CPU.
        uc.rcx = 0;
    }
    uc.rip = code::met_tsc(st, uc.rip, length);
    true
}

/// The leader's counter, agreed.
pub fn agreed(st: &mut State, regs: &Regs) -> u64 {
    shared::own().stats.rdtsc += 1;
    post_event(st, regs, RDTSC, [0; 6], 0);
    meet::let_ahead(st);
    event_value(st, nanoseconds)
}

/// The counter as the guest sees it: nanoseconds of the monotonic raw clock. The real one would trap the agent, too.
fn nanoseconds() -> u64 {
    const CLOCK_MONOTONIC_RAW: u64 = 4;
    let mut now = [0u64; 2];
    // SAFETY: writes a local.
    unsafe { syscall!(nr::CLOCK_GETTIME, CLOCK_MONOTONIC_RAW, &raw mut now, 0, 0, 0, 0) };
    now[0].wrapping_mul(1_000_000_000).wrapping_add(now[1])
}

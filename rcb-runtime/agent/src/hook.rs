//! Fault injection for tests: flips one bit at a given call of a given replica. Off unless the supervisor asks.

use crate::fault;
use crate::guest;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::Relaxed;
use rcb_abi::control::hook_target::{
    DATA, HANG, HEAP, INPUT, KILL, KILL_BEGUN, KILL_DONE, MEMORY, NONE, REGISTER, RESULT, STACK,
};
use rcb_abi::fault::Regs;
use rcb_syscalls::spec::{Arg, Row};

#[inline]
fn due(st: &State, seq: u64) -> bool {
    let hook = &shared::control().hook;
    let is_here = hook.target != NONE && hook.call == seq && hook.replica as usize == st.replica;
    // A copy that has taken the place of the replica that suffered is at the same call.
    is_here && shared::own().wait.hook_done.load(Relaxed) == 0
}

/// Whether an input fault is due at the call about to be posted.
#[inline]
pub fn due_before(st: &State) -> bool {
    due(st, st.seq + 1) && shared::control().hook.target == INPUT
}

/// Whether a fault is due as the current call ends.
#[inline]
pub fn due_after(st: &State) -> bool {
    due(st, st.seq) && !matches!(shared::control().hook.target, INPUT | KILL_BEGUN | KILL_DONE)
}

/// Dies in the middle of a call that this replica performs as the leader, if that is due: `target` says where it is.
#[inline]
fn middle(st: &State, target: u32) {
    if due(st, st.seq) && shared::control().hook.target == target {
        done();
        crate::signals::kill_self(9);
    }
}

/// The call is begun.
#[inline]
pub fn begun(st: &State) {
    middle(st, KILL_BEGUN);
}

/// The call is performed.
#[inline]
pub fn performed(st: &State) {
    middle(st, KILL_DONE);
}

/// Flips a bit of the first input buffer or path.
pub fn before(row: &Row, args: &[u64; 6]) {
    for (i, arg) in row.args.iter().enumerate() {
        let at = match arg {
            Arg::In(_) | Arg::InOut(_) | Arg::Path => args[i],
            Arg::InVec { .. } => guest::get::<u64>(args[i]).unwrap_or(0),
            _ => 0,
        };
        if at != 0 {
            flip(at);
            return;
        }
    }
}

/// Flips a bit in a register or in memory as the guest goes on, or stops the replica.
pub fn after(st: &mut State, regs: &mut Regs) {
    let hook = &shared::control().hook;
    let place = hook.place;
    match hook.target {
        RESULT => {
            regs.rax ^= 1 << (hook.bit & 63);
            done();
        }
        REGISTER => {
            flip_register(regs, place as usize, hook.bit);
            done();
        }
        MEMORY => flip(place),
        STACK => flip(regs.rsp.wrapping_add(place)),
        HEAP => flip(st.brk_start.wrapping_add(place)),
        DATA => flip(st.data_start.wrapping_add(place)),
        HANG => {
            done();
            loop {
                core::hint::spin_loop();
            }
        }
        KILL => {
            done();
            crate::signals::kill_self(9)
        }
        _ => fault::park(st, fault::Words::new(rcb_abi::fault::kind::LOG, u64::from(hook.target), 3)),
    }
}

/// Tells the supervisor that the fault has been injected.
fn done() {
    shared::own().wait.hook_done.store(1, Relaxed);
}

fn flip(at: u64) {
    let bit = shared::control().hook.bit & 7;
    let mut byte = [0u8; 1];
    if guest::read(at, &mut byte).is_ok() {
        byte[0] ^= 1 << bit;
        if guest::write(at, &byte).is_ok() {
            done();
        }
    }
}

fn flip_register(regs: &mut Regs, index: usize, bit: u32) {
    let mask = 1u64 << (bit & 63);
    let register = match index {
        0 => &mut regs.r15,
        1 => &mut regs.r14,
        2 => &mut regs.r13,
        3 => &mut regs.r12,
        4 => &mut regs.rbp,
        5 => &mut regs.rbx,
        6 => &mut regs.r11,
        7 => &mut regs.r10,
        8 => &mut regs.r9,
        9 => &mut regs.r8,
        10 => &mut regs.rax,
        11 => &mut regs.rcx,
        12 => &mut regs.rdx,
        13 => &mut regs.rsi,
        14 => &mut regs.rdi,
        15 => &mut regs.rip,
        16 => &mut regs.rflags,
        _ => &mut regs.rsp,
    };
    *register ^= mask;
}

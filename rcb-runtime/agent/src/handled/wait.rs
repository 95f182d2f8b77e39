//! wait4 and waitid: the guest's children are groups, which the supervisor watches. It writes into their control pages
//! how they ended; the leader looks there, and all replicas hear what it found.
#![allow(unsafe_code, reason = "waits on a shared word")]

use crate::call::{Answer, Call, once};
use crate::guest;
use crate::shared;
use crate::signals;
use crate::state::State;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use rcb_abi::control::{Control, process};
use rcb_abi::segment::{CHILDREN, ChildProcess};
use rcb_sys::errno::{ECHILD, EFAULT, EINTR, EINVAL, fail, is_error};
use rcb_sys::{nr, syscall};

const WNOHANG: u64 = 1;
const WUNTRACED: u64 = 2;
const WEXITED: u64 = 4;
const WCONTINUED: u64 = 8;
const WNOWAIT: u64 = 0x0100_0000;
/// `__WNOTHREAD`, `__WALL`, `__WCLONE`.
const KINDS: u64 = 0xe000_0000;

/// Which children are waited for.
#[derive(Clone, Copy)]
enum Whose {
    Any,
    Pid(u32),
    Group(u32),
}

/// The calls.
pub fn wait(st: &mut State, call: &Call) -> Answer {
    let answer = once(st, call, true, |st, _| {
        shared::own(st.replica).waited.store(0, Relaxed);
        if call.nr == nr::WAIT4 { wait4(st, call) } else { waitid(st, call) }
    });
    let leader = if st.leads() { shared::own(st.replica) } else { shared::peer(st.leader) };
    let waited = leader.waited.load(Acquire);
    if answer.result >= 0 && waited != 0 {
        forget(st, waited - 1);
    }
    answer
}

/// The guest has learnt of the end of this child.
fn forget(st: &State, group: u32) {
    let own = shared::own(st.replica);
    for child in &mut own.carry.children {
        if child.pid != 0 && child.group == group {
            *child = ChildProcess::default();
        }
    }
    if st.leads() {
        let count = own.reaped_count.load(Relaxed);
        own.reaped[count as usize % CHILDREN].store(group, Relaxed);
        own.reaped_count.store(count + 1, Release);
    }
}

fn wait4(st: &mut State, call: &Call) -> i64 {
    let [pid, status_at, options, usage_at, ..] = call.args;
    if options & !(WNOHANG | WUNTRACED | WCONTINUED | KINDS) != 0 {
        return fail(EINVAL);
    }
    let whose = match pid as i32 {
        -1 => Whose::Any,
        0 => Whose::Group(own_group()),
        pid if pid > 0 => Whose::Pid(pid as u32),
        group => Whose::Group(group.unsigned_abs()),
    };
    let (child, control) = match find(st, whose, options) {
        Ok(Some(found)) => found,
        Ok(None) => return 0,
        Err(errno) => return fail(errno),
    };
    let status = control.status.load(Relaxed);
    if (status_at != 0 && guest::put(status_at, &status).is_err()) || !put_usage(usage_at, control) {
        return fail(EFAULT);
    }
    taken(st, child);
    i64::from(child.pid)
}

fn waitid(st: &mut State, call: &Call) -> i64 {
    const P_ALL: u64 = 0;
    const P_PID: u64 = 1;
    const P_PGID: u64 = 2;
    let [kind, id, info_at, options, usage_at, _] = call.args;
    let known = WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT | KINDS;
    if options & !known != 0 || options & (WEXITED | WUNTRACED | WCONTINUED) == 0 {
        return fail(EINVAL);
    }
    let whose = match kind {
        P_ALL => Whose::Any,
        P_PID if id as i32 > 0 => Whose::Pid(id as u32),
        P_PGID if id as i32 == 0 => Whose::Group(own_group()),
        P_PGID if id as i32 > 0 => Whose::Group(id as u32),
        _ => return fail(EINVAL),
    };
    // Only ends are reported, and only to those who ask for them.
    let (child, control) = match find(st, whose, if options & WEXITED == 0 { options | WNOHANG } else { options }) {
        Ok(Some(found)) if options & WEXITED != 0 => found,
        Ok(_) => {
            let none = [0u8; 128];
            return if info_at != 0 && guest::write(info_at, &none).is_err() { fail(EFAULT) } else { 0 };
        }
        Err(errno) => return fail(errno),
    };
    let info = info(child.pid, control);
    // SAFETY: a plain structure of integers viewed as bytes.
    let raw = unsafe { core::slice::from_raw_parts((&raw const info).cast::<u8>(), 128) };
    if (info_at != 0 && guest::write(info_at, raw).is_err()) || !put_usage(usage_at, control) {
        return fail(EFAULT);
    }
    if options & WNOWAIT == 0 {
        taken(st, child);
    }
    0
}

/// siginfo of a child's end.
pub fn info(pid: u32, control: &Control) -> rcb_sys::types::SigInfo {
    const CLD_EXITED: i32 = 1;
    const CLD_KILLED: i32 = 2;
    const CLD_DUMPED: i32 = 3;
    let status = control.status.load(Relaxed);
    let (code, value) = match status {
        status if status.trailing_zeros() >= 7 => (CLD_EXITED, status >> 8 & 0xff),
        status if status & 0x80 != 0 => (CLD_DUMPED, status & 0x7f),
        status => (CLD_KILLED, status & 0x7f),
    };
    let mut info = rcb_sys::types::SigInfo { signo: signals::SIGCHLD as i32, code, ..Default::default() };
    // SAFETY: asks for a number.
    let uid = unsafe { syscall!(102, 0, 0, 0, 0, 0, 0) } as u64;
    // In ticks of the clock, of which there are 100 a second.
    let ticks = |which: usize| control.used_us[which].load(Relaxed) / 10_000;
    info.fields[..4].copy_from_slice(&[u64::from(pid) | uid << 32, u64::from(value), ticks(0), ticks(1)]);
    info
}

fn put_usage(at: u64, control: &Control) -> bool {
    let mut usage = [0u64; 18];
    for which in 0..2 {
        let micros = control.used_us[which].load(Relaxed);
        (usage[2 * which], usage[2 * which + 1]) = (micros / 1_000_000, micros % 1_000_000);
    }
    at == 0 || guest::put(at, &usage).is_ok()
}

fn taken(st: &State, child: ChildProcess) {
    shared::own(st.replica).waited.store(child.group + 1, Relaxed);
}

fn own_group() -> u32 {
    // SAFETY: asks for a number.
    unsafe { syscall!(nr::GETPGRP, 0, 0, 0, 0, 0, 0) as u32 }
}

/// Waits for a child that has ended; `None` when there is none yet and waiting is not wanted.
fn find(st: &mut State, whose: Whose, options: u64) -> Result<Option<(ChildProcess, &'static Control)>, u16> {
    loop {
        let seen = shared::control().child_events.load(Acquire);
        let mut candidates = 0;
        for child in shared::own(st.replica).carry.children {
            let control = shared::control_of(child.group as usize);
            let ended = child.pid != 0 && control.state.load(Acquire) == process::ENDED;
            let matches = match whose {
                Whose::Any => true,
                Whose::Pid(pid) => child.pid == pid,
                Whose::Group(group) => group_of(child, control, ended).is_none_or(|own| own == group),
            };
            if child.pid == 0 || !matches {
                continue;
            }
            if ended && signals::leaves_no_zombies(st) {
                forget(st, child.group);
            } else if ended {
                return Ok(Some((child, control)));
            } else {
                candidates += 1;
            }
        }
        if candidates == 0 {
            return Err(ECHILD);
        }
        if options & WNOHANG != 0 {
            return Ok(None);
        }
        if rcb_sys::raw::interrupted().load(Relaxed) != 0 {
            return Err(EINTR);
        }
        let word = &shared::control().child_events;
        // SAFETY: waits on a shared word.
        unsafe { rcb_sys::raw::interruptible(nr::FUTEX, [word.as_ptr() as u64, 0, u64::from(seen as u32), 0, 0, 0]) };
    }
}

/// Process group of a child; `None` for the moment in which its leader's process is gone and its other replicas are not.
fn group_of(child: ChildProcess, control: &Control, ended: bool) -> Option<u32> {
    if ended {
        return Some(control.pgid.load(Relaxed));
    }
    // SAFETY: asks for a number.
    let group = unsafe { syscall!(nr::GETPGID, child.pid, 0, 0, 0, 0, 0) };
    (!is_error(group)).then_some(group as u32)
}

//! wait4 and waitid: the guest's children are groups, which the supervisor watches. It writes into their control pages
//! how they ended, stopped or went on; the leader looks there, and all replicas hear what it found.
//!
//! LIMIT: SIGCHLD may arrive a moment after a wait has told of what it is about.
#![allow(unsafe_code, reason = "waits on a shared word")]

use crate::agree::meet;
use crate::call::{Answer, Call, once};
use crate::guest;
use crate::handled::pidfd;
use crate::recovery;
use crate::shared;
use crate::signals;
use crate::state::State;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use rcb_abi::control::{Control, process};
use rcb_abi::segment::{CHILDREN, ChildProcess};
use rcb_sys::errno::{EAGAIN, ECHILD, EFAULT, EINTR, EINVAL, fail, is_error};
use rcb_sys::{nr, syscall};

/// `wait4` of a child that has gone on.
const CONTINUED: u32 = 0xffff;
/// Low byte of what `wait4` says of a child that has stopped.
const STOPPED: u32 = 0x7f;
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
    let perform = |st: &mut State, _: &[u64; 6]| {
        let own = shared::own();
        own.waited.store(0, Relaxed);
        own.waited_changes.store(0, Relaxed);
        if call.nr == nr::WAIT4 { wait4(st, call) } else { waitid(st, call) }
    };
    let answer = if st.leads() {
        once(st, call, true, perform)
    } else {
        // Whoever waits here waits for a child, which needs the CPU.
        meet::briefly(st, |st| once(st, call, true, perform))
    };
    let leader = if st.leads() { shared::own() } else { shared::peer(st.source()) };
    let news = u64::from(leader.waited.load(Acquire)) << 32 | u64::from(leader.waited_changes.load(Relaxed));
    let news = recovery::replay::side(st, news);
    let (waited, changes) = ((news >> 32) as u32, news as u32);
    if answer.result >= 0 && waited != 0 {
        let group = waited - 1;
        if changes == 0 { forget(st, group) } else { know(group, changes) }
    }
    answer
}

/// The guest has learnt that this child has stopped or gone on.
fn know(group: u32, changes: u32) {
    let children = &mut shared::own().carry.children;
    for child in children.iter_mut().filter(|child| child.pid != 0 && child.group == group) {
        child.job_changes = changes;
    }
}

/// A child of which there is news.
struct News {
    child: ChildProcess,
    control: &'static Control,
    /// As `wait4` says it.
    status: u32,
    /// 0 for its end, else how often it has stopped or gone on.
    changes: u32,
}

/// The guest has learnt of the end of this child.
fn forget(st: &State, group: u32) {
    let own = shared::own();
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
    let news = match find(st, whose, options | WEXITED) {
        Ok(Some(found)) => found,
        Ok(None) => return 0,
        Err(errno) => return fail(errno),
    };
    if (status_at != 0 && guest::put(status_at, &news.status).is_err()) || !put_usage(usage_at, news.control) {
        return fail(EFAULT);
    }
    taken(&news);
    i64::from(news.child.pid)
}

fn waitid(st: &mut State, call: &Call) -> i64 {
    const P_ALL: u64 = 0;
    const P_PID: u64 = 1;
    const P_PGID: u64 = 2;
    const P_PIDFD: u64 = 3;
    let [kind, id, info_at, options, usage_at, _] = call.args;
    let known = WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT | KINDS;
    if options & !known != 0 || options & (WEXITED | WUNTRACED | WCONTINUED) == 0 {
        return fail(EINVAL);
    }
    let (mut options, mut none_yet) = (options, 0);
    let whose = match kind {
        P_PIDFD => match pidfd::awaited(st, id) {
            Ok(awaited) => {
                if awaited.nonblocking && options & WNOHANG == 0 {
                    (options, none_yet) = (options | WNOHANG, fail(EAGAIN));
                }
                if awaited.ended && options & WEXITED != 0 {
                    // What `poll` has told of is there for `waitid`, too.
                    options &= !WNOHANG;
                }
                Whose::Pid(awaited.pid)
            }
            Err(errno) => return fail(errno),
        },
        P_ALL => Whose::Any,
        P_PID if id as i32 > 0 => Whose::Pid(id as u32),
        P_PGID if id as i32 == 0 => Whose::Group(own_group()),
        P_PGID if id as i32 > 0 => Whose::Group(id as u32),
        _ => return fail(EINVAL),
    };
    let news = match find(st, whose, options) {
        Ok(Some(found)) => found,
        Ok(None) if none_yet != 0 => return none_yet,
        Ok(None) => {
            let none = [0u8; 128];
            return if info_at != 0 && guest::write(info_at, &none).is_err() { fail(EFAULT) } else { 0 };
        }
        Err(errno) => return fail(errno),
    };
    let info = info(news.child.pid, news.status, news.control);
    // SAFETY: a plain structure of integers viewed as bytes.
    let raw = unsafe { core::slice::from_raw_parts((&raw const info).cast::<u8>(), 128) };
    if (info_at != 0 && guest::write(info_at, raw).is_err()) || !put_usage(usage_at, news.control) {
        return fail(EFAULT);
    }
    if options & WNOWAIT == 0 {
        taken(&news);
    }
    0
}

/// siginfo of a child's news.
pub fn info(pid: u32, status: u32, control: &Control) -> rcb_sys::types::SigInfo {
    const CLD_EXITED: i32 = 1;
    const CLD_KILLED: i32 = 2;
    const CLD_DUMPED: i32 = 3;
    const CLD_STOPPED: i32 = 5;
    const CLD_CONTINUED: i32 = 6;
    const SIGCONT: u32 = 18;
    let (code, value) = match status {
        CONTINUED => (CLD_CONTINUED, SIGCONT),
        status if status & 0xff == STOPPED => (CLD_STOPPED, status >> 8 & 0xff),
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

fn taken(news: &News) {
    let own = shared::own();
    own.waited.store(news.child.group + 1, Relaxed);
    own.waited_changes.store(news.changes, Relaxed);
}

/// What there is to say of a child that lives and has stopped or gone on, if that is asked for.
fn job_news(child: ChildProcess, control: &'static Control, options: u64) -> Option<News> {
    let changes = control.job_changes.load(Acquire);
    if child.pid == 0 || changes == child.job_changes {
        return None;
    }
    let status = control.job_status.load(Relaxed);
    let wanted = if status == CONTINUED { WCONTINUED } else { WUNTRACED };
    (options & wanted != 0).then_some(News { child, control, status, changes })
}

fn own_group() -> u32 {
    // SAFETY: asks for a number.
    unsafe { syscall!(nr::GETPGRP, 0, 0, 0, 0, 0, 0) as u32 }
}

/// Waits for a child of which there is news; `None` when there is none yet and waiting is not wanted.
fn find(st: &mut State, whose: Whose, options: u64) -> Result<Option<News>, u16> {
    loop {
        let seen = shared::control().child_events.load(Acquire);
        let mut candidates = 0;
        for child in shared::own().carry.children {
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
            } else if ended && options & WEXITED != 0 {
                return Ok(Some(News { child, control, status: control.status.load(Relaxed), changes: 0 }));
            } else if !ended && let Some(news) = job_news(child, control, options) {
                return Ok(Some(news));
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

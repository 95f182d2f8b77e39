//! Signals are virtual: mask, dispositions, alternate stack and pending set of the guest live here, and the kernel
//! only knows the agent's own handler. A signal for the guest is queued and delivered at the end of a call (or at the
//! exception that caused it), at the same place in every replica.
//!
//! A handler is entered by copying the kernel's own frame from the agent's signal stack to the guest's stack, so that
//! the guest finds what the kernel would have built, vector state included.
//!
//! LIMIT: the kernel clears the vector registers on entry to a handler; here they keep their values.
#![allow(unsafe_code, reason = "signal frames and the agent's own death")]

mod frame;

pub use frame::{leave, regs_of};

use crate::agree::{meet, post};
use crate::call::post_event;
use crate::handled::exit::{End, announce};
use crate::handled::{identity, petition};
use crate::state::State;
use rcb_abi::segment::{EXCEPTION, petition::STOP};
use rcb_sys::types::{SigAction, SigInfo, Stack, UContext};
use rcb_sys::{nr, syscall};

/// SIGKILL.
pub const SIGKILL: u32 = 9;
/// SIGSEGV.
pub const SIGSEGV: u32 = 11;
/// SIGPIPE.
pub const SIGPIPE: u32 = 13;
/// SIGCHLD.
pub const SIGCHLD: u32 = 17;
/// SIGSTOP.
pub const SIGSTOP: u32 = 19;

const SA_RESETHAND: u64 = 0x8000_0000;
const SS_DISABLE: u32 = 2;
const SS_ONSTACK: u32 = 1;
const SS_AUTODISARM: u32 = 1 << 31;
/// Default action "ignore": CHLD, CONT, URG, WINCH.
const DEFAULT_IGNORED: u64 = bit(17) | bit(18) | bit(23) | bit(28);
/// Default action "stop": TSTP, TTIN, TTOU (and STOP).
const DEFAULT_STOP: u64 = bit(19) | bit(20) | bit(21) | bit(22);

/// Real-time signals that can wait behind a pending one of the same number.
const QUEUE: usize = 128;
/// First real-time signal.
const SIGRTMIN: u32 = 32;

/// Mask bit of a signal.
pub const fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

/// Virtual signal state; small things first, see [`State`].
#[repr(C)]
pub struct Signals {
    /// Blocked signals.
    pub mask: u64,
    /// Pending signals.
    pub pending: u64,
    /// Of these, those to deliver although they are blocked.
    pub forced: u64,
    /// Entries of `queued` in use.
    pub queued_count: usize,
    /// Dispositions.
    pub actions: [SigAction; 65],
    /// Alternate stack.
    pub stack: Stack,
    /// What is known of each pending signal (of real-time signals: of the first).
    pub info: [SigInfo; 65],
    /// Further instances of pending real-time signals, in order.
    pub queued: [SigInfo; QUEUE],
}

impl Signals {
    /// As a new program finds it.
    pub const NEW: Self = Self {
        mask: 0,
        pending: 0,
        forced: 0,
        info: [SigInfo { signo: 0, errno: 0, code: 0, pad: 0, fields: [0; 14] }; 65],
        queued: [SigInfo { signo: 0, errno: 0, code: 0, pad: 0, fields: [0; 14] }; QUEUE],
        queued_count: 0,
        actions: [SigAction { handler: 0, flags: 0, restorer: 0, mask: 0 }; 65],
        stack: Stack { sp: 0, flags: SS_DISABLE, pad: 0, size: 0 },
    };

    /// Whether `sp` is on the alternate stack.
    pub fn on_stack(&self, sp: u64) -> bool {
        self.stack.flags & SS_AUTODISARM == 0 && sp > self.stack.sp && sp - self.stack.sp <= self.stack.size
    }

    /// `ss_flags` as sigaltstack reports them.
    pub fn stack_flags(&self, sp: u64) -> u32 {
        if self.stack.size == 0 {
            SS_DISABLE
        } else if self.on_stack(sp) {
            SS_ONSTACK | self.stack.flags
        } else {
            self.stack.flags
        }
    }
}

/// siginfo of a signal the guest sends itself: `code` as in si_code.
pub fn own_info(signal: u32, code: i32) -> SigInfo {
    let mut info = SigInfo { signo: signal as i32, errno: 0, code, pad: 0, fields: [0; 14] };
    // SAFETY: asks for a number.
    let uid = unsafe { syscall!(102, 0, 0, 0, 0, 0, 0) } as u64;
    info.fields[0] = identity::pid() as u64 & 0xffff_ffff | uid << 32;
    info
}

/// Whether the default action of a signal is in force and ends the process.
pub fn ends_by_default(st: &State, signal: u32) -> bool {
    st.signals.actions[signal as usize].handler == 0 && (DEFAULT_IGNORED | DEFAULT_STOP) & bit(signal) == 0
}

/// Whether a call that a signal has ended begins anew once its handler is done (signal(7), "Interruption of system
/// calls and library functions by signal handlers").
pub fn restarts(st: &State, nr: u32) -> bool {
    const SA_RESTART: u64 = 0x1000_0000;
    let ready = deliverable(st);
    if ready == 0 {
        return false;
    }
    let action = &st.signals.actions[ready.trailing_zeros() as usize + 1];
    // poll, select, msgsnd, msgrcv, semop, pause, nanosleep, rt_sigtimedwait, rt_sigsuspend, io_getevents, semtimedop,
    // clock_nanosleep, epoll_wait, pselect6, ppoll, epoll_pwait, epoll_pwait2: never.
    let never =
        matches!(nr, 7 | 23 | 34 | 35 | 65 | 69 | 70 | 128 | 130 | 208 | 220 | 230 | 232 | 270 | 271 | 281 | 441);
    action.handler == 0 || (action.flags & SA_RESTART != 0 && !never)
}

/// Whether children that end leave nothing to wait for.
pub fn leaves_no_zombies(st: &State) -> bool {
    const SA_NOCLDWAIT: u64 = 2;
    let action = &st.signals.actions[SIGCHLD as usize];
    action.handler == 1 || action.flags & SA_NOCLDWAIT != 0
}

/// A forked process has nothing pending.
pub fn forked(st: &mut State) {
    st.signals.pending = 0;
    st.signals.forced = 0;
    st.signals.queued_count = 0;
    tell_stop_news(st);
    crate::shared::own().death_signal.store(0, core::sync::atomic::Ordering::Relaxed);
    crate::arrivals::forget(st);
}

/// Says whether the guest wants to be told of children that stop or go on.
pub fn tell_stop_news(st: &State) {
    const SA_NOCLDSTOP: u64 = 1;
    let action = &st.signals.actions[SIGCHLD as usize];
    // By default they are ignored, but not while they are blocked.
    let none = action.handler == 1 || action.flags & SA_NOCLDSTOP != 0;
    crate::shared::own().no_stop_news.store(u32::from(none), core::sync::atomic::Ordering::Relaxed);
}

/// Makes a signal pending, unless it is ignored. False when a real-time signal finds its queue full.
pub fn queue(st: &mut State, info: SigInfo) -> bool {
    let signal = info.signo as u32;
    let action = &st.signals.actions[signal as usize];
    let ignored = action.handler == 1 || (action.handler == 0 && bit(signal) & DEFAULT_IGNORED != 0);
    if ignored && st.signals.mask & bit(signal) == 0 {
        return true;
    }
    let signals = &mut st.signals;
    if signals.pending & bit(signal) == 0 {
        signals.info[signal as usize] = info;
    } else if signal >= SIGRTMIN {
        if signals.queued_count == QUEUE {
            return false;
        }
        signals.queued[signals.queued_count] = info;
        signals.queued_count += 1;
    }
    signals.pending |= bit(signal);
    true
}

/// Forgets all instances of a signal, as when it is set to be ignored.
pub fn flush(signals: &mut Signals, signal: u32) {
    signals.pending &= !bit(signal);
    let mut kept = 0;
    for i in 0..signals.queued_count {
        if signals.queued[i].signo != signal as i32 {
            signals.queued[kept] = signals.queued[i];
            kept += 1;
        }
    }
    signals.queued_count = kept;
}

/// Whether a disposition drops the signal.
pub fn drops(handler: u64, signal: u32) -> bool {
    handler == 1 || (handler == 0 && bit(signal) & DEFAULT_IGNORED != 0)
}

/// Takes one instance of a pending signal.
fn take(signals: &mut Signals, signal: u32) -> SigInfo {
    let info = signals.info[signal as usize];
    let waiting = signals.queued[..signals.queued_count].iter().position(|i| i.signo == signal as i32);
    if let Some(at) = waiting {
        signals.info[signal as usize] = signals.queued[at];
        signals.queued.copy_within(at + 1..signals.queued_count, at);
        signals.queued_count -= 1;
    } else {
        signals.pending &= !bit(signal);
        signals.forced &= !bit(signal);
    }
    info
}

/// Pending signals that are not blocked.
#[inline]
pub fn deliverable(st: &State) -> u64 {
    st.signals.pending & (!st.signals.mask | st.signals.forced)
}

/// Whether a call that failed with EPIPE also raises SIGPIPE.
pub fn raises_pipe(nr: u32, args: &[u64; 6]) -> bool {
    const MSG_NOSIGNAL: u64 = 0x4000;
    match nr {
        // write, pwrite64, writev, sendfile, splice, tee, pwritev, vmsplice, pwritev2
        1 | 18 | 20 | 40 | 275 | 276 | 278 | 296 | 328 => true,
        // sendto, sendmmsg: flags are the fourth argument
        44 | 307 => args[3] & MSG_NOSIGNAL == 0,
        // sendmsg
        46 => args[2] & MSG_NOSIGNAL == 0,
        _ => false,
    }
}

/// Delivers what is deliverable into `uc`, the frame with which the guest will go on.
pub fn deliver(st: &mut State, uc: &mut UContext) {
    while deliverable(st) != 0 {
        // Synchronous signals first, as the kernel does, then the lowest number.
        let ready = deliverable(st);
        let synchronous = ready & (bit(4) | bit(5) | bit(7) | bit(8) | bit(11) | bit(31));
        let signal = (if synchronous != 0 { synchronous } else { ready }).trailing_zeros() + 1;
        let info = take(&mut st.signals, signal);
        let action = st.signals.actions[signal as usize];
        match action.handler {
            1 => {}
            0 if bit(signal) & DEFAULT_IGNORED != 0 => {}
            0 if bit(signal) & DEFAULT_STOP != 0 => stop_self(st, signal),
            0 => die(st, uc, signal),
            _ => {
                if action.flags & SA_RESETHAND != 0 {
                    st.signals.actions[signal as usize].handler = 0;
                }
                if frame::enter(st, uc, signal, &info, &action).is_err() {
                    st.signals.actions[SIGSEGV as usize].handler = 0;
                    die(st, uc, SIGSEGV);
                }
            }
        }
    }
}

/// A CPU exception that all replicas have agreed on.
pub fn exception(st: &mut State, uc: &mut UContext, info: &SigInfo) {
    let signal = info.signo as u32;
    let action = st.signals.actions[signal as usize];
    if st.signals.mask & bit(signal) != 0 || action.handler <= 1 {
        die(st, uc, signal);
    }
    st.signals.info[signal as usize] = *info;
    st.signals.pending |= bit(signal);
    deliver(st, uc);
}

/// The guest's default action for a signal is death: agreed, announced, then real.
pub fn die(st: &mut State, uc: &UContext, signal: u32) -> ! {
    let regs = regs_of(uc);
    post_event(st, &regs, EXCEPTION + signal, [u64::from(signal), 0, 0, 0, 0, 0], 1);
    if st.n > 1 {
        meet::symmetric(st);
    }
    post::conclude(st, 0, 0);
    crate::handled::window::hand_over();
    announce(End::Signal, signal);
    if !st.leads() {
        // One core file is enough.
        let none = [0u64; 2];
        // SAFETY: lowers a limit of a process about to die.
        unsafe { syscall!(nr::PRLIMIT64, 0, 4, &raw const none, 0, 0, 0) };
    }
    kill_self(signal)
}

/// Dies of a signal, whatever its disposition was.
pub fn kill_self(signal: u32) -> ! {
    let action = SigAction::default();
    let mask = bit(signal);
    // SAFETY: resets a disposition, unblocks the signal and sends it to this process.
    unsafe {
        syscall!(nr::RT_SIGACTION, signal, &raw const action, 0, 8, 0, 0);
        let pid = syscall!(nr::GETPID, 0, 0, 0, 0, 0, 0);
        syscall!(nr::KILL, pid, signal, 0, 0, 0, 0);
        syscall!(nr::RT_SIGPROCMASK, 1, &raw const mask, 0, 8, 0, 0);
        loop {
            syscall!(nr::EXIT_GROUP, 128 + signal, 0, 0, 0, 0, 0);
        }
    }
}

/// The guest's default action for a signal is to stop. Only the supervisor can stop all replicas, and it knows whether
/// somebody is there who would let a process of this group go on: an orphaned one is not stopped.
fn stop_self(st: &State, signal: u32) {
    if st.leads() {
        petition::ask(st, STOP, identity::pid() as i32, signal as i32);
    }
}

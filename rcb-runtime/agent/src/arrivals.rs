//! Signals from outside, on their way from the kernel to the guest.
//!
//! The leader's process has the guest's real mask and dispositions, so the kernel decides as it would natively what
//! arrives, what waits, what interrupts. What arrives goes into a ring ([`arrived`], the agent's handler); with the next
//! record the leader admits it ([`admit`]), and every replica queues it at the same request ([`take`]). The
//! followers' processes block everything.
//!
//! ```text
//!  kernel -> handler -> ring -> (record of the next call) -> pending in every replica -> the guest's handler
//! ```
//!
//! Invariant: the handler touches the ring, the frame it interrupted and three words that say what has arrived, nothing
//! else of the agent.
#![allow(unsafe_code, reason = "a ring that a signal handler fills, and the process's own signal state")]

use crate::fault::{Words, park};
use crate::guest;
use crate::handled::wait;
use crate::recovery::replay;
use crate::shared;
use crate::signals::{self, bit};
use crate::state::{State, words};
use core::cell::UnsafeCell;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::fence;
use rcb_abi::control::process;
use rcb_abi::fault::kind;
use rcb_abi::segment::{ADMITTED, ChildProcess, RING};
use rcb_sys::types::{SigAction, SigInfo, UContext};
use rcb_sys::{nr, raw, syscall};
use rcb_vote::digest::chain_result;

/// Signals that the agent itself uses: never blocked, never given a disposition.
pub const OWN: u64 = bit(4) | bit(5) | bit(7) | bit(8) | bit(11) | bit(31);
/// The kernel's part of these is the agent's: SIGKILL, SIGSTOP, and SIGPIPE, which comes from results.
pub const NOT_MIRRORED: u64 = OWN | bit(9) | bit(19) | bit(signals::SIGPIPE);
/// Signals whose default action stops a process: the kernel's own doing in every replica.
const STOPS: u64 = bit(20) | bit(21) | bit(22);
const SIGCONT: u32 = 18;
const CONTINUES: u64 = bit(SIGCONT);
const SIG_SETMASK: u64 = 2;
/// What people and programs send to end a process: SIGHUP, SIGINT, SIGQUIT, SIGTERM.
const ENDS: u64 = bit(1) | bit(2) | bit(3) | bit(15);
/// Places in the ring.
const PLACES: usize = 64;

struct Ring {
    places: [UnsafeCell<SigInfo>; PLACES],
}

// SAFETY: one thread; the handler has written a place before anything else of the agent goes on.
unsafe impl Sync for Ring {}

const EMPTY: SigInfo = SigInfo { signo: 0, errno: 0, code: 0, pad: 0, fields: [0; 14] };

/// How many have arrived and were admitted stands in [`words`].
static ARRIVED: Ring = Ring { places: [const { UnsafeCell::new(EMPTY) }; PLACES] };

/// The handler's part: all signals but the agent's own are blocked meanwhile.
pub fn arrived(st: &State, info: &SigInfo, uc: &mut UContext) {
    if !st.leads() {
        // The signals that the processor may raise are open in followers as well, and somebody has sent one.
        return;
    }
    if words().arrived.load(Relaxed) - words().admitted.load(Acquire) < PLACES {
        // One of the agent's own signals may be interrupted here by another signal, which then takes the next place.
        let head = words().arrived.fetch_add(1, Release);
        // SAFETY: the place is free, and nobody reads it before this handler has returned.
        unsafe { *ARRIVED.places[head % PLACES].get() = *info };
    }
    raw::interrupted().store(1, SeqCst);
    if let Some(abort) = raw::abort(uc.rip) {
        uc.rip = abort;
    }
    // The guest may never make a call again: the supervisor sees to what cannot wait for ever.
    let (own, signal) = (shared::own(), info.signo as u32);
    own.waiting.store(signal, Relaxed);
    if signals::ends_by_default(st, signal) {
        own.fatal.store(signal, Relaxed);
    }
    if signals::ends_by_default(st, signal) || bit(signal) & ENDS != 0 {
        crate::fault::notify(st);
    }
}

fn place(index: usize) -> SigInfo {
    // SAFETY: between `tail` and `head` only this side touches the places.
    unsafe { *ARRIVED.places[index % PLACES].get() }
}

/// Takes the first arrival that may be delivered out of the ring.
fn next(st: &State) -> Option<SigInfo> {
    let (tail, head) = (words().admitted.load(Relaxed), words().arrived.load(Acquire));
    let at = (tail..head).find(|at| admissible(st, place(*at).signo as u32))?;
    let info = place(at);
    for later in (tail + 1..=at).rev() {
        // SAFETY: as in `place`.
        unsafe { *ARRIVED.places[later % PLACES].get() = place(later - 1) };
    }
    words().admitted.store(tail + 1, Release);
    Some(info)
}

fn admissible(st: &State, signal: u32) -> bool {
    st.signals.mask & bit(signal) == 0 || st.wait_mask.is_some_and(|mask| mask & bit(signal) == 0)
}

/// Whether something has arrived that a call has to end for.
pub fn waiting(st: &State) -> bool {
    let (tail, head) = (words().admitted.load(Relaxed), words().arrived.load(Acquire));
    (tail..head).any(|at| admissible(st, place(at).signo as u32))
}

/// Sets [`raw::interrupted`] anew after masks or the ring have changed.
pub fn refresh(st: &State) {
    raw::interrupted().store(0, SeqCst);
    fence(SeqCst);
    if waiting(st) {
        raw::interrupted().store(1, SeqCst);
    } else {
        shared::own().waiting.store(0, Relaxed);
    }
}

/// Leader, before it publishes a record: what goes with it. Queues it here and says whether there is anything.
pub fn admit(st: &mut State) -> bool {
    if words().arrived.load(Acquire) == words().admitted.load(Relaxed) {
        return false;
    }
    let mut count = 0;
    while count < ADMITTED
        && let Some(mut info) = next(st)
    {
        correct(&mut info);
        let admitted = &mut shared::own().admitted[(st.seq % RING as u64) as usize];
        // SAFETY: a plain structure of integers viewed as words.
        admitted.infos[count] = unsafe { core::mem::transmute::<SigInfo, [u64; 16]>(info) };
        count += 1;
        admitted.count.store(count as u32, Relaxed);
        queue(st, info);
    }
    let admitted = &shared::own().admitted[(st.seq % RING as u64) as usize];
    admitted.digest.store(digest(st.seq, &admitted.infos[..count]), Relaxed);
    refresh(st);
    count > 0
}

fn digest(seq: u64, infos: &[[u64; 16]]) -> u64 {
    infos.as_flattened().iter().fold(seq, |digest, word| chain_result(digest, *word, 1))
}

/// Alone there is nobody to tell.
pub fn admit_alone(st: &mut State) {
    if words().arrived.load(Acquire) == words().admitted.load(Relaxed) {
        return;
    }
    while let Some(mut info) = next(st) {
        correct(&mut info);
        queue(st, info);
    }
    refresh(st);
}

/// Follower: queues what the leader has admitted with the record of the current request.
pub fn take(st: &mut State) {
    if replay::is_answered_again(st) {
        return replay::signals(st).iter().for_each(|words| taken(st, words));
    }
    let admitted = &shared::peer(st.source()).admitted[(st.seq % RING as u64) as usize];
    let count = (admitted.count.load(Relaxed) as usize).min(ADMITTED);
    let infos = admitted.infos;
    if digest(st.seq, &infos[..count]) != admitted.digest.load(Relaxed) {
        park(st, Words::of_leader(st, kind::PAYLOAD, count as u64, 1));
    }
    infos[..count].iter().for_each(|words| taken(st, words));
}

fn taken(st: &mut State, words: &[u64; 16]) {
    // SAFETY: integers accept any bits.
    let info = unsafe { core::mem::transmute::<[u64; 16], SigInfo>(*words) };
    if (1..=64).contains(&info.signo) {
        queue(st, info);
    }
}

fn queue(st: &mut State, info: SigInfo) {
    const SIGALRM: u32 = 14;
    let signal = info.signo as u32;
    if signal == SIGALRM && info.code > 0 {
        crate::recovery::bound::rang(st);
    }
    if st.signals.mask & bit(signal) != 0 {
        // Let through by the mask of a call that waits: delivered although it is blocked again.
        st.signals.forced |= bit(signal);
    }
    signals::queue(st, info);
}

/// The end of a child, in the words that the kernel would have found for it: the supervisor sends the bare signal.
fn correct(info: &mut SigInfo) {
    let from_supervisor = info.fields[0] as u32 == shared::control().supervisor;
    if info.code == 0 && info.signo as u32 == signals::SIGCHLD && from_supervisor {
        let carry = &shared::own().carry;
        let ended = carry.children.iter().find(|child| {
            child.pid != 0 && shared::control_of(child.group as usize).state.load(Acquire) == process::ENDED
        });
        if let Some(child) = ended {
            let control = shared::control_of(child.group as usize);
            *info = wait::info(child.pid, control.status.load(Relaxed), control);
        } else if let Some(child) = carry.children.iter().find(|child| changed(child)) {
            let control = shared::control_of(child.group as usize);
            *info = wait::info(child.pid, control.job_status.load(Relaxed), control);
        }
    }
}

/// The same for what rt_sigtimedwait has told, with its result.
pub fn waited(at: u64, signal: i64) -> i64 {
    if signal == i64::from(signals::SIGCHLD)
        && let Ok(mut info) = guest::get::<SigInfo>(at)
    {
        correct(&mut info);
        // It was written a moment ago.
        let _ = guest::put(at, &info);
    }
    signal
}

/// The same for what a signalfd has told, a `struct signalfd_siginfo` at `at`.
pub fn correct_told(at: u64) {
    let (Ok(signo), Ok(words)) = (guest::get::<u32>(at), guest::get::<[u32; 2]>(at + 8)) else { return };
    let [code, pid] = words.map(|word| word as i32);
    let mut info = SigInfo { signo: signo as i32, code, ..Default::default() };
    info.fields[0] = u64::from(pid as u32);
    correct(&mut info);
    if info.code != code {
        let [ids, status, times @ ..] = info.fields;
        // What was there has been written a moment ago.
        let _ = guest::put(at + 8, &(info.code as u32));
        let _ = guest::put(at + 12, &ids);
        let _ = guest::put(at + 40, &(status as u32));
        let _ = guest::put(at + 56, &[times[0], times[1]]);
    }
}

/// Whether a child has stopped or gone on without the guest knowing.
fn changed(child: &ChildProcess) -> bool {
    child.pid != 0 && shared::control_of(child.group as usize).job_changes.load(Acquire) != child.job_changes
}

/// Gives the leader's process the guest's mask; pending signals that it lets through arrive at once.
pub fn mirror_mask(st: &mut State) {
    if !st.leads() || st.kernel_mask == st.signals.mask {
        return;
    }
    st.kernel_mask = st.signals.mask;
    set_mask(st.kernel_mask & !OWN);
    refresh(st);
}

/// The mask that the process gets when the agent's handler returns: the one set last, not the one from before.
pub fn restore_mask(uc: &mut UContext) {
    let st = crate::state::state();
    if st.leads() {
        uc.sigmask = st.kernel_mask & !OWN;
    }
}

/// Whether the guest has made a session of its own. The kernel takes all process groups there for orphaned, as the
/// parent of our processes is the supervisor, and would stop none of them: it is the agent that stops.
fn own_session() -> bool {
    let session = |pid: u32| {
        // SAFETY: asks for a number.
        unsafe { syscall!(nr::GETSID, pid, 0, 0, 0, 0, 0) }
    };
    session(0) != session(shared::control().supervisor)
}

fn set_mask(mask: u64) {
    // SAFETY: the process's own mask.
    unsafe { syscall!(nr::RT_SIGPROCMASK, SIG_SETMASK, &raw const mask, 0, 8, 0, 0) };
}

/// Gives the process the guest's disposition of a signal, as far as the kernel has to know it.
pub fn mirror_action(st: &State, signal: u32) {
    const SA_SIGINFO: u64 = 4;
    const SA_RESTORER: u64 = 0x0400_0000;
    const SA_ONSTACK: u64 = 0x0800_0000;
    const SIG_IGN: u64 = 1;
    if NOT_MIRRORED & bit(signal) != 0 || (!st.leads() && STOPS & bit(signal) == 0) {
        return;
    }
    if signal == signals::SIGCHLD {
        signals::tell_stop_news(st);
    }
    let guest = st.signals.actions[signal as usize].handler;
    let stops = STOPS & bit(signal) != 0 && !own_session();
    let by_kernel = guest == 0 && (stops || signals::drops(0, signal));
    let mut action = SigAction::default();
    if guest == SIG_IGN || (!by_kernel && !st.leads()) {
        action.handler = SIG_IGN;
    } else if !by_kernel {
        action = SigAction {
            handler: crate::trap::signal::async_handler(),
            flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK,
            restorer: raw::restorer(),
            mask: !0,
        };
    }
    // SAFETY: the handler is the agent's own.
    unsafe { syscall!(nr::RT_SIGACTION, signal, &raw const action, 0, 8, 0, 0) };
}

/// A follower's process is called by the supervisor with SIGCONT, which harms nobody who has no handler for it yet; what
/// it does by itself to a stopped process it does all the same.
fn hear_calls() {
    const SA_SIGINFO: u64 = 4;
    const SA_RESTORER: u64 = 0x0400_0000;
    const SA_ONSTACK: u64 = 0x0800_0000;
    let action = SigAction {
        handler: crate::trap::signal::call_handler(),
        flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK,
        restorer: raw::restorer(),
        mask: 0,
    };
    // SAFETY: the handler is the agent's own.
    unsafe { syscall!(nr::RT_SIGACTION, SIGCONT, &raw const action, 0, 8, 0, 0) };
}

/// The guest has made a session of its own.
pub fn session_made(st: &State) {
    for signal in (1..=64).filter(|signal| STOPS & bit(*signal) != 0) {
        mirror_action(st, signal);
    }
}

/// At the start of a program: all dispositions, then the mask.
pub fn start(st: &mut State) {
    for signal in 1..=64 {
        mirror_action(st, signal);
    }
    if !st.leads() {
        hear_calls();
    }
    st.kernel_mask = st.signals.mask;
    set_mask(if st.leads() { st.kernel_mask & !OWN } else { !(OWN | STOPS | CONTINUES) });
}

/// Before an execve: what has arrived goes back to the kernel, which keeps it for the next program.
pub fn give_back(st: &mut State) {
    if !st.leads() {
        return;
    }
    hold(st);
    let (tail, head) = (words().admitted.load(Relaxed), words().arrived.load(Acquire));
    for at in tail..head {
        let info = place(at);
        // SAFETY: a signal to this process, which blocks it.
        unsafe { syscall!(nr::TKILL, syscall!(nr::GETTID, 0, 0, 0, 0, 0, 0), info.signo, 0, 0, 0, 0) };
    }
    words().admitted.store(head, Release);
    refresh(st);
}

/// Holds everything back, until [`mirror_mask`] lets it through again: around a fork, so that the child cannot lose
/// what is sent to it before it has forgotten what was sent to its parent.
pub fn hold(st: &mut State) {
    if st.leads() {
        st.kernel_mask = !0;
        set_mask(!OWN);
    }
}

/// A forked process has nothing pending.
pub fn forget(st: &State) {
    words().admitted.store(words().arrived.load(Acquire), Release);
    refresh(st);
}

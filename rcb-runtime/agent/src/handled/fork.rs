//! fork, vfork and clone of a process: every replica forks, and the children are the replicas of a new group.
//!
//! ```text
//!  parent group, each replica                            child group, each replica
//!  1. meets; the leader takes a group set aside
//!  2. clone(CLONE_PARENT): the supervisor's child too -> joins its group's segments, arms dispatch, says its pid
//!  3. the leader's child's pid is the guest's            3. opens its peers, meets them, goes on with 0
//! ```
//!
//! A vfork copies the memory instead of sharing it; the parent waits, as it should, until the child has executed a
//! program or ended. What `posix_spawn` writes for its parent on the stack is handed back (see [`window`]).
#![allow(unsafe_code, reason = "makes processes")]

mod again;
mod wanted;

use crate::agree::{meet, post};
use crate::arrivals;
use crate::call::{Answer, Call, note_refusal, post_event, step};
use crate::descriptors;
use crate::descriptors::streams::{self, Streams};
use crate::fault::{Words, notify_at, park};
use crate::guest;
use crate::handled::{identity, limits, pidfd, window};
use crate::recovery;
use crate::shared;
use crate::signals;
use crate::state::{State, program, words};
use crate::trap::signal;
use core::mem::offset_of;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::fence;
use rcb_abi::control::{NO_GROUP, SPARES};
use rcb_abi::fault::{Regs, boot_site, kind};
use rcb_abi::segment::{Carry, ChildProcess, FORK, Segment, phase};
use rcb_abi::{ABI_VERSION, MAGIC};
use rcb_sys::errno::{EAGAIN, EFAULT, EINVAL, ENOSYS, ESRCH, fail, is_error};
use rcb_sys::{nr, syscall};
use wanted::{
    CLONE_CHILD_SETTID, CLONE_PARENT, CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_SETTLS, CLONE_THREAD, CLONE_VFORK,
    CLONE_VM, KNOWN, SIGCHLD, SIGNAL_MASK, Wanted,
};

/// What a child takes over of its parent's [`Carry`]: all but paths and children.
const HANDED: usize = offset_of!(Carry, generation);
const HANDED_BYTES: usize = offset_of!(Carry, children) - HANDED;
const _: () = assert!(offset_of!(Carry, exe) < HANDED && offset_of!(Carry, execfn) < HANDED);

/// What a child takes over of its parent's segment, which may hold the words of another program by the time it runs.
struct Origin {
    group: u32,
    spin_ps: (u64, u64),
    read: u64,
    needs_socket: u32,
    carry: [u8; HANDED_BYTES],
}

impl Origin {
    fn here() -> Self {
        let own = shared::own();
        let mut carry = [0; HANDED_BYTES];
        // SAFETY: a copy of fields that lie side by side, made of integers.
        unsafe {
            let fields = (&raw const own.carry).cast::<u8>().add(HANDED);
            fields.copy_to_nonoverlapping(carry.as_mut_ptr(), HANDED_BYTES);
        };
        Self {
            group: shared::group() as u32,
            spin_ps: (own.stats.eager_ps, own.stats.pause_ps),
            read: own.moved.read.load(Relaxed),
            needs_socket: own.wait.needs_socket.load(Relaxed),
            carry,
        }
    }

    /// Fills in a segment of zeros.
    fn hand_on(&self, own: &mut Segment) {
        // SAFETY: as above.
        unsafe {
            let fields = (&raw mut own.carry).cast::<u8>().add(HANDED);
            fields.copy_from_nonoverlapping(self.carry.as_ptr(), HANDED_BYTES);
        }
        let exe = program();
        let length = exe.iter().position(|byte| *byte == 0).unwrap_or(0);
        own.carry.exe[..length].copy_from_slice(&exe[..length]);
        own.carry.forks = 0;
        recovery::start_account(own, self.read);
        own.parent.store(self.group, Relaxed);
        (own.stats.eager_ps, own.stats.pause_ps) = self.spin_ps;
        own.wait.needs_socket.store(self.needs_socket, Relaxed);
    }
}

/// The calls.
pub fn fork(st: &mut State, call: &Call, regs: &mut Regs) -> Answer {
    let wanted = match Wanted::of(call) {
        Ok(wanted) => wanted,
        Err(errno) => return Answer::error(errno),
    };
    let shares = wanted.flags & CLONE_VM != 0 && wanted.flags & CLONE_VFORK == 0;
    if shares || wanted.flags & CLONE_THREAD != 0 {
        note_refusal(st, call.nr, 0);
        return Answer::error(ENOSYS);
    }
    let signal = wanted.flags & SIGNAL_MASK;
    if wanted.flags & !KNOWN != 0 || !matches!(signal, 0 | SIGCHLD) {
        note_refusal(st, call.nr, 1);
        return Answer::error(EINVAL);
    }
    if st.n > 1 {
        meet::symmetric(st);
    }
    if st.checkpoints {
        recovery::memory::compare(st, regs, false);
    }
    descriptors::settle(st);
    let base = st.fd_base;
    if wanted.has(CLONE_PIDFD)
        && guest::get::<u32>(wanted.pidfd).and_then(|word| guest::put(wanted.pidfd, &word)).is_err()
    {
        return Answer::error(EFAULT);
    }
    let others = streams::of_fork(st);
    let obstacle = || if wanted.has(CLONE_PIDFD) { pidfd::obstacle(others) } else { 0 };
    let group = step(st, FORK, || match obstacle() {
        0 => take_spare(base) as u64,
        errno => errno as u64,
    }) as i64;
    if is_error(group) {
        return Answer::local(group);
    }
    let group = group as u32;
    make(st, &wanted, group, regs)
}

/// The group set aside for this fork, or an errno.
fn take_spare(fd_base: u32) -> i64 {
    let own = shared::own();
    let carry = &own.carry;
    if !carry.children.iter().any(|child| child.pid == 0) {
        return fail(EAGAIN);
    }
    let control = shared::control();
    let wanted = u64::from(carry.forks) + 1;
    loop {
        let given = control.spares_given.load(Acquire);
        if given >= wanted {
            let group = control.spares[carry.forks as usize % SPARES].load(Relaxed);
            return if group == NO_GROUP { fail(EAGAIN) } else { i64::from(group) };
        }
        own.wanted_fork.store(wanted as u32, Relaxed);
        notify_at(fd_base);
        // SAFETY: waits on a shared word.
        unsafe { syscall!(nr::FUTEX, control.spares_given.as_ptr(), 0, given as u32, 0, 0, 0) };
    }
}

fn make(st: &mut State, wanted: &Wanted, group: u32, regs: &mut Regs) -> Answer {
    if recovery::replay::is_answered_again(st) {
        // The children are there.
        let pid = step(st, FORK, || 0) as i64;
        return made_it(st, wanted, group, (pid, u32::MAX), regs);
    }
    let own = shared::own();
    let waits = wanted.flags & CLONE_VFORK;
    own.wait.phase.store(phase::BLOCKED, Relaxed);
    arrivals::hold(st);
    let streams = streams::before_fork(st);
    let origin = Origin::here();
    // The descriptor is made with the process: later that may be gone already.
    let with = if st.leads() { wanted.flags & CLONE_PIDFD } else { 0 };
    let mut process = u32::MAX;
    own.cloning.store(own.carry.forks + 1, Release);
    let made = match again::child(st, wanted, group) {
        Some(pid) => i64::from(pid),
        // SAFETY: a copy of this process; the child goes on below, on its copy of this stack.
        None => unsafe { syscall!(56, CLONE_PARENT | waits | with | SIGCHLD, 0, &raw mut process, 0, 0, 0) },
    };
    if made == 0 {
        return born(st, wanted, group, regs, (&origin, &streams));
    }
    own.cloned.store(own.carry.forks + 1, Release);
    streams::after_fork(st, &streams, false);
    own.wait.phase.store(phase::RUN, Relaxed);
    arrivals::mirror_mask(st);
    let pid = step(st, FORK, || made as u64) as i64;
    if is_error(pid) != is_error(made) {
        // The other replicas have a child that this one has not, or the reverse.
        park(st, Words::new(kind::RESULT, made.unsigned_abs(), 0));
    }
    made_it(st, wanted, group, (pid, process), regs)
}

/// The parent, from where its child is there; `process` is the descriptor that has come with it, if one has.
fn made_it(st: &mut State, wanted: &Wanted, group: u32, (pid, process): (i64, u32), regs: &Regs) -> Answer {
    if is_error(pid) {
        let own = shared::own();
        own.cloning.store(own.carry.forks, Relaxed);
        own.cloned.store(own.carry.forks, Relaxed);
        return Answer::local(pid);
    }
    let carry = &mut shared::own().carry;
    carry.forks += 1;
    if let Some(place) = carry.children.iter_mut().find(|child| child.pid == 0) {
        *place = ChildProcess { pid: pid as u32, group, ..ChildProcess::default() };
    }
    if wanted.has(CLONE_PIDFD) {
        let made = if process == u32::MAX { -1 } else { pidfd::lowest(u64::from(process)) };
        let fd = pidfd::hand_out(st, regs, pid as u32, made);
        let _ = guest::put(wanted.pidfd, &(fd as u32));
    }
    if wanted.has(CLONE_PARENT_SETTID) {
        let _ = guest::put(wanted.parent_tid, &(pid as u32));
    }
    if wanted.has(CLONE_VM) {
        window::take_back(st, group, regs.rsp);
    }
    Answer::local(pid)
}

/// The child, from its first step to the guest's own code.
fn born(
    st: &mut State,
    wanted: &Wanted,
    group: u32,
    regs: &mut Regs,
    (origin, streams): (&Origin, &Streams),
) -> Answer {
    if limits::with_space(|| shared::join(group, st.replica, st.n, st.fd_base)).is_err() {
        // The segments are gone: only the exit status can speak.
        // SAFETY: ends the process.
        unsafe { syscall!(nr::EXIT_GROUP, 125, 0, 0, 0, 0, 0) };
    }
    let own = shared::own();
    (own.magic, own.version, own.replica) = (MAGIC, ABI_VERSION, st.replica as u32);
    origin.hand_on(own);
    window::remember(wanted.flags & CLONE_VM != 0, regs.rsp);
    recovery::replay::leave_behind(st);
    start_over(st, group);
    bind_to_supervisor();
    let pid = own_pid();
    own.born.store(pid, Release);
    // The supervisor hears of it with whatever happens next: a birth alone gives it nothing to do.
    own.pid.store(pid, SeqCst);
    fence(SeqCst);
    if (0..st.n).any(|peer| shared::peer(peer).asleep.flag.load(Relaxed) != 0) {
        say_pid(pid);
    }
    streams::after_fork(st, streams, true);
    if let Err(errno) = signal::arm_dispatch() {
        park(st, Words::new(kind::BOOT, errno.unsigned_abs(), u64::from(boot_site::INTERCEPT)));
    }
    let first = st.leader;
    meet_peers(st);
    // The number is that of the leader's first process, which may have been replaced meanwhile.
    let pid = match shared::peer(first).born.load(Acquire) {
        0 => shared::peer(st.leader).pid.load(Acquire),
        pid => pid,
    };
    own.carry.pid = pid;
    identity::set_pid(pid);
    own.wait.phase.store(phase::RUN, Relaxed);
    let outer = st.regs;
    post_event(st, regs, FORK, [u64::from(group), u64::from(pid), 0, 0, 0, 0], 2);
    st.regs = outer;
    if st.n > 1 {
        meet::symmetric(st);
    }
    post::conclude(st, 0, 0);
    let outer = st.regs;
    recovery::memory::check_child(st, regs);
    st.regs = outer;
    if wanted.has(CLONE_CHILD_SETTID) {
        let _ = guest::put(wanted.child_tid, &pid);
    }
    if wanted.has(CLONE_SETTLS) {
        const ARCH_SET_FS: u64 = 0x1002;
        // SAFETY: the guest's own thread pointer.
        unsafe { syscall!(nr::ARCH_PRCTL, ARCH_SET_FS, wanted.tls, 0, 0, 0, 0) };
    }
    arrivals::mirror_mask(st);
    if wanted.stack != 0 {
        regs.rsp = wanted.stack;
    }
    recovery::checkpoint::leave(st);
    Answer::local(0)
}

/// The log begins anew; nothing is pending for a new process.
fn start_over(st: &mut State, group: u32) {
    st.chain = rcb_vote::digest::chain_result(st.chain, u64::from(group), 2);
    st.epoch = 0;
    st.begun = 0;
    st.bound = st.bound.forked();
    st.seq = 0;
    st.payload_pos = 0;
    st.payload_start = [0; rcb_abi::segment::RING];
    st.last_fd_seq = 0;
    st.left_at = u64::MAX;
    recovery::journal::start(st, 0);
    words().peers.store(0, Relaxed);
    signals::forked(st);
}

/// What the kernel does not hand on to a child: the order to die with the supervisor, and the name of whom to look for.
pub fn bind_to_supervisor() {
    const PR_SET_PDEATHSIG: u64 = 1;
    const PR_SET_PTRACER: u64 = 0x5961_6d61;
    let supervisor = shared::control().supervisor;
    // SAFETY: options of this process, and a question.
    unsafe {
        syscall!(nr::PRCTL, PR_SET_PDEATHSIG, 9, 0, 0, 0, 0);
        if syscall!(nr::GETPPID, 0, 0, 0, 0, 0, 0) != i64::from(supervisor) {
            syscall!(nr::EXIT_GROUP, 125, 0, 0, 0, 0, 0);
        }
        syscall!(nr::PRCTL, PR_SET_PTRACER, supervisor, 0, 0, 0, 0);
    }
}

/// The id of this process.
pub fn own_pid() -> u32 {
    // SAFETY: asks for a number.
    unsafe { syscall!(nr::GETPID, 0, 0, 0, 0, 0, 0) as u32 }
}

/// Tells the peers the id of this process.
pub fn say_pid(pid: u32) {
    let word = &shared::own().pid;
    word.store(pid, SeqCst);
    // SAFETY: a wake-up on a shared word.
    unsafe { syscall!(nr::FUTEX, word.as_ptr(), 1, i32::MAX, 0, 0, 0) };
}

/// Waits until all replicas of the new group are there, and opens them where one that is lost is replaced: here, if it is
/// lost before it has come.
fn meet_peers(st: &mut State) {
    const NAP_NS: u64 = 20_000_000;
    shared::own().wait.phase.store(phase::ORPHANED, Relaxed);
    let nap = [0u64, NAP_NS];
    loop {
        if recovery::due(st) {
            recovery::attend(st);
        }
        let missing = (0..st.n).find(|peer| shared::peer(*peer).pid.load(Acquire) == 0);
        if let Some(peer) = missing {
            if (0..st.spin).any(|_| {
                core::hint::spin_loop();
                shared::peer(peer).pid.load(Acquire) != 0
            }) {
                continue;
            }
            let flag = &shared::own().asleep.flag;
            flag.store(1, SeqCst);
            fence(SeqCst);
            // SAFETY: waits on a shared word; the time-out is a local.
            unsafe { syscall!(nr::FUTEX, shared::peer(peer).pid.as_ptr(), 0, 0, &raw const nap, 0, 0) };
            flag.store(0, Relaxed);
            continue;
        }
        if !st.heals {
            return;
        }
        match descriptors::open_peers(st, |peer| shared::peer(peer).pid.load(Acquire)) {
            Ok(()) => return,
            Err(errno) if errno == fail(ESRCH) => {
                let epoch = &raw const shared::control().heal.epoch;
                // SAFETY: waits for an order; the time-out is a local.
                unsafe { syscall!(nr::FUTEX, epoch, 0, st.epoch, &raw const nap, 0, 0) };
            }
            Err(errno) => park(st, Words::new(kind::BOOT, errno.unsigned_abs(), u64::from(boot_site::PEERS))),
        }
    }
}

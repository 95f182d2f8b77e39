//! Frozen copies: each of two replicas leaves one at the same request, and both go on from there when they disagree later.
//!
//! ```text
//!  replica    --S--> leave --(clone)--> goes on, S+1, S+2 ... disagrees, is killed
//!  its copy               \--> frozen ............................................ rises --> replay --> live
//!                                                                            and leaves one more
//! ```
//!
//! A copy shares the table of descriptors and the working directory with the replica: so it keeps nothing open that the
//! replica has closed, and finds everything as the replica has left it. Its memory is its own.
//!
//! LIMIT: a process that shares memory with others leaves no copies.
#![allow(unsafe_code, reason = "makes processes that wait, restores the segment")]

use super::{bound, journal, order, refuse, replay};
use crate::agree::meet;
use crate::handled::fork;
use crate::shared;
use crate::state::State;
use crate::trap::signal;
use crate::{arrivals, descriptors};
use core::cell::UnsafeCell;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use rcb_abi::fault::{heal_site, kind};
use rcb_abi::segment::{Carry, FROZEN, no_copies, phase};
use rcb_sys::errno::is_error;
use rcb_sys::{nr, syscall};

const CLONE: u32 = 56;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_PARENT: u64 = 0x8000;
const SIGCHLD: u64 = 17;
const SIG_SETMASK: u64 = 2;

struct Kept(UnsafeCell<[u8; size_of::<Carry>()]>);
// SAFETY: one thread.
unsafe impl Sync for Kept {}
/// What the segment has for the next program: the segment itself is shared, and would be as the replica has left it.
static KEPT: Kept = Kept(UnsafeCell::new([0; size_of::<Carry>()]));

/// Whether all shall leave a copy in front of this request.
#[inline]
pub fn is_due(seq: u64) -> bool {
    order().rollback.freeze_at.load(Relaxed) == seq as u32
}

/// Leaves a copy, which comes back from here when it rises.
#[cold]
pub fn leave(st: &mut State) {
    if !st.checkpoints || st.replay.on || st.left_at == st.seq {
        return;
    }
    st.left_at = st.seq;
    let streams = st.socket_peers != 0 || shared::own().wait.needs_socket.load(Relaxed) != 0;
    let why_not = match (st.bound.lost & bound::MEMORY != 0, streams) {
        (true, _) => no_copies::SHARED_MEMORY,
        (_, true) => no_copies::STREAMS,
        _ => no_copies::NONE,
    };
    if why_not != no_copies::NONE {
        shared::own().no_copies.store(why_not, Relaxed);
        return;
    }
    // SAFETY: one thread; both are as large.
    unsafe {
        let carry = (&raw const shared::own().carry).cast::<u8>();
        KEPT.0.get().cast::<u8>().copy_from_nonoverlapping(carry, size_of::<Carry>());
    }
    journal::mark(st);
    // What is sent to the process group is for the replica, not for a copy on its way to sleep.
    arrivals::hold(st);
    let began = bound::now();
    let mut rises = false;
    loop {
        // SAFETY: a copy of this process; it goes on below, on its copy of this stack.
        let made = unsafe { syscall!(CLONE, CLONE_PARENT | CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0, 0) };
        if made != 0 {
            if !is_error(made) {
                say(st, made as u32, bound::now().wrapping_sub(began));
            }
            break;
        }
        // Whoever rises leaves a copy first: the fault may come back.
        stay(st);
        rises = true;
        // Its own copy waits for another order than this one.
        st.epoch = order().epoch.load(Acquire);
        // This process has not written anything yet, and is about to.
        super::start_account(shared::own(), shared::own().moved.read.load(Relaxed));
        // SAFETY: as above.
        unsafe {
            let carry = (&raw mut shared::own().carry).cast::<u8>();
            carry.copy_from_nonoverlapping(KEPT.0.get().cast::<u8>(), size_of::<Carry>());
        }
    }
    if rises {
        rise(st);
    } else {
        arrivals::mirror_mask(st);
    }
}

/// Tells the supervisor of a copy.
fn say(st: &State, pid: u32, took_ns: u64) {
    let own = shared::own();
    let count = own.frozen_count.load(Relaxed);
    let place = &own.frozen[count as usize % FROZEN];
    place.generation.store(own.carry.generation as u32, Relaxed);
    place.seq.store(st.seq, Relaxed);
    place.journal.store(st.journal.end, Relaxed);
    place.took_ns.store(took_ns, Relaxed);
    place.pid.store(pid, Relaxed);
    own.frozen_count.store(count + 1, Release);
    crate::fault::notify(st);
}

/// Waits to be needed.
fn stay(st: &State) {
    fork::bind_to_supervisor();
    // SAFETY: blocks all signals: they are for the replica.
    unsafe { syscall!(nr::RT_SIGPROCMASK, SIG_SETMASK, &raw const ALL, 0, 8, 0, 0) };
    let word = &shared::own().dismissed;
    let born = word.load(Acquire);
    loop {
        if word.load(Acquire) != born {
            // SAFETY: ends this process.
            unsafe { syscall!(nr::EXIT_GROUP, 0, 0, 0, 0, 0, 0) };
        }
        let (epoch, to) = (order().epoch.load(Acquire), order().rollback.to.load(Relaxed));
        if epoch != st.epoch && to == st.seq + 1 {
            return;
        }
        // SAFETY: waits on a word of the segment.
        unsafe { syscall!(nr::FUTEX, word.as_ptr(), 0, born, 0, 0, 0) };
    }
}

static ALL: u64 = !0;

/// The copies are of no use any more: the process ends.
pub fn dismiss() {
    if shared::control().checkpoints == 0 {
        return;
    }
    let word = &shared::own().dismissed;
    word.fetch_add(1, Release);
    // SAFETY: wakes sleepers on our own word; changes no memory.
    unsafe { syscall!(nr::FUTEX, word.as_ptr(), 1, i32::MAX, 0, 0, 0) };
}

/// Takes the place of the replica that this is a copy of.
fn rise(st: &mut State) {
    let own = shared::own();
    let answered = order().rollback.answered.load(Relaxed);
    if st.leads() {
        for record in own.records.iter().filter(|record| record.seq.load(Relaxed) != answered) {
            record.seq.store(0, Relaxed);
        }
    }
    own.fault.kind.store(kind::NONE, Relaxed);
    own.ending.how.store(0, Relaxed);
    own.asleep.flag.store(0, Relaxed);
    own.wait.intent.store(0, Relaxed);
    own.wait.phase.store(phase::RUN, Relaxed);
    own.retried[0].store(0, Relaxed);
    own.head.nr.store(0, Relaxed);
    own.head.chain.store(st.chain, Relaxed);
    own.head.seq.store(st.seq, Relaxed);
    let epoch = order().epoch.load(Acquire);
    replay::begin(st);
    replay::forget_signals(st);
    arrivals::start(st);
    if let Err(errno) = signal::arm_dispatch() {
        refuse(st, heal_site::PLACE, errno.unsigned_abs());
    }
    fork::say_pid(fork::own_pid());
    meet::announce_epoch(st, epoch);
    for peer in (0..st.n).filter(|peer| *peer != st.replica) {
        meet::until_replaced(epoch, peer);
    }
    if let Err(errno) = descriptors::open_peers(st, |peer| shared::peer(peer).pid.load(Acquire)) {
        refuse(st, heal_site::PLACE, errno.unsigned_abs());
    }
}

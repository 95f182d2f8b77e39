//! A replica is replaced by a copy of another one.
//!
//! ```text
//!  supervisor            donor (a follower)                 the copy                       the others
//!  kills the victim
//!  orders (Heal) ------> at its next post or wait:
//!                        clone(CLONE_PARENT) -------------> takes the victim's segment,
//!                        waits for the copy <-------------- says its pid and the epoch --> wait for the copy
//!  adopts it             looks at its peers anew            looks at its peers anew        look at their peers anew
//! ```
//!
//! A replica follows an order only where it posts a request or waits for a peer: there its state is exactly that of its
//! latest request, and a copy of it can go on from the same place. A copy is always that of a follower, so it never
//! finds itself in the middle of a leader's work. Where the leader is lost, another follower leads from then on
//! ([`take_over`]): the supervisor orders that once all followers wait for the same answer.
#![allow(unsafe_code, reason = "makes a process, maps and opens shared areas")]

mod account;
pub mod bound;
pub mod checkpoint;
pub mod journal;
pub mod memory;
pub mod pace;
pub mod replay;

pub use account::{account, meets, performed_as, read, settled, snapshot, start as start_account, wrote};

use crate::agree::meet;
use crate::fault::{self, Words, park};
use crate::handled::fork;
use crate::load::proc;
use crate::shared;
use crate::state::State;
use crate::trap::signal;
use crate::{arrivals, descriptors};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use rcb_abi::control::Heal;
use rcb_abi::descriptors::{FD_JOURNAL, FD_PEER, FD_SEGMENT};
use rcb_abi::fault::{heal_site, kind};
use rcb_abi::segment::{Segment, phase};
use rcb_abi::{MAX_REPLICAS, OWN_ADDR, segment_addr};
use rcb_sys::errno::{ESRCH, fail, is_error};
use rcb_sys::{nr, syscall};
use replay::Replay;

const CLONE_PARENT: u64 = 0x8000;
const SIGCHLD: u64 = 17;
const CLONE: u32 = 56;
const O_CLOEXEC: u64 = 0o2_000_000;
const O_RDWR: u64 = 2;

fn order() -> &'static Heal {
    &shared::control().heal
}

/// Whether there is an order that this replica has not followed.
#[inline]
pub fn due(st: &State) -> bool {
    order().epoch.load(Acquire) != st.epoch
}

/// Whether all shall stand still at this request.
#[inline]
pub fn stands_at(seq: u64) -> bool {
    order().stand_at.load(Relaxed) == seq as u32
}

/// Stands still until the supervisor has compared the memory of all.
#[cold]
pub fn stand(st: &mut State) {
    if st.replay.on {
        return;
    }
    let at = st.seq as u32;
    let nap = [0u64, 20_000_000];
    while order().released.load(Acquire) != at && order().stand_at.load(Acquire) == at {
        shared::own().wait.phase.store(phase::STANDS, Release);
        fault::notify(st);
        let seen = order().released.load(Acquire);
        if seen != at {
            // SAFETY: waits on a word of the control page; the time-out is a local.
            unsafe { syscall!(nr::FUTEX, order().released.as_ptr(), 0, seen, &raw const nap, 0, 0) };
        }
        if due(st) {
            attend(st);
        }
    }
    shared::own().wait.phase.store(phase::RUN, Relaxed);
}

/// Follows the latest order.
#[cold]
pub fn attend(st: &mut State) {
    if st.replay != Replay::OFF {
        return replay::attend(st);
    }
    let (led, leader) = (st.leads(), st.leader);
    st.epoch = order().epoch.load(Acquire);
    st.leader = shared::control().leader.load(Relaxed) as usize % MAX_REPLICAS;
    let victim = order().victim.load(Relaxed) as usize % MAX_REPLICAS;
    if order().donor.load(Relaxed) as usize == st.replica {
        copy(st, victim);
    }
    if st.replica != victim {
        meet::until_replaced(st.epoch, victim);
    }
    if let Err(errno) = descriptors::open_peers(st, |peer| shared::peer(peer).pid.load(Acquire))
        && errno != fail(ESRCH)
    {
        refuse(st, heal_site::PLACE, errno.unsigned_abs());
    }
    shared::own().carry.leader = st.leader as u32;
    if st.checkpoints {
        journal::replaced(st, victim, leader);
    }
    meet::announce_epoch(st, st.epoch);
    if !led && st.leads() {
        take_over(st);
    }
}

/// This replica cannot do its part: the supervisor ends the run.
pub fn refuse(st: &State, site: u32, detail: u64) -> ! {
    park(st, Words::new(kind::HEAL, detail, u64::from(site)))
}

/// The donor's part; the copy comes back from here, too, as the victim's successor.
fn copy(st: &mut State, victim: usize) {
    if st.bound.lost & bound::MEMORY != 0 {
        refuse(st, heal_site::SHARED_MEMORY, 0);
    }
    if st.socket_peers != 0 || shared::own().wait.needs_socket.load(Relaxed) != 0 {
        refuse(st, heal_site::STREAMS, 0);
    }
    // SAFETY: a copy of this process; it goes on below, on its copy of this stack.
    let made = unsafe { syscall!(CLONE, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0, 0) };
    if is_error(made) {
        refuse(st, heal_site::CLONE, made.unsigned_abs());
    }
    if made == 0 {
        become_replica(st, victim);
    }
}

/// The copy takes the victim's place.
fn become_replica(st: &mut State, victim: usize) {
    let origin = st.replica;
    fork::bind_to_supervisor();
    let place = |result: Result<(), i64>| {
        if result.is_err() {
            // Nobody's segment is ours to speak in; the supervisor sees the end of this process.
            // SAFETY: ends the process.
            unsafe { syscall!(nr::EXIT_GROUP, 125, 0, 0, 0, 0, 0) };
        }
    };
    let column = |replica: usize| st.fd_base + FD_SEGMENT + replica as u32;
    place(reopen(column(victim), O_RDWR));
    place(reopen(column(origin), 0));
    if st.checkpoints {
        // A copy of the first leader can only read it.
        place(reopen(st.fd_base + FD_JOURNAL, O_RDWR));
        place(shared::map_journal(st.fd_base));
    }
    place(shared::replace_own(origin, victim, st.fd_base));
    st.replica = victim;
    fill_segment(origin, victim);
    for peer in 0..MAX_REPLICAS as u32 {
        // SAFETY: the ends of the origin's streams are not ours to use.
        unsafe { syscall!(nr::CLOSE, st.fd_base + FD_PEER + peer, 0, 0, 0, 0, 0) };
    }
    place(signal::arm_dispatch());
    fork::say_pid(fork::own_pid());
    fault::notify(st);
}

const AT_FDCWD: i64 = -100;

/// Opens a descriptor of the agent anew under its number, with other rights.
fn reopen(column: u32, rights: u64) -> Result<(), i64> {
    let path = proc::path_of(b"/proc/self/fd/", u64::from(column));
    // SAFETY: opens a file of ours; the path is ended by a NUL.
    let fd = unsafe { syscall!(nr::OPENAT, AT_FDCWD, path.as_ptr(), rights | O_CLOEXEC, 0, 0, 0) };
    if is_error(fd) {
        return Err(fd);
    }
    // SAFETY: replaces the agent's own descriptor.
    let placed = unsafe { syscall!(nr::DUP3, fd, column, 0, 0, 0, 0) };
    // SAFETY: closes what was opened above.
    unsafe { syscall!(nr::CLOSE, fd, 0, 0, 0, 0, 0) };
    if is_error(placed) { Err(placed) } else { Ok(()) }
}

/// The victim's segment gets what the origin has said, and no record: a copy has not led.
fn fill_segment(origin: usize, victim: usize) {
    let own = shared::own();
    let hook_done = own.wait.hook_done.load(Relaxed);
    let (pid, born) = (own.pid.load(Relaxed), own.born.load(Relaxed));
    let bytes = core::mem::offset_of!(Segment, records);
    // SAFETY: both are mapped segments; the origin stands still until the epoch is announced, and nobody else writes to
    // the segment of a replica whose process is gone.
    unsafe { (segment_addr(origin) as *const u8).copy_to_nonoverlapping(OWN_ADDR as *mut u8, bytes) };
    own.replica = victim as u32;
    // Never 0 where somebody has been: a program that starts finds its place by these numbers.
    own.pid.store(pid, Relaxed);
    own.born.store(born, Relaxed);
    own.asleep.flag.store(0, Relaxed);
    own.wait.hook_done.store(hook_done, Relaxed);
    own.wait.intent.store(0, Relaxed);
    own.wait.phase.store(phase::RUN, Relaxed);
    own.fault.kind.store(0, Relaxed);
    account::start(own, own.moved.read.load(Relaxed));
    for record in &own.records {
        record.seq.store(0, Relaxed);
    }
}

/// The leader is lost: this replica performs calls from now on. Its process gets what the kernel must know of the guest.
fn take_over(st: &mut State) {
    if let Err(lost) = bound::restore(st) {
        refuse(st, heal_site::BOUND, u64::from(lost));
    }
    arrivals::start(st);
    st.begun = order().begun.load(Relaxed);
}

/// Records the words of a fault, and waits until a replica has been replaced, which may have been the cause. Does not
/// return if this one is to blame.
pub fn stand_by(st: &mut State, words: Words) {
    fault::record(st, words);
    let epoch = &order().epoch;
    while !due(st) {
        // SAFETY: waits on a word of the control page.
        unsafe { syscall!(nr::FUTEX, epoch.as_ptr(), 0, st.epoch, 0, 0, 0) };
    }
    let own = shared::own();
    own.fault.kind.store(kind::NONE, Release);
    own.wait.phase.store(phase::RUN, Relaxed);
    attend(st);
}

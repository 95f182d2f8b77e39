//! Descriptors: what the leader makes, the followers mirror under the same number, so that any replica could lead.
//!
//! Mirroring uses `pidfd_getfd`; where that is denied, the leader sends the descriptor over a socket.
#![allow(unsafe_code, reason = "descriptor calls of the agent on its own table")]

pub mod streams;

use crate::agree::meet;
use crate::call::{Call, mirror_failed};
use crate::guest;
use crate::recovery;
use crate::shared;
use crate::state::{State, words};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use rcb_abi::descriptors::{FD_CONTROL, FD_PIDFD};
use rcb_abi::segment::phase;
use rcb_sys::errno::{EBADF, EPERM, ESRCH, fail, is_error};
use rcb_sys::types::MsgHdr;
use rcb_sys::{nr, syscall};
use rcb_syscalls::spec::{Arg, Cloexec, Makes};

const F_SETFD: u64 = 2;
const O_CLOEXEC: u64 = 0o2_000_000;
const MSG_CMSG_CLOEXEC: u64 = 0x4000_0000;
/// Between two looks whether a peer has what a lost leader has not handed over (nanoseconds).
const NAP_NS: u64 = 1_000_000;
/// So many of them until a leader that is still there counts as one that has no such descriptor.
const MAX_NAPS: u32 = 3000;

/// Does something for which the agent needs numbers that the guest's limit may not leave.
fn with_room<T>(work: impl FnOnce() -> T) -> T {
    const RLIMIT_NOFILE: u32 = 7;
    let mut limit = [0u64; 2];
    // SAFETY: reads and raises the process's own limit, up to the kernel's hard one.
    unsafe {
        syscall!(nr::PRLIMIT64, 0, RLIMIT_NOFILE, 0, &raw mut limit, 0, 0);
        let raised = [limit[1], limit[1]];
        syscall!(nr::PRLIMIT64, 0, RLIMIT_NOFILE, &raw const raised, 0, 0, 0);
    }
    let outcome = work();
    // SAFETY: restores the limit.
    unsafe { syscall!(nr::PRLIMIT64, 0, RLIMIT_NOFILE, &raw const limit, 0, 0, 0) };
    outcome
}

/// The descriptor of a peer's process. A forked process that is not replaced when it is lost opens those of its peers when
/// one is needed for the first time: until then the numbers stand for the peers of its parent.
pub fn peer(st: &State, peer: usize) -> Result<u32, i64> {
    if words().peers.load(Relaxed) == 0 {
        open_peers(st, |peer| shared::peer(peer).pid.load(Acquire))?;
    }
    Ok(st.fd_base + FD_PIDFD + peer as u32)
}

/// Opens the peers' pidfds at their reserved numbers. ESRCH: one is lost, the others are open.
pub fn open_peers(st: &State, pid_of: impl Fn(usize) -> u32) -> Result<(), i64> {
    let attempt = || {
        let mut outcome = Ok(());
        for peer in (0..st.n).filter(|peer| *peer != st.replica) {
            match open_peer(st, peer, pid_of(peer)) {
                // Just lost; the others shall be there all the same.
                Err(errno) if errno == fail(ESRCH) => outcome = Err(errno),
                other => other?,
            }
        }
        outcome
    };
    let outcome = attempt().or_else(|errno| if errno == fail(ESRCH) { Err(errno) } else { with_room(attempt) });
    words().peers.store(u32::from(outcome.is_ok() || st.heals), Relaxed);
    outcome
}

fn open_peer(st: &State, peer: usize, pid: u32) -> Result<(), i64> {
    // SAFETY: makes a descriptor of the agent.
    let fd = unsafe { syscall!(nr::PIDFD_OPEN, pid, 0, 0, 0, 0, 0) };
    if is_error(fd) {
        return Err(fd);
    }
    // SAFETY: moves it.
    let at = unsafe { syscall!(nr::DUP3, fd, st.fd_base + FD_PIDFD + peer as u32, 0, 0, 0, 0) };
    close_own(fd as u64);
    if is_error(at) { Err(at) } else { Ok(()) }
}

/// Finds out whether `pidfd_getfd` works here.
pub fn try_peers(st: &State) {
    let mut denied = shared::control().force_fd_passing != 0;
    for peer in 0..st.n {
        if peer != st.replica && !denied {
            let got = get(st, peer, u64::from(st.fd_base + FD_CONTROL));
            denied = got == fail(EPERM) || got == fail(rcb_sys::errno::ENOSYS);
            if !is_error(got) {
                close_own(got as u64);
            }
        }
    }
    shared::own().wait.needs_socket.store(u32::from(denied), Release);
}

/// After the first meeting: which peers need descriptors over the socket.
pub fn learn_peers(st: &mut State) {
    for peer in 0..st.n {
        if peer != st.replica && shared::peer(peer).wait.needs_socket.load(Relaxed) != 0 {
            st.socket_peers |= 1 << peer;
        }
    }
}

/// User and group ids of this process: real, effective, saved.
pub fn credentials() -> [u32; 6] {
    let mut ids = [0u32; 6];
    let at = ids.as_mut_ptr() as u64;
    // SAFETY: getresuid and getresgid write to the local.
    unsafe {
        syscall!(118, at, at + 4, at + 8, 0, 0, 0);
        syscall!(120, at + 12, at + 16, at + 20, 0, 0, 0);
    }
    ids
}

/// The guest has changed its credentials, in every replica alike: the kernel may deny `pidfd_getfd` from now on, so
/// descriptors go over the sockets. It also forgets the order to die with the supervisor, which is given again.
pub fn credentials_changed(st: &mut State) {
    const PR_SET_PDEATHSIG: u64 = 1;
    // SAFETY: an option of this process.
    unsafe { syscall!(nr::PRCTL, PR_SET_PDEATHSIG, 9, 0, 0, 0, 0) };
    if st.n > 1 {
        shared::own().wait.needs_socket.store(1, Release);
        st.socket_peers = ((1 << st.n) - 1) & !(1 << st.replica);
    }
}

fn get(st: &State, peer: usize, fd: u64) -> i64 {
    match self::peer(st, peer) {
        // SAFETY: makes a descriptor of the agent.
        Ok(process) => unsafe { syscall!(nr::PIDFD_GETFD, process, fd, 0, 0, 0, 0) },
        Err(errno) => errno,
    }
}

fn close_own(fd: u64) {
    // SAFETY: closes a descriptor that the agent has just made.
    unsafe { syscall!(nr::CLOSE, fd, 0, 0, 0, 0, 0) };
}

/// Calls `each` for every descriptor that a successful call has made, with whether it closes on exec.
fn for_each(call: &Call, result: i64, mut each: impl FnMut(u64, bool)) {
    match call.row.makes {
        Makes::Nothing => {}
        Makes::Result(cloexec) => each(result as u64, closes(call, cloexec)),
        Makes::Pair { arg, cloexec } => {
            if let Ok(pair) = guest::get::<[u32; 2]>(call.args[usize::from(arg)]) {
                each(u64::from(pair[0]), closes(call, cloexec));
                each(u64::from(pair[1]), closes(call, cloexec));
            }
        }
        Makes::Rights => {
            let many = call.row.args.iter().any(|a| matches!(a, Arg::MmsgOut { .. }));
            let flags = if many { call.args[3] } else { call.args[2] };
            let count = if many { result } else { 1 };
            for k in 0..count as u64 {
                let head = guest::get::<MsgHdr>(call.args[1] + 64 * k).unwrap_or_default();
                rights(head.control, head.controllen, |fd| each(fd, flags & MSG_CMSG_CLOEXEC != 0));
            }
        }
    }
}

/// The descriptors in SCM_RIGHTS messages of a control buffer.
fn rights(control: u64, length: u64, mut each: impl FnMut(u64)) {
    let mut at = 0;
    while at + 16 <= length {
        let Ok(bytes) = guest::get::<u64>(control + at) else { return };
        let Ok([level, kind]) = guest::get::<[u32; 2]>(control + at + 8) else { return };
        if bytes < 16 || bytes > length - at {
            return;
        }
        if level == 1 && kind == 1 {
            for k in 0..(bytes - 16) / 4 {
                if let Ok(fd) = guest::get::<u32>(control + at + 16 + 4 * k) {
                    each(u64::from(fd));
                }
            }
        }
        at += bytes.next_multiple_of(8);
    }
}

fn closes(call: &Call, cloexec: Cloexec) -> bool {
    match cloexec {
        Cloexec::Never => false,
        Cloexec::Always => true,
        Cloexec::Arg { arg, mask } => call.args[usize::from(arg)] & u64::from(mask) != 0,
        Cloexec::Pointed { arg } => {
            guest::get::<u64>(call.args[usize::from(arg)]).is_ok_and(|flags| flags & O_CLOEXEC != 0)
        }
    }
}

/// Forgets what the numbers stood for before.
pub fn made(st: &mut State, call: &Call, result: i64) {
    for_each(call, result, |fd, _| st.forget_kind(fd));
}

/// Follower: makes the leader's new descriptors its own under the same numbers. False when the leader is gone and no
/// peer has them, and a replica has been replaced meanwhile.
pub fn mirror(st: &mut State, call: &Call, result: i64) -> bool {
    st.last_fd_seq = st.seq;
    if recovery::replay::has_them(st) {
        made(st, call, result);
        return true;
    }
    let over_socket = shared::own().wait.needs_socket.load(Relaxed) != 0;
    let mut is_done = true;
    for_each(call, result, |fd, cloexec| {
        if !is_done {
            return;
        }
        let local = if over_socket { streams::receive(st, st.leader) } else { fetch(st, fd) };
        if local == fail(ESRCH) {
            is_done = false;
            return;
        }
        if is_error(local) {
            mirror_failed(st, local, fd);
        }
        place(st, local as u64, fd, cloexec);
    });
    if is_done {
        made(st, call, result);
    }
    is_done
}

/// A copy of the leader's descriptor; if the leader is gone, of a peer's that has mirrored it already. ESRCH when a
/// replica has been replaced while nobody had it.
fn fetch(st: &mut State, fd: u64) -> i64 {
    let got = get(st, st.leader, fd);
    // A process that is about to be gone has no descriptors, too.
    if got != fail(ESRCH) && got != fail(EBADF) {
        return got;
    }
    let own = shared::own();
    own.wait.phase.store(phase::ORPHANED, Relaxed);
    let mut naps = 0;
    let got = loop {
        if got == fail(EBADF) && naps > MAX_NAPS {
            break got;
        }
        naps += 1;
        let (own_seq, own_replica, leader) = (st.seq, st.replica, st.leader);
        let has = |peer: &usize| {
            *peer != own_replica && *peer != leader && shared::peer(*peer).head.seq.load(Acquire) > own_seq
        };
        if let Some(peer) = (0..st.n).find(has) {
            break get(st, peer, fd);
        }
        if recovery::due(st) {
            recovery::attend(st);
            break fail(ESRCH);
        }
        let nap = [0u64, NAP_NS];
        // SAFETY: waits for an order; the time-out is a local.
        unsafe { syscall!(nr::FUTEX, &raw const shared::control().heal.epoch, 0, st.epoch, &raw const nap, 0, 0) };
    };
    own.wait.phase.store(phase::RUN, Relaxed);
    got
}

fn place(st: &State, local: u64, fd: u64, cloexec: bool) {
    let result = if local == fd {
        // pidfd_getfd and recvmsg set close-on-exec.
        // SAFETY: changes a flag of a descriptor that was just made.
        if cloexec { 0 } else { unsafe { syscall!(nr::FCNTL, fd, F_SETFD, 0, 0, 0, 0) } }
    } else {
        // SAFETY: the guest's table of the leader has this number for the same file: the mirror must, too.
        let at = unsafe { syscall!(nr::DUP3, local, fd, if cloexec { O_CLOEXEC } else { 0 }, 0, 0, 0) };
        close_own(local);
        at
    };
    if is_error(result) {
        mirror_failed(st, result, fd);
    }
}

/// The leader must not close or replace a descriptor that a follower has yet to mirror; nor must a follower, from which
/// another one may have to get it.
#[inline]
pub fn settle(st: &mut State) {
    if st.heals || (st.n > 1 && st.leads()) {
        meet::passed(st, st.last_fd_seq);
    }
}

/// Leader: closes what a peer does not have. A copy has the descriptors of a lost leader, that of a call which is about to
/// be performed again among them.
pub fn close_strays(st: &State) {
    const F_GETFD: u64 = 1;
    let Some(peer) = (0..st.n).find(|peer| *peer != st.replica) else { return };
    for fd in 0..st.fd_base {
        // SAFETY: asks for a flag.
        if is_error(unsafe { syscall!(nr::FCNTL, fd, F_GETFD, 0, 0, 0, 0) }) {
            continue;
        }
        let theirs = get(st, peer, u64::from(fd));
        if theirs == fail(EBADF) {
            close_own(u64::from(fd));
        } else if !is_error(theirs) {
            close_own(theirs as u64);
        }
    }
}

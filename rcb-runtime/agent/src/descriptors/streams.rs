//! Streams between the replicas of a group, over which descriptors are passed where `pidfd_getfd` is denied.
#![allow(unsafe_code, reason = "messages and descriptors of the agent")]

use super::{MSG_CMSG_CLOEXEC, close_own, for_each, with_room};
use crate::call::{Call, mirror_failed};
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::Acquire;
use rcb_abi::MAX_REPLICAS;
use rcb_abi::descriptors::FD_PEER;
use rcb_sys::errno::{EBADF, fail, is_error};
use rcb_sys::types::{IoVec, MsgHdr};
use rcb_sys::{nr, syscall};

/// A message with one descriptor: header, level and type, number.
#[repr(C)]
struct OneRight {
    bytes: u64,
    level_kind: [u32; 2],
    fd: u32,
    pad: u32,
}

/// Leader: sends new descriptors to the peers that cannot fetch them.
pub fn send(st: &State, call: &Call, result: i64) {
    for peer in 0..st.n {
        if st.socket_peers >> peer & 1 == 0 {
            continue;
        }
        for_each(call, result, |fd, _| send_one(st, peer, fd));
    }
}

fn send_one(st: &State, peer: usize, fd: u64) {
    let byte = 0u8;
    let data = IoVec { base: &raw const byte as u64, len: 1 };
    let right = OneRight { bytes: 20, level_kind: [1, 1], fd: fd as u32, pad: 0 };
    let head = MsgHdr {
        iov: &raw const data as u64,
        iovlen: 1,
        control: &raw const right as u64,
        controllen: 24,
        ..MsgHdr::default()
    };
    // SAFETY: sends from locals over the agent's own socket.
    let sent = unsafe { syscall!(nr::SENDMSG, st.fd_base + FD_PEER + peer as u32, &raw const head, 0, 0, 0, 0) };
    if is_error(sent) {
        mirror_failed(st, sent, fd);
    }
}

pub(super) fn receive(st: &State, peer: usize) -> i64 {
    let mut byte = 0u8;
    let data = IoVec { base: &raw mut byte as u64, len: 1 };
    let mut right = OneRight { bytes: 0, level_kind: [0, 0], fd: 0, pad: 0 };
    let mut head = MsgHdr {
        iov: &raw const data as u64,
        iovlen: 1,
        control: &raw mut right as u64,
        controllen: 24,
        ..MsgHdr::default()
    };
    let from = st.fd_base + FD_PEER + peer as u32;
    // SAFETY: receives into locals over the agent's own socket.
    let got = unsafe { syscall!(nr::RECVMSG, from, &raw mut head, MSG_CMSG_CLOEXEC, 0, 0, 0) };
    if is_error(got) {
        return got;
    }
    if right.bytes == 20 && right.level_kind == [1, 1] { i64::from(right.fd) } else { fail(EBADF) }
}

/// Whether some replica of the group needs descriptors over the socket.
fn any_needs_socket(st: &State) -> bool {
    st.n > 1 && (0..st.n).any(|replica| shared::peer(replica).wait.needs_socket.load(Acquire) != 0)
}

/// How many ends of streams are open during a fork.
pub fn of_fork(st: &State) -> usize {
    if any_needs_socket(st) { st.n - 1 } else { 0 }
}

/// Ends of the streams between the replicas of a group to come; 0 for none.
pub struct Streams([u32; MAX_REPLICAS]);

/// Before a fork, in every replica alike: streams for the new group, where descriptors have to be passed over streams.
pub fn before_fork(st: &State) -> Streams {
    let mut streams = Streams([0; MAX_REPLICAS]);
    if any_needs_socket(st) {
        with_room(|| make(st, &mut streams));
    }
    streams
}

fn make(st: &State, streams: &mut Streams) {
    for maker in 0..st.n {
        for taker in maker + 1..st.n {
            if st.replica == maker {
                let mut pair = [0u32; 2];
                // SAFETY: AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC; writes a local.
                let made = unsafe { syscall!(53, 1, 0x8_0001, 0, &raw mut pair, 0, 0) };
                if is_error(made) {
                    mirror_failed(st, made, u64::from(FD_PEER));
                }
                send_one(st, taker, u64::from(pair[1]));
                close_own(u64::from(pair[1]));
                streams.0[taker] = pair[0];
            } else if st.replica == taker {
                let got = receive(st, maker);
                if is_error(got) {
                    mirror_failed(st, got, u64::from(FD_PEER));
                }
                streams.0[maker] = got as u32;
            }
        }
    }
}

/// After the fork: the child puts its ends where they belong, the parent has no use for them.
pub fn after_fork(st: &State, streams: &Streams, is_child: bool) {
    for (peer, end) in streams.0.iter().enumerate().filter(|(_, end)| **end != 0) {
        if is_child {
            // SAFETY: replaces the inherited end of the parent's stream.
            let at = with_room(|| unsafe { syscall!(nr::DUP3, *end, st.fd_base + FD_PEER + peer as u32, 0, 0, 0, 0) });
            if is_error(at) {
                mirror_failed(st, at, u64::from(FD_PEER));
            }
        }
        close_own(u64::from(*end));
    }
}

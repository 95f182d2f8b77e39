//! What a vfork child writes into its parent's stack frames.
//!
//! The kernel lets such a child run in its parent's memory until it executes a program or ends; `posix_spawn` reports
//! errors that way. Here the child has a copy, so the part of it that can matter, the frames above the call, is handed
//! back: the child leaves it in its segment, the parent takes it from there.
//!
//! LIMIT: what such a child writes elsewhere stays its own.
#![allow(unsafe_code, reason = "maps the child's segment for a moment")]

use crate::guest;
use crate::recovery::{journal, replay};
use crate::shared;
use crate::state::{State, words};
use core::sync::atomic::Ordering::Relaxed;
use rcb_abi::SEGMENT_STRIDE;
use rcb_abi::descriptors::FD_SEGMENT;
use rcb_abi::segment::{Segment, WINDOW_BYTES};
use rcb_sys::errno::is_error;
use rcb_sys::{nr, syscall};

/// In the child, at its start.
pub fn remember(shares: bool, stack: u64) {
    words().window.store(if shares { stack } else { 0 }, Relaxed);
}

/// In the child, before it executes a program or ends: leaves the window where the parent finds it.
pub fn hand_over() {
    let from = words().window.swap(0, Relaxed);
    if from == 0 {
        return;
    }
    let window = &mut shared::own().window;
    let mut done = 0;
    // Up to the end of the stack, which may be near.
    while done < WINDOW_BYTES && guest::read(from + done as u64, &mut window.bytes[done..done + 64]).is_ok() {
        done += 64;
    }
    window.length = done as u64;
}

/// In the parent, once it runs again.
pub fn take_back(st: &mut State, group: u32, to: u64) {
    if replay::is_answered_again(st) {
        return put_back(replay::payload(st), to);
    }
    let column = st.fd_base + FD_SEGMENT + st.replica as u32;
    let offset = u64::from(group) * SEGMENT_STRIDE;
    // SAFETY: a new mapping where the kernel likes, of a file that is as large.
    let at = unsafe { syscall!(nr::MMAP, 0, size_of::<Segment>(), 1, 1, column, offset) };
    if is_error(at) {
        return;
    }
    // SAFETY: just mapped; the child has ended or left this memory behind with its execve.
    let window = unsafe { &(*(at as *const Segment)).window };
    let length = (window.length as usize).min(WINDOW_BYTES) / 64 * 64;
    put_back(&window.bytes[..length], to);
    journal::bytes(st, &window.bytes[..length]);
    // SAFETY: unmaps what was mapped above.
    unsafe { syscall!(nr::MUNMAP, at, size_of::<Segment>(), 0, 0, 0, 0) };
}

fn put_back(bytes: &[u8], to: u64) {
    for (piece, at) in bytes.as_chunks::<64>().0.iter().zip((to..).step_by(64)) {
        let mut own = [0u8; 64];
        // Only what has changed: the rest may be what this process does not let be written.
        if guest::read(at, &mut own).is_ok() && own != *piece {
            let _ = guest::write(at, piece);
        }
    }
}

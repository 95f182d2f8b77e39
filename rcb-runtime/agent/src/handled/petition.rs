//! What only the supervisor can do to other processes of the tree: the leader asks, and waits for the answer.
#![allow(unsafe_code, reason = "waits on a shared word")]

use crate::fault::notify;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use rcb_sys::{nr, syscall};

/// Asks for `kind` to be done to the process `pid`; the answer is 0 or an errno negated.
pub fn ask(st: &State, kind: u32, pid: i32, value: i32) -> i64 {
    let petition = &mut shared::own().petition;
    (petition.kind, petition.pid, petition.value) = (kind, pid, value);
    let ticket = petition.ticket.load(Relaxed) + 1;
    petition.ticket.store(ticket, Release);
    notify(st);
    let control = shared::control();
    loop {
        let seen = control.petition_answered.load(Acquire);
        if seen >= ticket {
            return control.petition_answer.load(Relaxed);
        }
        // SAFETY: waits on a shared word.
        unsafe { syscall!(nr::FUTEX, control.petition_answered.as_ptr(), 0, seen as u32, 0, 0, 0) };
    }
}

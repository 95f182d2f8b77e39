//! exit and exit_group: the last vote. All replicas must have posted the same end before any of them leaves.
#![allow(unsafe_code, reason = "ends the process")]

use crate::agree::meet;
use crate::call::{Answer, Call};
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::{Relaxed, Release};
use rcb_abi::segment::phase;
use rcb_sys::{nr, syscall};

/// How a replica ends, see `rcb_abi::segment::Ending`.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum End {
    /// By exit status.
    Exit = 1,
    /// By a signal.
    Signal = 2,
}

/// Writes down the agreed end.
pub fn announce(how: End, code: u32) {
    let own = shared::own();
    own.ending.code.store(code, Relaxed);
    own.ending.how.store(how as u32, Release);
    // Copies would keep open what ends with this process. From now on nobody needs them.
    crate::recovery::checkpoint::dismiss();
    own.wait.phase.store(phase::ENDING, Relaxed);
}

/// The call.
pub fn exit(st: &mut State, call: &Call) -> Answer {
    if st.n > 1 {
        meet::symmetric(st);
    }
    let code = call.args[0] as u32 & 0xff;
    crate::handled::window::hand_over();
    announce(End::Exit, code);
    loop {
        // SAFETY: the guest has asked to end.
        unsafe { syscall!(nr::EXIT_GROUP, code, 0, 0, 0, 0, 0) };
    }
}

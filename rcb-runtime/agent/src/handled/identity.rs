//! getpid and its relatives: the guest has one identity, that of the group, whichever replica answers.

use crate::call::{Answer, Call, each, once};
use crate::shared;
use crate::state::{State, words};
use core::sync::atomic::Ordering::Relaxed;
use rcb_sys::nr;

/// Says what the guest's process id is: a copy of what the segment carries over execve.
pub fn set_pid(pid: u32) {
    words().pid.store(pid, Relaxed);
}

/// The guest's process id: that of the leader's process when the group was made.
pub fn pid() -> i64 {
    i64::from(words().pid.load(Relaxed))
}

/// The calls. Process group and session are those of the leader's process.
pub fn identity(st: &mut State, call: &Call) -> Answer {
    match call.nr {
        nr::GETPID | nr::GETTID => Answer::local(pid()),
        // The parent may end at any time, so one looks for all.
        nr::GETPPID => once(st, call, false, |_, _| i64::from(shared::control().virtual_ppid.load(Relaxed))),
        _ if call.nr != nr::GETPGRP && i64::from(call.args[0] as i32) == pid() => {
            once(st, call, false, |_, _| each(call.nr, [0; 6]))
        }
        _ => once(st, call, false, |_, args| each(call.nr, *args)),
    }
}

//! getpid and its relatives: the guest has one identity, that of the group, whichever replica answers.

use crate::call::{Answer, Call, each, once};
use crate::shared;
use crate::state::State;
use rcb_sys::nr;

/// The guest's process id.
pub fn pid() -> i64 {
    i64::from(shared::control().virtual_pid)
}

/// The calls. Process group and session are those of the supervisor, which every replica shares.
pub fn identity(st: &mut State, call: &Call) -> Answer {
    match call.nr {
        nr::GETPID | nr::GETTID => Answer::local(pid()),
        nr::GETPPID => Answer::local(i64::from(shared::control().virtual_ppid)),
        nr::GETPGRP => Answer::local(each(nr::GETPGRP, [0; 6])),
        _ if call.args[0] as i32 == 0 || i64::from(call.args[0] as i32) == pid() => {
            Answer::local(each(call.nr, [0; 6]))
        }
        _ => once(st, call, false, |_, args| each(call.nr, *args)),
    }
}

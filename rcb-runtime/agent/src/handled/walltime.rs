//! gettimeofday and time: the seccomp filter traps these numbers, which is how calls through the vsyscall page are
//! caught. The agent therefore answers them with clock_gettime.
#![allow(unsafe_code, reason = "a clock call of the agent")]

use crate::call::{Answer, Call, once};
use crate::guest;
use crate::state::State;
use rcb_sys::errno::{EFAULT, fail};
use rcb_sys::{nr, syscall};

/// The calls.
pub fn wall_time(st: &mut State, call: &Call) -> Answer {
    once(st, call, false, |_, args| {
        let mut now = [0u64; 2];
        // SAFETY: writes a local.
        unsafe { syscall!(nr::CLOCK_GETTIME, 0, &raw mut now, 0, 0, 0, 0) };
        if call.nr == nr::TIME {
            let good = args[0] == 0 || guest::put(args[0], &now[0]).is_ok();
            return if good { now[0] as i64 } else { fail(EFAULT) };
        }
        let time = [now[0], now[1] / 1000];
        // The time zone is the kernel's, which is UTC unless somebody has called settimeofday with one.
        let zone = [0u32; 2];
        let good = (args[0] == 0 || guest::put(args[0], &time).is_ok())
            && (args[1] == 0 || guest::put(args[1], &zone).is_ok());
        if good { 0 } else { fail(EFAULT) }
    })
}

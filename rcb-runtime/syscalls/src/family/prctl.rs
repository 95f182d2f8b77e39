//! `prctl` by option.
//!
//! Options that change the replica's own process are performed by every replica. Those that the runtime itself relies
//! on (being traceable, the trap on the time-stamp counter, the signal at the supervisor's end, no new privileges)
//! are recorded by a handler and answered from the record.

use crate::row::prelude::*;
use crate::spec::{Arg, Family};

/// Five integers: the kernel insists that unused ones are zero.
const ALL: &[Arg] = &[Int, Int, Int, Int, Int];
const TWO: &[Arg] = &[Int, Int];
const FILTER: &str = "a filter would bind the runtime inside the process, too";
const MERGE: &str = "equal pages of the replicas would become one, and a fault in it common to all";

const fn kept(nr: u32, name: &'static str, args: &'static [Arg]) -> Row {
    handled(nr, name, args, Local, Handler::Prctl)
}

/// Selected by argument 0.
pub static FAMILY: Family = Family {
    select: 0,
    mask: u32::MAX,
    rows: &[
        kept(1, "PR_SET_PDEATHSIG", TWO),
        kept(2, "PR_GET_PDEATHSIG", &[Int, Out(INT)]),
        kept(3, "PR_GET_DUMPABLE", &[Int]),
        kept(4, "PR_SET_DUMPABLE", TWO),
        each(7, "PR_GET_KEEPCAPS", &[Int]),
        each(8, "PR_SET_KEEPCAPS", TWO),
        each(13, "PR_GET_TIMING", &[Int]),
        each(14, "PR_SET_TIMING", TWO),
        each(15, "PR_SET_NAME", &[Int, Name]),
        each(16, "PR_GET_NAME", &[Int, Out(Bytes(16))]),
        absent(21, "PR_GET_SECCOMP", &[Int], EINVAL, FILTER),
        refused(22, "PR_SET_SECCOMP", &[Int, Int, Addr], EINVAL, FILTER),
        each(23, "PR_CAPBSET_READ", TWO),
        each(24, "PR_CAPBSET_DROP", TWO),
        kept(25, "PR_GET_TSC", &[Int, Out(INT)]),
        kept(26, "PR_SET_TSC", TWO),
        each(27, "PR_GET_SECUREBITS", &[Int]),
        each(28, "PR_SET_SECUREBITS", TWO),
        each(29, "PR_SET_TIMERSLACK", TWO),
        each(30, "PR_GET_TIMERSLACK", &[Int]),
        each(31, "PR_TASK_PERF_EVENTS_DISABLE", &[Int]),
        each(32, "PR_TASK_PERF_EVENTS_ENABLE", &[Int]),
        each(33, "PR_MCE_KILL", ALL),
        each(34, "PR_MCE_KILL_GET", ALL),
        refused(35, "PR_SET_MM", ALL, EPERM, "the marks of the address space describe the runtime's image"),
        refused(36, "PR_SET_CHILD_SUBREAPER", TWO, EINVAL, "orphans of the tree are not given to another parent"),
        each(37, "PR_GET_CHILD_SUBREAPER", &[Int, Out(INT)]),
        kept(38, "PR_SET_NO_NEW_PRIVS", ALL),
        kept(39, "PR_GET_NO_NEW_PRIVS", ALL),
        absent(40, "PR_GET_TID_ADDRESS", &[Int, Addr], EINVAL, "the address is kept by the runtime"),
        each(41, "PR_SET_THP_DISABLE", ALL),
        each(42, "PR_GET_THP_DISABLE", ALL),
        each(47, "PR_CAP_AMBIENT", ALL),
        each(52, "PR_GET_SPECULATION_CTRL", ALL),
        each(53, "PR_SET_SPECULATION_CTRL", ALL),
        each(57, "PR_SET_IO_FLUSHER", ALL),
        each(58, "PR_GET_IO_FLUSHER", ALL),
        refused(59, "PR_SET_SYSCALL_USER_DISPATCH", ALL, EINVAL, "the runtime itself takes calls in this way"),
        refused(62, "PR_SCHED_CORE", ALL, EINVAL, "placement belongs to the runtime"),
        refused(65, "PR_SET_MDWE", ALL, EINVAL, "the runtime could no longer patch call sites"),
        each(66, "PR_GET_MDWE", ALL),
        refused(67, "PR_SET_MEMORY_MERGE", ALL, EINVAL, MERGE),
        each(68, "PR_GET_MEMORY_MERGE", ALL),
        absent(0x4155_5856, "PR_GET_AUXV", ALL, EINVAL, "the kernel's copy is the runtime's, not the guest's"),
        each(0x5356_4d41, "PR_SET_VMA", &[Int, Int, Addr, Int, Name]),
        absent(0x5961_6d61, "PR_SET_PTRACER", TWO, EINVAL, "replicas themselves name each other with it"),
    ],
    unknown: EINVAL,
};

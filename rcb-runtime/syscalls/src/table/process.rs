//! Calls on processes, their identity, rights, limits and scheduling.
//!
//! A process of the guest has one thread for now; calls that would make more are refused by name.

use crate::family::{arch_prctl, prctl};
use crate::row::prelude::*;

const NO_THREADS: &str = "processes only: threads, and what else shares memory or descriptors, are refused";
const NO_STOPS: &str = "children that have ended; stops and continuations are not reported";
const NAMESPACE: &str = "the runtime and its replicas must stay in the same namespaces";
const FOREIGN: &str = "memory and descriptors of other processes are reached past the agreement";
const CONFINED: &str = "the restriction would bind the runtime inside the process, too";

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    each(24, "sched_yield", &[]),
    handled(39, "getpid", &[], Local, Handler::Identity),
    handled(56, "clone", &[Flags(flags::CLONE), Addr, Addr, Addr, Addr], Process, Handler::Fork).but(NO_THREADS),
    handled(57, "fork", &[], Process, Handler::Fork),
    handled(58, "vfork", &[], Process, Handler::Fork)
        .but("the child has a copy of the memory; what it writes to the stack of its parent is handed back"),
    handled(59, "execve", &[Path, Strv, Strv], Process, Handler::Execve),
    handled(60, "exit", &[Int], Process, Handler::Exit),
    handled(61, "wait4", &[Int, Out(INT), Flags(flags::WAIT), Out(RUSAGE)], Process, Handler::Wait)
        .blocking()
        .but(NO_STOPS),
    handled(97, "getrlimit", &[Flags(flags::RLIMIT_RESOURCE), Out(RLIMIT)], Local, Handler::Rlimit),
    input(98, "getrusage", &[Flags(flags::RUSAGE_WHO), Out(RUSAGE)]),
    refused(101, "ptrace", &[Int, Int, Addr, Addr], EPERM, FOREIGN),
    each(102, "getuid", &[]),
    each(104, "getgid", &[]),
    each(105, "setuid", &[Int]),
    each(106, "setgid", &[Int]),
    each(107, "geteuid", &[]),
    each(108, "getegid", &[]),
    handled(109, "setpgid", &[Int, Int], Process, Handler::JobControl),
    handled(110, "getppid", &[], Local, Handler::Identity),
    handled(111, "getpgrp", &[], Local, Handler::Identity),
    handled(112, "setsid", &[], Process, Handler::JobControl),
    each(113, "setreuid", &[Int, Int]),
    each(114, "setregid", &[Int, Int]),
    each(115, "getgroups", &[Int, Out(Len::ResultTimes { cap: 0, size: 4 })]),
    each(116, "setgroups", &[Int, In(Times { arg: 0, size: 4 })]),
    each(117, "setresuid", &[Int, Int, Int]),
    each(118, "getresuid", &[Out(INT), Out(INT), Out(INT)]),
    each(119, "setresgid", &[Int, Int, Int]),
    each(120, "getresgid", &[Out(INT), Out(INT), Out(INT)]),
    handled(121, "getpgid", &[Int], Local, Handler::Identity),
    each(122, "setfsuid", &[Int]),
    each(123, "setfsgid", &[Int]),
    handled(124, "getsid", &[Int], Local, Handler::Identity),
    input(125, "capget", &[InOut(CAP_HEADER), Out(CAP_DATA)]).but("capability versions 2 and 3 only"),
    each(126, "capset", &[In(CAP_HEADER), In(CAP_DATA)]).but("capability versions 2 and 3 only"),
    handled(135, "personality", &[Int], Local, Handler::Personality),
    input(140, "getpriority", &[Flags(flags::PRIO), Int]),
    each(141, "setpriority", &[Flags(flags::PRIO), Int, Int]),
    each(142, "sched_setparam", &[Int, In(INT)]),
    input(143, "sched_getparam", &[Int, Out(INT)]),
    each(144, "sched_setscheduler", &[Int, Flags(flags::SCHED), In(INT)]),
    input(145, "sched_getscheduler", &[Int]),
    each(146, "sched_get_priority_max", &[Flags(flags::SCHED)]),
    each(147, "sched_get_priority_min", &[Flags(flags::SCHED)]),
    input(148, "sched_rr_get_interval", &[Int, Out(TIME)]),
    refused(154, "modify_ldt", &[Int, Addr, Int], ENOSYS, "segments of 32-bit code are not kept"),
    each(157, "prctl", &[Int, Int, Int, Int, Int])
        .with(&prctl::FAMILY)
        .but("the listed options only; any other is answered EINVAL"),
    handled(158, "arch_prctl", &[Int, Addr], Local, Handler::ArchPrctl)
        .with(&arch_prctl::FAMILY)
        .but("segment bases and questions about features; features cannot be switched on"),
    handled(160, "setrlimit", &[Flags(flags::RLIMIT_RESOURCE), In(RLIMIT)], Local, Handler::Rlimit),
    refused(163, "acct", &[Path], EPERM, "accounting of the whole machine is not a guest's"),
    refused(172, "iopl", &[Int], EPERM, "direct port input and output would go unchecked"),
    refused(173, "ioperm", &[Int, Int, Int], EPERM, "direct port input and output would go unchecked"),
    handled(186, "gettid", &[], Local, Handler::Identity),
    handled(203, "sched_setaffinity", &[Int, Int, In(Len::Arg(1))], Local, Handler::Affinity),
    handled(204, "sched_getaffinity", &[Int, Int, Out(Len::Result { cap: 1 })], Local, Handler::Affinity),
    never(205, "set_thread_area"),
    never(211, "get_thread_area"),
    handled(218, "set_tid_address", &[Addr], Local, Handler::SetTidAddress),
    handled(231, "exit_group", &[Int], Process, Handler::Exit),
    handled(
        247,
        "waitid",
        &[Flags(flags::ID_TYPE), Int, Out(SIGINFO), Flags(flags::WAIT), Out(RUSAGE)],
        Process,
        Handler::Wait,
    )
    .blocking()
    .but(NO_STOPS),
    each(251, "ioprio_set", &[Int, Int, Int]),
    input(252, "ioprio_get", &[Int, Int]),
    refused(272, "unshare", &[Flags(flags::CLONE)], ENOSYS, NAMESPACE),
    each(273, "set_robust_list", &[Addr, Int]),
    each(274, "get_robust_list", &[Int, Out(LONG), Out(LONG)]),
    handled(302, "prlimit64", &[Int, Flags(flags::RLIMIT_RESOURCE), In(RLIMIT), Out(RLIMIT)], Local, Handler::Rlimit),
    refused(308, "setns", &[Fd, Flags(flags::CLONE)], ENOSYS, NAMESPACE),
    handled(309, "getcpu", &[Out(INT), Out(INT)], Local, Handler::Affinity),
    refused(310, "process_vm_readv", &[Int, Addr, Int, Addr, Int, Int], EPERM, FOREIGN),
    refused(311, "process_vm_writev", &[Int, Addr, Int, Addr, Int, Int], EPERM, FOREIGN),
    refused(312, "kcmp", &[Int, Int, Int, Int, Int], ENOSYS, "it compares kernel objects that differ between replicas"),
    each(314, "sched_setattr", &[Int, In(Len::Sized), Int]),
    input(315, "sched_getattr", &[Int, Out(Len::Arg(2)), Int, Int]),
    refused(317, "seccomp", &[Int, Int, Addr], ENOSYS, CONFINED),
    handled(322, "execveat", &[Fd, Path, Strv, Strv, Flags(flags::AT)], Process, Handler::Execveat),
    absent(
        334,
        "rseq",
        &[Addr, Int, Int, Int],
        ENOSYS,
        "the kernel would write CPU numbers into guest memory; libc does without",
    ),
    making(434, "pidfd_open", &[Int, Flags(flags::PIDFD)], Cloexec::Always),
    absent(435, "clone3", &[In(Len::Arg(1)), Int], ENOSYS, "every libc falls back to clone").class(Process),
    refused(438, "pidfd_getfd", &[Fd, Int, Int], EPERM, FOREIGN),
    absent(444, "landlock_create_ruleset", &[Addr, Int, Int], ENOSYS, CONFINED),
    absent(445, "landlock_add_rule", &[Fd, Int, Addr, Int], ENOSYS, CONFINED),
    absent(446, "landlock_restrict_self", &[Fd, Int], ENOSYS, CONFINED),
    refused(448, "process_mrelease", &[Fd, Int], ENOSYS, "it acts on another process by descriptor"),
    refused(
        459,
        "lsm_get_self_attr",
        &[Int, Addr, Addr, Int],
        EOPNOTSUPP,
        "its answer on failure (the size wanted) would reach the leader only",
    ),
    refused(460, "lsm_set_self_attr", &[Int, In(Len::Arg(2)), Int, Int], EOPNOTSUPP, CONFINED),
    refused(
        461,
        "lsm_list_modules",
        &[Addr, Addr, Int],
        ENOSYS,
        "its answer on failure (the size wanted) would reach the leader only",
    ),
];

//! Calls on the machine as a whole, and numbers without a call.
//!
//! Changing the machine (modules, swap, restart) is not a guest's business: EPERM, as for a user without rights.

use crate::row::prelude::*;

const MACHINE: &str = "administration of the whole machine is not a guest's";

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    input(63, "uname", &[Out(Bytes(390))]),
    input(99, "sysinfo", &[Out(Bytes(112))]),
    taking(103, "syslog", &[Int, Out(Len::Result { cap: 2 }), Int]).blocking(),
    absent(134, "uselib", &[Path], ENOSYS, "not offered on x86-64 kernels"),
    output(153, "vhangup", &[]),
    never(156, "_sysctl"),
    refused(167, "swapon", &[Path, Int], EPERM, MACHINE),
    refused(168, "swapoff", &[Path], EPERM, MACHINE),
    refused(169, "reboot", &[Int, Int, Int, Addr], EPERM, MACHINE),
    output(170, "sethostname", &[In(Len::Arg(1)), Int]),
    output(171, "setdomainname", &[In(Len::Arg(1)), Int]),
    never(174, "create_module"),
    refused(175, "init_module", &[Addr, Int, Path], EPERM, MACHINE),
    refused(176, "delete_module", &[Name, Int], EPERM, MACHINE),
    never(177, "get_kernel_syms"),
    never(178, "query_module"),
    never(180, "nfsservctl"),
    never(181, "getpmsg"),
    never(182, "putpmsg"),
    never(183, "afs_syscall"),
    never(184, "tuxcall"),
    never(185, "security"),
    never(236, "vserver"),
    refused(246, "kexec_load", &[Addr, Int, Addr, Int], EPERM, MACHINE),
    refused(298, "perf_event_open", &[Addr, Int, Int, Fd, Int], EACCES, "counters differ between replicas"),
    refused(313, "finit_module", &[Fd, Path, Int], EPERM, MACHINE),
    input(318, "getrandom", &[Out(Len::Result { cap: 1 }), Int, Flags(flags::GRND)]).blocking(),
    refused(320, "kexec_file_load", &[Fd, Fd, Int, Path, Int], EPERM, MACHINE),
    refused(321, "bpf", &[Int, In(Len::Arg(2)), Int], EPERM, "programs in the kernel act outside the agreed order"),
];

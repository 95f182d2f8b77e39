//! Calls on address space: every replica has its own, at the same addresses.
//!
//! Where memory comes from (NUMA) belongs to the runtime, because placement decides how fast replicas meet.

use crate::row::prelude::*;

const PLACEMENT: &str = "placement of memory belongs to the runtime";

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    handled(9, "mmap", &[Addr, Int, Flags(flags::PROT), Flags(flags::MAP), Fd, Int], Local, Handler::Mmap),
    handled(10, "mprotect", &[Addr, Int, Flags(flags::PROT)], Local, Handler::Mprotect),
    handled(11, "munmap", &[Addr, Int], Local, Handler::Munmap),
    handled(12, "brk", &[Addr], Local, Handler::Brk),
    handled(25, "mremap", &[Addr, Int, Int, Flags(flags::MREMAP), Addr], Local, Handler::Mremap),
    each(26, "msync", &[Addr, Int, Flags(flags::MSYNC)]),
    input(27, "mincore", &[Addr, Int, Out(Len::Pages { arg: 1 })]),
    handled(28, "madvise", &[Addr, Int, Flags(flags::MADVISE)], Local, Handler::Madvise),
    each(149, "mlock", &[Addr, Int]),
    each(150, "munlock", &[Addr, Int]),
    each(151, "mlockall", &[Flags(flags::MLOCKALL)]),
    each(152, "munlockall", &[]),
    refused(216, "remap_file_pages", &[Addr, Int, Int, Int, Int], ENOSYS, "it works on shared writable mappings only"),
    refused(237, "mbind", &[Addr, Int, Int, Addr, Int, Int], ENOSYS, PLACEMENT),
    refused(238, "set_mempolicy", &[Int, Addr, Int], ENOSYS, PLACEMENT),
    absent(239, "get_mempolicy", &[Addr, Addr, Int, Addr, Int], ENOSYS, PLACEMENT),
    refused(256, "migrate_pages", &[Int, Int, Addr, Addr], ENOSYS, PLACEMENT),
    refused(279, "move_pages", &[Int, Int, Addr, Addr, Addr, Int], ENOSYS, PLACEMENT),
    making(319, "memfd_create", &[Name, Flags(flags::MEMFD)], Cloexec::Arg { arg: 1, mask: 1 }),
    refused(323, "userfaultfd", &[Int], EPERM, "page faults would be answered outside the agreed order"),
    each(325, "mlock2", &[Addr, Int, Flags(flags::MLOCK2)]),
    handled(329, "pkey_mprotect", &[Addr, Int, Flags(flags::PROT), Int], Local, Handler::Mprotect),
    each(330, "pkey_alloc", &[Int, Int]),
    each(331, "pkey_free", &[Int]),
    refused(
        440,
        "process_madvise",
        &[Fd, InVec { count: 2 }, Int, Int, Int],
        ENOSYS,
        "it acts on another process by descriptor",
    ),
    refused(447, "memfd_secret", &[Int], ENOSYS, "no other replica could take such pages over"),
    refused(450, "set_mempolicy_home_node", &[Addr, Int, Int, Int], ENOSYS, PLACEMENT),
    absent(453, "map_shadow_stack", &[Addr, Int, Int], EOPNOTSUPP, "shadow stacks are not offered to guests"),
    each(462, "mseal", &[Addr, Int, Int]).but("call sites in sealed pages keep the slower signal path"),
];

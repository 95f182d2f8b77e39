//! `arch_prctl` by option.
//!
//! Every dynamically linked program asks for shadow stacks at its start; the answer of a kernel without them is given
//! without a warning.

use crate::row::prelude::*;
use crate::spec::Family;

const NO_SHADOW: &str = "shadow stacks are not offered to guests";
const CPUID: &str = "whether cpuid can be executed is the runtime's to decide";
const TILES: &str = "tile registers would not survive a call that is agreed on by signal";
const VDSO: &str = "the kernel's code page reads clocks past the agreement";
const TAGS: &str = "tagged addresses are not offered to guests";

/// Selected by argument 0.
pub static FAMILY: Family = Family {
    select: 0,
    mask: u32::MAX,
    rows: &[
        handled(0x1001, "ARCH_SET_GS", &[Int, Addr], Local, Handler::ArchPrctl),
        handled(0x1002, "ARCH_SET_FS", &[Int, Addr], Local, Handler::ArchPrctl),
        handled(0x1003, "ARCH_GET_FS", &[Int, Out(LONG)], Local, Handler::ArchPrctl),
        handled(0x1004, "ARCH_GET_GS", &[Int, Out(LONG)], Local, Handler::ArchPrctl),
        each(0x1011, "ARCH_GET_CPUID", &[Int, Int]),
        refused(0x1012, "ARCH_SET_CPUID", &[Int, Int], ENODEV, CPUID),
        each(0x1021, "ARCH_GET_XCOMP_SUPP", &[Int, Out(LONG)]),
        each(0x1022, "ARCH_GET_XCOMP_PERM", &[Int, Out(LONG)]),
        refused(0x1023, "ARCH_REQ_XCOMP_PERM", &[Int, Int], EOPNOTSUPP, TILES),
        refused(0x1024, "ARCH_GET_XCOMP_GUEST_PERM", &[Int, Addr], EINVAL, TILES),
        refused(0x1025, "ARCH_REQ_XCOMP_GUEST_PERM", &[Int, Int], EINVAL, TILES),
        refused(0x2001, "ARCH_MAP_VDSO_X32", &[Int, Addr], EINVAL, VDSO),
        refused(0x2002, "ARCH_MAP_VDSO_32", &[Int, Addr], EINVAL, VDSO),
        refused(0x2003, "ARCH_MAP_VDSO_64", &[Int, Addr], EINVAL, VDSO),
        absent(0x3001, "ARCH_CET_STATUS", &[Int, Addr], EINVAL, NO_SHADOW),
        absent(0x3002, "ARCH_CET_DISABLE", &[Int, Int], EINVAL, NO_SHADOW),
        absent(0x3003, "ARCH_CET_LOCK", &[Int, Int], EINVAL, NO_SHADOW),
        absent(0x3004, "ARCH_CET_EXEC", &[Int, Addr], EINVAL, NO_SHADOW),
        absent(0x3005, "ARCH_CET_ALLOC_SHSTK", &[Int, Addr], EINVAL, NO_SHADOW),
        each(0x4001, "ARCH_GET_UNTAG_MASK", &[Int, Out(LONG)]),
        refused(0x4002, "ARCH_ENABLE_TAGGED_ADDR", &[Int, Int], ENODEV, TAGS),
        each(0x4003, "ARCH_GET_MAX_TAG_BITS", &[Int, Out(LONG)]),
        refused(0x4004, "ARCH_FORCE_TAGGED_SVA", &[Int, Int], ENODEV, TAGS),
        absent(0x5001, "ARCH_SHSTK_ENABLE", &[Int, Int], EOPNOTSUPP, NO_SHADOW),
        absent(0x5002, "ARCH_SHSTK_DISABLE", &[Int, Int], EOPNOTSUPP, NO_SHADOW),
        absent(0x5003, "ARCH_SHSTK_LOCK", &[Int, Int], EOPNOTSUPP, NO_SHADOW),
        absent(0x5004, "ARCH_SHSTK_UNLOCK", &[Int, Int], EOPNOTSUPP, NO_SHADOW),
        absent(0x5005, "ARCH_SHSTK_STATUS", &[Int, Addr], EOPNOTSUPP, NO_SHADOW),
    ],
    unknown: EINVAL,
};

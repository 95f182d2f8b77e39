//! Calls on names: opening, status, directories, links, attributes, mounts.
//!
//! A change of a name is an output, performed once. Status calls by path go through a handler, because
//! `/proc/self/exe` of a replica is not the guest's program.

use crate::row::prelude::*;

const NESTED_XATTR: &str =
    "the structure points to the value, which a row cannot state; libc falls back to the older call";
const MOUNT_API: &str = "the calls of the newer mount interface are not described; mount(8) falls back to mount";
const TWO_ANSWERS: &str = "its answer on failure (the size wanted) would reach the leader only";

/// The rows, in rising order.
pub(super) const ROWS: &[Row] = &[
    handled(2, "open", &[Path, Flags(flags::OPEN), Int], Descriptor, Handler::Open)
        .makes(Makes::Result(o_cloexec(1)))
        .blocking(),
    by_path(4, "stat", &[Path, Out(STAT)]),
    input(5, "fstat", &[Fd, Out(STAT)]),
    by_path(6, "lstat", &[Path, Out(STAT)]),
    by_path(21, "access", &[Path, Flags(flags::ACCESS)]),
    output(76, "truncate", &[Path, Int]),
    input(78, "getdents", &[Fd, Out(Len::Result { cap: 2 }), Int]),
    input(79, "getcwd", &[Out(Len::Result { cap: 1 }), Int]),
    each(80, "chdir", &[Path]),
    each(81, "fchdir", &[Fd]),
    output(82, "rename", &[Path, Path]),
    output(83, "mkdir", &[Path, Int]),
    output(84, "rmdir", &[Path]),
    handled(85, "creat", &[Path, Int], Descriptor, Handler::Open).makes(Makes::Result(Cloexec::Never)).blocking(),
    output(86, "link", &[Path, Path]),
    output(87, "unlink", &[Path]),
    output(88, "symlink", &[Path, Path]),
    by_path(89, "readlink", &[Path, Out(Len::Result { cap: 2 }), Int]),
    output(90, "chmod", &[Path, Int]),
    output(91, "fchmod", &[Fd, Int]),
    output(92, "chown", &[Path, Int, Int]),
    output(93, "fchown", &[Fd, Int, Int]),
    output(94, "lchown", &[Path, Int, Int]),
    each(95, "umask", &[Int]),
    output(132, "utime", &[Path, In(TIME)]),
    output(133, "mknod", &[Path, Int, Int]),
    input(136, "ustat", &[Int, Out(Bytes(32))]),
    by_path(137, "statfs", &[Path, Out(STATFS)]),
    input(138, "fstatfs", &[Fd, Out(STATFS)]),
    refused(139, "sysfs", &[Int, Addr, Addr], ENOSYS, "one of its options writes a string of unknown length"),
    refused(155, "pivot_root", &[Path, Path], EPERM, "the root would change under the runtime itself"),
    each(161, "chroot", &[Path]),
    output(165, "mount", &[Path, Path, Path, Flags(flags::MOUNT), Path])
        .but("binary mount data (NFS, SMB) are compared up to the first NUL only"),
    output(166, "umount2", &[Path, Flags(flags::UMOUNT)]),
    refused(179, "quotactl", &[Int, Path, Int, Addr], ENOSYS, "the structures of its commands are not described"),
    output(188, "setxattr", &[Path, Name, In(Len::Arg(3)), Int, Flags(flags::XATTR)]),
    output(189, "lsetxattr", &[Path, Name, In(Len::Arg(3)), Int, Flags(flags::XATTR)]),
    output(190, "fsetxattr", &[Fd, Name, In(Len::Arg(3)), Int, Flags(flags::XATTR)]),
    by_path(191, "getxattr", &[Path, Name, Out(Len::Result { cap: 3 }), Int]),
    by_path(192, "lgetxattr", &[Path, Name, Out(Len::Result { cap: 3 }), Int]),
    input(193, "fgetxattr", &[Fd, Name, Out(Len::Result { cap: 3 }), Int]),
    by_path(194, "listxattr", &[Path, Out(Len::Result { cap: 2 }), Int]),
    by_path(195, "llistxattr", &[Path, Out(Len::Result { cap: 2 }), Int]),
    input(196, "flistxattr", &[Fd, Out(Len::Result { cap: 2 }), Int]),
    output(197, "removexattr", &[Path, Name]),
    output(198, "lremovexattr", &[Path, Name]),
    output(199, "fremovexattr", &[Fd, Name]),
    absent(212, "lookup_dcookie", &[Int, Addr, Int], ENOSYS, "removed from the kernel with the profiler it served"),
    handled(217, "getdents64", &[Fd, Out(Len::Result { cap: 2 }), Int], PureInput, Handler::Directory),
    output(235, "utimes", &[Path, In(TIMES)]),
    handled(257, "openat", &[Fd, Path, Flags(flags::OPEN), Int], Descriptor, Handler::Open)
        .makes(Makes::Result(o_cloexec(2)))
        .blocking(),
    output(258, "mkdirat", &[Fd, Path, Int]),
    output(259, "mknodat", &[Fd, Path, Int, Int]),
    output(260, "fchownat", &[Fd, Path, Int, Int, Flags(flags::AT)]),
    output(261, "futimesat", &[Fd, Path, In(TIMES)]),
    by_path(262, "newfstatat", &[Fd, Path, Out(STAT), Flags(flags::AT)]),
    output(263, "unlinkat", &[Fd, Path, Flags(flags::AT)]),
    output(264, "renameat", &[Fd, Path, Fd, Path]),
    output(265, "linkat", &[Fd, Path, Fd, Path, Flags(flags::AT)]),
    output(266, "symlinkat", &[Path, Fd, Path]),
    by_path(267, "readlinkat", &[Fd, Path, Out(Len::Result { cap: 3 }), Int]),
    output(268, "fchmodat", &[Fd, Path, Int]),
    by_path(269, "faccessat", &[Fd, Path, Flags(flags::ACCESS)]),
    output(280, "utimensat", &[Fd, Path, In(TIMES), Flags(flags::AT)]),
    refused(300, "fanotify_init", &[Flags(flags::INOTIFY), Int], ENOSYS, "its events carry descriptors"),
    refused(301, "fanotify_mark", &[Fd, Int, Int, Fd, Path], ENOSYS, "fanotify_init is refused"),
    refused(
        303,
        "name_to_handle_at",
        &[Fd, Path, InOut(Len::FileHandle), Out(INT), Flags(flags::AT)],
        EOPNOTSUPP,
        TWO_ANSWERS,
    ),
    refused(
        304,
        "open_by_handle_at",
        &[Fd, In(Len::FileHandle), Flags(flags::OPEN)],
        EOPNOTSUPP,
        "name_to_handle_at is refused",
    ),
    output(316, "renameat2", &[Fd, Path, Fd, Path, Flags(flags::RENAME)]),
    by_path(332, "statx", &[Fd, Path, Flags(flags::AT), Flags(flags::STATX_MASK), Out(STATX)]),
    refused(428, "open_tree", &[Fd, Path, Int], ENOSYS, MOUNT_API),
    refused(429, "move_mount", &[Fd, Path, Fd, Path, Int], ENOSYS, MOUNT_API),
    refused(430, "fsopen", &[Path, Int], ENOSYS, MOUNT_API),
    refused(431, "fsconfig", &[Fd, Int, Name, Addr, Int], ENOSYS, MOUNT_API),
    refused(432, "fsmount", &[Fd, Int, Int], ENOSYS, MOUNT_API),
    refused(433, "fspick", &[Fd, Path, Int], ENOSYS, MOUNT_API),
    handled(437, "openat2", &[Fd, Path, In(Len::Arg(3)), Int], Descriptor, Handler::Open)
        .makes(Makes::Result(Cloexec::Pointed { arg: 2 }))
        .blocking(),
    by_path(439, "faccessat2", &[Fd, Path, Flags(flags::ACCESS), Flags(flags::AT_ACCESS)]),
    refused(442, "mount_setattr", &[Fd, Path, Flags(flags::AT), In(Len::Arg(4)), Int], ENOSYS, MOUNT_API),
    refused(443, "quotactl_fd", &[Fd, Int, Int, Addr], ENOSYS, "the structures of its commands are not described"),
    output(452, "fchmodat2", &[Fd, Path, Int, Flags(flags::AT)]),
    input(457, "statmount", &[In(Len::Sized), Out(Len::Arg(2)), Int, Int]),
    input(458, "listmount", &[In(Len::Sized), Out(Len::ResultTimes { cap: 2, size: 8 }), Int, Int]),
    refused(463, "setxattrat", &[Fd, Path, Flags(flags::AT), Name, In(Len::Arg(5)), Int], ENOSYS, NESTED_XATTR),
    refused(464, "getxattrat", &[Fd, Path, Flags(flags::AT), Name, In(Len::Arg(5)), Int], ENOSYS, NESTED_XATTR),
    input(465, "listxattrat", &[Fd, Path, Flags(flags::AT), Out(Len::Result { cap: 4 }), Int]),
    output(466, "removexattrat", &[Fd, Path, Flags(flags::AT), Name]),
    refused(467, "open_tree_attr", &[Fd, Path, Int, In(Len::Arg(4)), Int], ENOSYS, MOUNT_API),
    input(468, "file_getattr", &[Fd, Path, Out(Len::Arg(3)), Int, Flags(flags::AT)]),
    output(469, "file_setattr", &[Fd, Path, In(Len::Arg(3)), Int, Flags(flags::AT)]),
];

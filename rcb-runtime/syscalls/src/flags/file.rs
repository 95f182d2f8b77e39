//! Flags of calls on files, directories and descriptors.

use super::{bits, mixed, values};
use crate::spec::FlagSet;

/// `open` and its kin. Composite values stand before their parts.
pub const OPEN: &FlagSet = &mixed(
    3,
    &[
        (0, "O_RDONLY"),
        (1, "O_WRONLY"),
        (2, "O_RDWR"),
        (0x10_1000, "O_SYNC"),
        (0x41_0000, "O_TMPFILE"),
        (0o100, "O_CREAT"),
        (0o200, "O_EXCL"),
        (0o400, "O_NOCTTY"),
        (0o1000, "O_TRUNC"),
        (0o2000, "O_APPEND"),
        (0o4000, "O_NONBLOCK"),
        (0x1000, "O_DSYNC"),
        (0x2000, "O_ASYNC"),
        (0x4000, "O_DIRECT"),
        (0x8000, "O_LARGEFILE"),
        (0x1_0000, "O_DIRECTORY"),
        (0x2_0000, "O_NOFOLLOW"),
        (0x4_0000, "O_NOATIME"),
        (0x8_0000, "O_CLOEXEC"),
        (0x20_0000, "O_PATH"),
    ],
);

/// `AT_*` flags of the calls that take a directory descriptor.
pub const AT: &FlagSet = &bits(&[
    (0x100, "AT_SYMLINK_NOFOLLOW"),
    (0x200, "AT_REMOVEDIR"),
    (0x400, "AT_SYMLINK_FOLLOW"),
    (0x800, "AT_NO_AUTOMOUNT"),
    (0x1000, "AT_EMPTY_PATH"),
    (0x2000, "AT_STATX_FORCE_SYNC"),
    (0x4000, "AT_STATX_DONT_SYNC"),
    (0x8000, "AT_RECURSIVE"),
]);

/// `faccessat2`, where 0x200 means the effective ids.
pub const AT_ACCESS: &FlagSet =
    &bits(&[(0x100, "AT_SYMLINK_NOFOLLOW"), (0x200, "AT_EACCESS"), (0x1000, "AT_EMPTY_PATH")]);

/// Mode of `access`.
pub const ACCESS: &FlagSet = &bits(&[(0, "F_OK"), (4, "R_OK"), (2, "W_OK"), (1, "X_OK")]);

/// Origin of `lseek`.
pub const WHENCE: &FlagSet =
    &values(&[(0, "SEEK_SET"), (1, "SEEK_CUR"), (2, "SEEK_END"), (3, "SEEK_DATA"), (4, "SEEK_HOLE")]);

/// Mask of `statx`.
pub const STATX_MASK: &FlagSet = &bits(&[
    (0x7ff, "STATX_BASIC_STATS"),
    (1, "STATX_TYPE"),
    (2, "STATX_MODE"),
    (4, "STATX_NLINK"),
    (8, "STATX_UID"),
    (0x10, "STATX_GID"),
    (0x20, "STATX_ATIME"),
    (0x40, "STATX_MTIME"),
    (0x80, "STATX_CTIME"),
    (0x100, "STATX_INO"),
    (0x200, "STATX_SIZE"),
    (0x400, "STATX_BLOCKS"),
    (0x800, "STATX_BTIME"),
    (0x1000, "STATX_MNT_ID"),
    (0x2000, "STATX_DIOALIGN"),
]);

/// `renameat2`.
pub const RENAME: &FlagSet = &bits(&[(1, "RENAME_NOREPLACE"), (2, "RENAME_EXCHANGE"), (4, "RENAME_WHITEOUT")]);

/// `fallocate`.
pub const FALLOCATE: &FlagSet = &bits(&[
    (1, "FALLOC_FL_KEEP_SIZE"),
    (2, "FALLOC_FL_PUNCH_HOLE"),
    (8, "FALLOC_FL_COLLAPSE_RANGE"),
    (0x10, "FALLOC_FL_ZERO_RANGE"),
    (0x20, "FALLOC_FL_INSERT_RANGE"),
    (0x40, "FALLOC_FL_UNSHARE_RANGE"),
]);

/// `flock`.
pub const FLOCK: &FlagSet = &bits(&[(1, "LOCK_SH"), (2, "LOCK_EX"), (8, "LOCK_UN"), (4, "LOCK_NB")]);

/// `fadvise64`.
pub const FADVISE: &FlagSet = &values(&[
    (0, "POSIX_FADV_NORMAL"),
    (1, "POSIX_FADV_RANDOM"),
    (2, "POSIX_FADV_SEQUENTIAL"),
    (3, "POSIX_FADV_WILLNEED"),
    (4, "POSIX_FADV_DONTNEED"),
    (5, "POSIX_FADV_NOREUSE"),
]);

/// `sync_file_range`.
pub const SYNC_RANGE: &FlagSet =
    &bits(&[(1, "SYNC_FILE_RANGE_WAIT_BEFORE"), (2, "SYNC_FILE_RANGE_WRITE"), (4, "SYNC_FILE_RANGE_WAIT_AFTER")]);

/// `setxattr` and its kin.
pub const XATTR: &FlagSet = &bits(&[(1, "XATTR_CREATE"), (2, "XATTR_REPLACE")]);

/// `preadv2` and `pwritev2`.
pub const RWF: &FlagSet = &bits(&[
    (1, "RWF_HIPRI"),
    (2, "RWF_DSYNC"),
    (4, "RWF_SYNC"),
    (8, "RWF_NOWAIT"),
    (0x10, "RWF_APPEND"),
    (0x20, "RWF_NOAPPEND"),
    (0x40, "RWF_ATOMIC"),
    (0x80, "RWF_DONTCACHE"),
]);

/// `splice` and `tee`.
pub const SPLICE: &FlagSet =
    &bits(&[(1, "SPLICE_F_MOVE"), (2, "SPLICE_F_NONBLOCK"), (4, "SPLICE_F_MORE"), (8, "SPLICE_F_GIFT")]);

/// `pipe2`.
pub const PIPE: &FlagSet =
    &bits(&[(0x8_0000, "O_CLOEXEC"), (0o4000, "O_NONBLOCK"), (0x4000, "O_DIRECT"), (0o200, "O_NOTIFICATION_PIPE")]);

/// `dup3`.
pub const DUP3: &FlagSet = &bits(&[(0x8_0000, "O_CLOEXEC")]);

/// `close_range`.
pub const CLOSE_RANGE: &FlagSet = &bits(&[(2, "CLOSE_RANGE_UNSHARE"), (4, "CLOSE_RANGE_CLOEXEC")]);

/// `eventfd2`.
pub const EVENTFD: &FlagSet = &bits(&[(1, "EFD_SEMAPHORE"), (0o4000, "EFD_NONBLOCK"), (0x8_0000, "EFD_CLOEXEC")]);

/// `epoll_create1`.
pub const EPOLL_CREATE: &FlagSet = &bits(&[(0x8_0000, "EPOLL_CLOEXEC")]);

/// `timerfd_create`.
pub const TIMERFD: &FlagSet = &bits(&[(0o4000, "TFD_NONBLOCK"), (0x8_0000, "TFD_CLOEXEC")]);

/// `timerfd_settime`.
pub const TIMERFD_SET: &FlagSet = &bits(&[(1, "TFD_TIMER_ABSTIME"), (2, "TFD_TIMER_CANCEL_ON_SET")]);

/// `signalfd4`.
pub const SIGNALFD: &FlagSet = &bits(&[(0o4000, "SFD_NONBLOCK"), (0x8_0000, "SFD_CLOEXEC")]);

/// `inotify_init1`.
pub const INOTIFY: &FlagSet = &bits(&[(0o4000, "IN_NONBLOCK"), (0x8_0000, "IN_CLOEXEC")]);

/// Mask of `inotify_add_watch`.
pub const INOTIFY_MASK: &FlagSet = &bits(&[
    (0xfff, "IN_ALL_EVENTS"),
    (1, "IN_ACCESS"),
    (2, "IN_MODIFY"),
    (4, "IN_ATTRIB"),
    (8, "IN_CLOSE_WRITE"),
    (0x10, "IN_CLOSE_NOWRITE"),
    (0x20, "IN_OPEN"),
    (0x40, "IN_MOVED_FROM"),
    (0x80, "IN_MOVED_TO"),
    (0x100, "IN_CREATE"),
    (0x200, "IN_DELETE"),
    (0x400, "IN_DELETE_SELF"),
    (0x800, "IN_MOVE_SELF"),
    (0x100_0000, "IN_ONLYDIR"),
    (0x200_0000, "IN_DONT_FOLLOW"),
    (0x400_0000, "IN_EXCL_UNLINK"),
    (0x1000_0000, "IN_MASK_CREATE"),
    (0x2000_0000, "IN_MASK_ADD"),
    (0x8000_0000, "IN_ONESHOT"),
]);

/// `mount`.
pub const MOUNT: &FlagSet = &bits(&[
    (1, "MS_RDONLY"),
    (2, "MS_NOSUID"),
    (4, "MS_NODEV"),
    (8, "MS_NOEXEC"),
    (0x10, "MS_SYNCHRONOUS"),
    (0x20, "MS_REMOUNT"),
    (0x40, "MS_MANDLOCK"),
    (0x80, "MS_DIRSYNC"),
    (0x400, "MS_NOATIME"),
    (0x800, "MS_NODIRATIME"),
    (0x1000, "MS_BIND"),
    (0x2000, "MS_MOVE"),
    (0x4000, "MS_REC"),
    (0x8000, "MS_SILENT"),
    (0x2_0000, "MS_UNBINDABLE"),
    (0x4_0000, "MS_PRIVATE"),
    (0x8_0000, "MS_SLAVE"),
    (0x10_0000, "MS_SHARED"),
    (0x20_0000, "MS_RELATIME"),
    (0x100_0000, "MS_STRICTATIME"),
]);

/// `umount2`.
pub const UMOUNT: &FlagSet = &bits(&[(1, "MNT_FORCE"), (2, "MNT_DETACH"), (4, "MNT_EXPIRE"), (8, "UMOUNT_NOFOLLOW")]);

//! The vocabulary of a row: what one system call does to a set of replicas.
//!
//! A row says which arguments are compared, which bytes go into the call and which come out, who performs it
//! and whether all replicas must have agreed first. Everything else (the digest of a request, the delivery of a
//! result, the refusal of an unsupported call, the documentation) is derived from these values.

/// One argument of a system call.
///
/// Every argument that a row names is compared by value between the replicas; the variants add which guest memory
/// behind the argument is compared (`In`), delivered (`Out`) or both (`InOut`). Argument positions count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A plain integer.
    Int,
    /// A file descriptor (equal in all replicas, because descriptor tables are mirrored).
    Fd,
    /// A set of flags or an enumeration, with the names for people.
    Flags(&'static FlagSet),
    /// An address that the call does not read or write through at once (mmap, brk, futex address of a stack).
    Addr,
    /// A NUL-terminated path, at most 4096 bytes with the NUL; null is allowed and compared as null.
    Path,
    /// A NUL-terminated name (xattr names, keyring types), at most 256 bytes with the NUL.
    Name,
    /// A NULL-terminated array of NUL-terminated strings (argv, envp).
    Strv,
    /// Bytes read by the call. Null is allowed and compared as null.
    In(Len),
    /// Bytes written by the call, delivered when it succeeds. Null is allowed.
    Out(Len),
    /// Bytes read and then written by the call.
    InOut(Len),
    /// An array of `struct iovec` (count in argument `count`) whose bytes are read by the call.
    InVec {
        /// Position of the argument that counts the elements.
        count: u8,
    },
    /// An array of `struct iovec` into which the call writes as many bytes as its result says, in order.
    OutVec {
        /// Position of the argument that counts the elements.
        count: u8,
    },
    /// A `struct msghdr` to send: name, data and control bytes are read.
    MsgIn,
    /// A `struct msghdr` to receive into: name, data (result bytes), control, lengths and flags are written.
    MsgOut,
    /// An array of `struct mmsghdr` to send, counted by argument `count`. The call writes the length sent (`msg_len`)
    /// into as many of them as its result says.
    MmsgIn {
        /// Position of the argument that counts the elements.
        count: u8,
    },
    /// An array of `struct mmsghdr` to receive into, counted by argument `count`; the result says how many were filled.
    MmsgOut {
        /// Position of the argument that counts the elements.
        count: u8,
    },
    /// A signal set that would be installed during the call. The bytes are compared; the kernel gets null, because
    /// signal masks of a guest are virtual.
    SigMask(Len),
    /// pselect6's last argument: pointer to `{const sigset_t *mask; size_t size}`. Compared; the kernel gets null.
    SigMaskIndirect,
}

/// How many bytes stand behind a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Len {
    /// A fixed number of bytes.
    Bytes(u16),
    /// The value of argument `n` in bytes.
    Arg(u8),
    /// The value of argument `arg` times `size` bytes.
    Times {
        /// Position of the argument that counts the elements.
        arg: u8,
        /// Bytes of one element.
        size: u16,
    },
    /// As many bytes as the result says, never more than argument `cap`.
    Result {
        /// Position of the argument that holds the size of the buffer.
        cap: u8,
    },
    /// As many elements of `size` bytes as the result says, never more than argument `cap` counts.
    ResultTimes {
        /// Position of the argument that counts the elements the buffer has room for.
        cap: u8,
        /// Bytes of one element.
        size: u16,
    },
    /// A `u32` behind argument `arg` holds the size of the buffer on entry and the size of the answer on exit
    /// (socket addresses and options); the shorter of the two is delivered.
    Pointed {
        /// Position of the pointer to the `u32`.
        arg: u8,
    },
    /// An `fd_set` for argument `nfds` descriptors: `((n + 63) / 64) * 8` bytes.
    FdSet {
        /// Position of the argument that says how many descriptors the set covers.
        nfds: u8,
    },
    /// A bit mask of argument `bits` bits, rounded up to whole 64-bit words.
    BitMask {
        /// Position of the argument that counts the bits.
        bits: u8,
    },
    /// One byte per 4096-byte page of the length in argument `arg` (mincore).
    Pages {
        /// Position of the argument with the length in bytes.
        arg: u8,
    },
    /// The first `u32` of the structure says its size (sched_attr, clone_args and their like); capped by 4096.
    Sized,
    /// `struct file_handle`: 8 bytes of head and as many as its first `u32` says (capped by 128).
    FileHandle,
    /// System V message: an 8-byte type and then the bytes that argument `arg` says.
    Msg {
        /// Position of the argument with the length of the text in bytes.
        arg: u8,
    },
    /// System V message received: an 8-byte type and then the bytes that the result says, capped by argument `cap`.
    MsgResult {
        /// Position of the argument with the size of the text buffer.
        cap: u8,
    },
}

/// Names of the bits and values of a flags argument, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagSet {
    /// `(value, name)`; single bits, or values under `mask`.
    pub names: &'static [(u64, &'static str)],
    /// Bits that hold an enumerated value instead of single flags (0 for a pure bit set).
    pub mask: u64,
}

/// Who performs a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exec {
    /// Every replica performs it for itself; the results must be equal.
    Each,
    /// The leader performs it once; result and out-bytes go to all.
    Once,
    /// A handler of its own in the agent performs it, because a row cannot state it.
    Handled(Handler),
    /// Not performed: the guest gets this errno, and one warning names the call.
    Refused(u16),
    /// Not performed, and no warning: the kernel itself has no such call any more, or every libc falls back in silence
    /// (rseq, clone3).
    Absent(u16),
}

/// What a call does to the world, which decides who must have agreed before it is performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// State of the replica itself: nothing outside changes.
    Local,
    /// Reads something outside without changing it: the leader may run ahead.
    PureInput,
    /// Takes something away outside (bytes of a pipe, a connection): all must have agreed first.
    ConsumingInput,
    /// Visible outside: all must have agreed first.
    Output,
    /// Makes a descriptor without any other effect outside: the leader may run ahead, the followers mirror it.
    Descriptor,
    /// Creates, replaces, ends or waits for processes.
    Process,
    /// Signal state or delivery.
    Signal,
}

/// Which descriptors a successful call makes in the caller's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// None.
    Nothing,
    /// The result is a new descriptor.
    Result(Cloexec),
    /// Two descriptors are written as `int[2]` behind argument `arg`.
    Pair {
        /// Position of the pointer.
        arg: u8,
        /// Whether they close on exec.
        cloexec: Cloexec,
    },
    /// Descriptors may arrive in control messages (SCM_RIGHTS).
    Rights,
}

/// Whether a new descriptor closes on exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloexec {
    /// Never.
    Never,
    /// Always.
    Always,
    /// If the bits `mask` are set in argument `arg`.
    Arg {
        /// Position of the flags argument.
        arg: u8,
        /// The close-on-exec bit in it.
        mask: u32,
    },
    /// If `O_CLOEXEC` is set in the `u64` flags that start the structure behind argument `arg` (openat2).
    Pointed {
        /// Position of the pointer.
        arg: u8,
    },
}

/// How far a call is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// As natively.
    Full,
    /// In part; the sentence says what is missing.
    Partial(&'static str),
    /// Not at all; the sentence says why.
    None(&'static str),
}

/// Calls that a row cannot state. Each has a file of its own in the agent, whose head says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// read, pread64, readv, preadv, preadv2: large reads of regular files are repeated by the followers themselves.
    Read,
    /// open, openat, creat, openat2: the flags decide the class; some /proc paths are answered.
    Open,
    /// stat family, access, readlink and others whose path may be `/proc/self/exe`: as the row, with the path replaced.
    ProcPath,
    /// mmap.
    Mmap,
    /// munmap.
    Munmap,
    /// mprotect, pkey_mprotect.
    Mprotect,
    /// mremap.
    Mremap,
    /// madvise.
    Madvise,
    /// brk.
    Brk,
    /// fork, vfork, clone of a process.
    Fork,
    /// setpgid, setsid.
    JobControl,
    /// execve.
    Execve,
    /// execveat.
    Execveat,
    /// exit, exit_group.
    Exit,
    /// close: every replica closes its own, the leader's result counts.
    Close,
    /// close_range.
    CloseRange,
    /// dup, dup2, dup3 and fcntl F_DUPFD: local in the mirrored tables, never onto the agent's descriptors.
    Dup,
    /// rt_sigaction.
    SigAction,
    /// rt_sigprocmask.
    SigProcMask,
    /// rt_sigpending.
    SigPending,
    /// rt_sigreturn.
    SigReturn,
    /// sigaltstack.
    SigAltStack,
    /// kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo: at the guest itself delivered by the agent.
    Kill,
    /// getpid, getppid, gettid, getpgid, getsid, getpgrp: answered from the group's virtual identity.
    Identity,
    /// set_tid_address.
    SetTidAddress,
    /// arch_prctl.
    ArchPrctl,
    /// prctl options that touch what the agent itself relies on.
    Prctl,
    /// sched_setaffinity, sched_getaffinity, getcpu: placement belongs to the runtime, the guest sees a recorded mask.
    Affinity,
    /// gettimeofday, time: performed as clock_gettime, because the seccomp filter traps the vsyscall page by these numbers.
    WallTime,
    /// futex with a single thread.
    Futex,
    /// getdents64: the list of the process's own descriptors leaves out those of the agent.
    Directory,
    /// getrlimit, setrlimit, prlimit64.
    Rlimit,
    /// wait4, waitid without children.
    Wait,
    /// personality: ADDR_NO_RANDOMIZE, which the runtime sets, is hidden.
    Personality,
}

/// A second-level table for a multiplexer: argument `select` chooses among `rows`, whose `nr` is the key.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Position of the argument that selects.
    pub select: u8,
    /// Bits of that argument that select; all 32 except where modifiers share the word (futex).
    pub mask: u32,
    /// Sub-rows in rising order of key; arguments are stated from argument 0 on, like any row.
    pub rows: &'static [Row],
    /// errno for keys that are not listed.
    pub unknown: u16,
}

/// One system call (or one request of a multiplexer).
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Number of the call, or the key in a family.
    pub nr: u32,
    /// The kernel's name.
    pub name: &'static str,
    /// The arguments in order. Registers beyond are garbage and not compared.
    pub args: &'static [Arg],
    /// Who performs it.
    pub exec: Exec,
    /// What it does to the world.
    pub class: Class,
    /// Whether it may block without bound.
    pub blocks: bool,
    /// Descriptors it makes.
    pub makes: Makes,
    /// How far it is supported.
    pub support: Support,
    /// For multiplexers: the table of requests; then the other fields describe the call in general.
    pub family: Option<&'static Family>,
}

//! Structures of the kernel's interface on x86-64, with their sizes checked.

/// `struct iovec`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct IoVec {
    /// Start.
    pub base: u64,
    /// Bytes.
    pub len: u64,
}

/// `struct msghdr` (user_msghdr).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct MsgHdr {
    /// Socket address.
    pub name: u64,
    /// Its room or length (int and padding).
    pub namelen: u64,
    /// Array of [`IoVec`].
    pub iov: u64,
    /// Its elements.
    pub iovlen: u64,
    /// Control messages.
    pub control: u64,
    /// Their bytes.
    pub controllen: u64,
    /// Flags on return (int and padding).
    pub flags: u64,
}

/// `struct stat`, as far as it is looked at.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Stat {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Links.
    pub nlink: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Padding.
    pub pad: u32,
    /// Device number of a device file.
    pub rdev: u64,
    /// Bytes.
    pub size: i64,
    /// Preferred block.
    pub blksize: i64,
    /// Blocks of 512 bytes.
    pub blocks: i64,
    /// Access, modification, change: seconds and nanoseconds.
    pub times: [u64; 6],
    /// Reserved.
    pub reserved: [u64; 3],
}

/// `siginfo_t` as words.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default)]
pub struct SigInfo {
    /// si_signo.
    pub signo: i32,
    /// si_errno.
    pub errno: i32,
    /// si_code.
    pub code: i32,
    /// Padding.
    pub pad: i32,
    /// Union: si_addr, or pid and uid, ...
    pub fields: [u64; 14],
}

/// `stack_t`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Stack {
    /// Lowest address.
    pub sp: u64,
    /// SS_DISABLE 2, SS_ONSTACK 1, SS_AUTODISARM.
    pub flags: u32,
    /// Padding.
    pub pad: u32,
    /// Bytes.
    pub size: u64,
}

/// `struct sigcontext`, `struct ucontext` as the kernel lays them out in a signal frame.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct UContext {
    /// uc_flags.
    pub flags: u64,
    /// uc_link.
    pub link: u64,
    /// uc_stack.
    pub stack: Stack,
    /// r8 to r15.
    pub r8_15: [u64; 8],
    /// rdi.
    pub rdi: u64,
    /// rsi.
    pub rsi: u64,
    /// rbp.
    pub rbp: u64,
    /// rbx.
    pub rbx: u64,
    /// rdx.
    pub rdx: u64,
    /// rax.
    pub rax: u64,
    /// rcx.
    pub rcx: u64,
    /// rsp.
    pub rsp: u64,
    /// rip.
    pub rip: u64,
    /// eflags.
    pub eflags: u64,
    /// cs, gs, fs, ss as u16 each.
    pub segments: u64,
    /// Error code of the exception.
    pub err: u64,
    /// Exception number.
    pub trapno: u64,
    /// oldmask.
    pub oldmask: u64,
    /// Address of a page fault.
    pub cr2: u64,
    /// Pointer to the FPU state.
    pub fpstate: u64,
    /// Reserved.
    pub reserved: [u64; 8],
    /// uc_sigmask.
    pub sigmask: u64,
}

/// Kernel's `struct sigaction` (rt_sigaction).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigAction {
    /// SIG_DFL 0, SIG_IGN 1, or an address.
    pub handler: u64,
    /// SA_* flags.
    pub flags: u64,
    /// sa_restorer.
    pub restorer: u64,
    /// sa_mask.
    pub mask: u64,
}

const _: () = {
    assert!(size_of::<IoVec>() == 16);
    assert!(size_of::<MsgHdr>() == 56);
    assert!(size_of::<Stat>() == 144);
    assert!(size_of::<SigInfo>() == 128);
    assert!(size_of::<Stack>() == 24);
    assert!(size_of::<UContext>() == 304);
    assert!(size_of::<SigAction>() == 32);
};

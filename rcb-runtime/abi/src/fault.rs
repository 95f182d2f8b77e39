//! What a replica leaves behind when something is wrong, for the supervisor's verdict and report.

use core::sync::atomic::AtomicU32;

/// Registers of the guest at a call or an exception.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regs {
    /// r15 to r8 and so on: in the order the entry code pushes them.
    pub r15: u64,
    /// r14.
    pub r14: u64,
    /// r13.
    pub r13: u64,
    /// r12.
    pub r12: u64,
    /// rbp.
    pub rbp: u64,
    /// rbx.
    pub rbx: u64,
    /// r11 (clobbered by the `syscall` instruction).
    pub r11: u64,
    /// r10: fourth argument.
    pub r10: u64,
    /// r9: sixth argument.
    pub r9: u64,
    /// r8: fifth argument.
    pub r8: u64,
    /// rax: number on entry, result on exit.
    pub rax: u64,
    /// rcx (clobbered by the `syscall` instruction).
    pub rcx: u64,
    /// rdx: third argument.
    pub rdx: u64,
    /// rsi: second argument.
    pub rsi: u64,
    /// rdi: first argument.
    pub rdi: u64,
    /// Address after the call instruction.
    pub rip: u64,
    /// Flags.
    pub rflags: u64,
    /// Stack pointer.
    pub rsp: u64,
}

impl Regs {
    /// Names in the order of [`Regs::as_array`].
    pub const NAMES: [&'static str; 18] = [
        "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "rip",
        "rflags", "rsp",
    ];

    /// All registers as an array.
    pub const fn as_array(&self) -> [u64; 18] {
        [
            self.r15,
            self.r14,
            self.r13,
            self.r12,
            self.rbp,
            self.rbx,
            self.r11,
            self.r10,
            self.r9,
            self.r8,
            self.rax,
            self.rcx,
            self.rdx,
            self.rsi,
            self.rdi,
            self.rip,
            self.rflags,
            self.rsp,
        ]
    }

    /// The six arguments of a system call.
    pub const fn args(&self) -> [u64; 6] {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]
    }
}

/// Kinds of fault; [`FaultRecord::kind`].
pub mod kind {
    /// None recorded.
    pub const NONE: u32 = 0;
    /// The state of a peer at the same call differs from ours.
    pub const MISMATCH: u32 = 1;
    /// The bytes of a result do not have the digest that the leader wrote with them.
    pub const PAYLOAD: u32 = 2;
    /// A word of the log is not one its writer can have written (sequence, length or offset out of range).
    pub const LOG: u32 = 3;
    /// A file read by every replica gave different bytes: the file changed meanwhile, or a replica read wrongly.
    pub const INPUT_CHANGED: u32 = 4;
    /// A CPU exception inside the agent, outside the places where guest memory may fault.
    pub const AGENT_EXCEPTION: u32 = 5;
    /// The agent's own check failed (panic); `detail` is the source line.
    pub const AGENT_PANIC: u32 = 6;
    /// A descriptor could not be mirrored; `detail` is the errno.
    pub const MIRROR: u32 = 7;
    /// A call performed by every replica gave a different result than the leader's.
    pub const RESULT: u32 = 8;
    /// The agent could not start the guest; `detail` is the errno, `site` one of [`super::boot_site`].
    pub const BOOT: u32 = 9;
    /// The two copies of a value in the hardened agent differ; `detail` is the kind of check.
    pub const AGENT_CHECK: u32 = 10;
    /// A replica could not be replaced; `site` is one of [`super::heal_site`], `detail` an errno or what is bound to the
    /// lost process.
    pub const HEAL: u32 = 12;
    /// The bytes of a call changed in the leader's memory after they had been compared; `detail` is one of
    /// [`super::buffer`].
    pub const BUFFER: u32 = 11;
    /// Memory is not that of a peer, before a fork or at the start of a program.
    pub const MEMORY: u32 = 13;
}

/// When the bytes of a call were found changed; in [`FaultRecord::detail`] with [`kind::BUFFER`].
pub mod buffer {
    /// Before the kernel got them: nothing wrong has left.
    pub const BEFORE: u64 = 0;
    /// When the kernel had taken them: some may have left.
    pub const AFTER: u64 = 1;
}

/// Where starting the guest failed; in [`FaultRecord::site`] with [`kind::BOOT`].
pub mod boot_site {
    /// Mapping the shared areas.
    pub const SHARED: u32 = 1;
    /// Opening the program.
    pub const OPEN: u32 = 2;
    /// Reading or mapping the program.
    pub const PROGRAM: u32 = 3;
    /// Reading or mapping the interpreter.
    pub const INTERPRETER: u32 = 4;
    /// Arming the interception.
    pub const INTERCEPT: u32 = 5;
    /// Meeting the peers.
    pub const PEERS: u32 = 6;
    /// Making addresses equal.
    pub const LAYOUT: u32 = 7;
}

/// Why a replica could not be replaced; in [`FaultRecord::site`] with [`kind::HEAL`].
pub mod heal_site {
    /// The donor could not be copied.
    pub const CLONE: u32 = 1;
    /// The copy could not take its place.
    pub const PLACE: u32 = 2;
    /// Memory is shared with other processes of the guest.
    pub const SHARED_MEMORY: u32 = 3;
    /// The leader's process had record locks or timers, which are gone with it.
    pub const BOUND: u32 = 4;
    /// The leader had begun a call, and whether it was performed cannot be known.
    pub const BEGUN: u32 = 5;
    /// Descriptors are passed over streams, which a copy has not.
    pub const STREAMS: u32 = 6;
    /// Going on from a checkpoint, a replica did not do again what the journal says; `detail` is the call, and one of
    /// [`super::replay_difference`] in the upper half.
    pub const REPLAY: u32 = 7;
}

/// What was not the same when a request was made again; in [`FaultRecord::detail`] with [`heal_site::REPLAY`].
pub mod replay_difference {
    /// Another request, or the same one at another place.
    pub const REQUEST: u64 = 1;
    /// The journal has something else there.
    pub const ORDER: u64 = 2;
    /// The result.
    pub const RESULT: u64 = 3;
    /// The number of bytes read.
    pub const BYTES: u64 = 4;
    /// The file that was mapped is not to be found.
    pub const FILE: u64 = 5;
}

/// Last words of a replica, in its segment. Written once; `kind` last, with release.
#[repr(C, align(64))]
pub struct FaultRecord {
    /// One of [`kind`]; 0 while nothing is wrong.
    pub kind: AtomicU32,
    /// The peer in whose words the difference was seen; `u32::MAX` for none.
    pub peer: u32,
    /// Sequence number of the call at which it was seen.
    pub seq: u64,
    /// Our chain at that call.
    pub own_chain: u64,
    /// The peer's chain at that call.
    pub peer_chain: u64,
    /// errno, line or signal number, by kind.
    pub detail: u64,
    /// Address or place, by kind.
    pub site: u64,
    /// Address of the data that a CPU exception names.
    pub data_addr: u64,
}

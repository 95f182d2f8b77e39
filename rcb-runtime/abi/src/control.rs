//! The control pages, one per group: written by the supervisor, read-only in the replicas, which map them all.

use crate::MAX_REPLICAS;
use core::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};

/// When the replicas must meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Lockstep {
    /// Every call waits for every peer.
    Strict = 0,
    /// Only calls that are visible outside or that take input away wait; others are compared when a peer arrives.
    Output = 1,
}

/// Settings and orders of the supervisor for one group, and what it knows of the group's process.
#[repr(C, align(4096))]
pub struct Control {
    /// [`crate::MAGIC`].
    pub magic: u64,
    /// [`crate::ABI_VERSION`].
    pub version: u32,
    /// Number of replicas, 1 to [`MAX_REPLICAS`].
    pub replicas: u32,
    /// [`Lockstep`] as a number.
    pub lockstep: u32,
    /// Iterations of a waiting loop before it sleeps on a futex.
    pub spin: u32,
    /// Replica that performs calls for all, at first and since the latest [`Heal`].
    pub leader: AtomicU32,
    /// 0 until all replicas are started and `pids` is filled; replicas wait for it on this futex word.
    pub go: AtomicU32,
    /// 1 when the run is being ended: nothing leaves any more, and every replica stands still at its next look; parked
    /// replicas sleep on this futex word.
    pub stop: AtomicU32,
    /// Non-zero: behave as if `pidfd_getfd` were denied (a test facility).
    pub force_fd_passing: u32,
    /// Process ids of the replicas as the supervisor sees them.
    pub pids: [AtomicU32; MAX_REPLICAS],
    /// Process id of the supervisor: the parent of all replicas.
    pub supervisor: u32,
    /// Process id the guest sees as its parent's: that of the parent's group while it lives, then 1. For the first group
    /// the supervisor's parent.
    pub virtual_ppid: AtomicU32,
    /// Process id that guests see of this group, and of the process that leads it, once that is another one; 0 before.
    pub guest_pid: AtomicU32,
    /// See above.
    pub leader_pid: AtomicU32,
    /// One of [`process`].
    pub state: AtomicU32,
    /// How the process ended, as `wait4` says it; valid in state [`process::ENDED`].
    pub status: AtomicU32,
    /// Its process group at its end.
    pub pgid: AtomicU32,
    /// How the process last stopped or went on, as `wait4` says it.
    pub job_status: AtomicU32,
    /// How often it has stopped or gone on.
    pub job_changes: AtomicU32,
    /// CPU time that its leader used, in microseconds: user, then system.
    pub used_us: [AtomicU64; 2],
    /// Rises whenever a child of this group changes its state; the low half is a futex word.
    pub child_events: AtomicU64,
    /// Groups set aside for the next forks of this one: fork number `i` takes entry `i % SPARES`.
    pub spares: [AtomicU32; SPARES],
    /// How many have been set aside so far; the low half is a futex word.
    pub spares_given: AtomicU64,
    /// The latest [`crate::segment::Petition`] of the leader that was answered, and the answer.
    pub petition_answered: AtomicU64,
    /// The answer: 0, or an errno negated.
    pub petition_answer: AtomicI64,
    /// CPUs the guest shall see in its affinity mask (the supervisor's own mask at start), 1024 bits.
    pub affinity: [u64; 16],
    /// Soft and hard RLIMIT_NOFILE the guest shall see, as inherited by the supervisor.
    pub nofile: [u64; 2],
    /// Bits set here are signals (bit n-1 for signal n) that the supervisor inherited as ignored.
    pub ignored_signals: u64,
    /// Signal mask the supervisor inherited.
    pub signal_mask: u64,
    /// 16 random bytes for the guest's AT_RANDOM, equal in all replicas.
    pub random: [u8; 16],
    /// CPU (as the kernel numbers it) to which each replica is pinned; `u32::MAX` for not pinned.
    pub cpus: [u32; MAX_REPLICAS],
    /// A fault to inject; a test facility, [`Hook::NONE`] otherwise.
    pub hook: Hook,
    /// Non-zero: sample the time spent in the agent (`--stats`).
    pub time_agent: u32,
    /// Non-zero: never patch call sites, keep every call on the signal path (a measuring facility).
    pub no_patch: u32,
    /// Non-zero: ask for transparent huge pages for the guest's private memory.
    pub huge_pages: u32,
    /// Non-zero: digests of data use the processor's AES instructions.
    pub wide_digest: u32,
    /// Non-zero: the kernel may not be told to leave addresses alone; the agent lays out the address space itself.
    pub own_layout: u32,
    /// Non-zero: the replicas leave frozen copies of themselves, and keep a journal.
    pub checkpoints: u32,
    /// A replica is to be replaced.
    pub heal: Heal,
    /// Set by the supervisor for every plan request it has answered, per replica: the `ticket` answered last.
    pub plan_answered: [AtomicU64; MAX_REPLICAS],
}

/// The order to replace a replica by a copy of another one. All words belong to the latest epoch.
#[repr(C, align(64))]
pub struct Heal {
    /// Rises by one with every order; stored last. A futex word.
    pub epoch: AtomicU32,
    /// Low half of the request at which all replicas shall stand still until it is in `released`; 0 for none. (Here,
    /// because every post looks at this line.)
    pub stand_at: AtomicU32,
    /// The latest such request that is over. A futex word.
    pub released: AtomicU32,
    /// The replica to be replaced; its process is gone.
    pub victim: AtomicU32,
    /// The follower that makes a copy of itself.
    pub donor: AtomicU32,
    /// Request that the former leader had begun and not answered; 0 for none.
    pub begun: AtomicU64,
    /// Bytes it had written by then beyond what its account says ([`crate::segment::Moved`]).
    pub written: AtomicU64,
    /// Bytes it had read beyond that.
    pub read: AtomicU64,
    /// All replicas are to go on from their frozen copies.
    pub rollback: Rollback,
}

/// The order to go back to a checkpoint. All words belong to the latest epoch.
#[repr(C)]
pub struct Rollback {
    /// Low half of the request in front of which all shall leave a copy of themselves; 0 for none.
    pub freeze_at: AtomicU32,
    /// The checkpoint by the latest request at that time ([`crate::segment::Frozen::seq`]), plus one; 0 for none.
    pub to: AtomicU64,
    /// Part of the journal that is to be answered from.
    pub start: AtomicU64,
    /// See above.
    pub end: AtomicU64,
    /// The request behind it, if the leader's record has its answer; else 0.
    pub answered: AtomicU64,
}

/// Groups set aside for the coming forks of one group.
pub const SPARES: usize = 4;

/// In [`Control::spares`]: there is no room for another process.
pub const NO_GROUP: u32 = u32::MAX;

/// What the process of a group is doing; [`Control::state`].
pub mod process {
    /// There is none.
    pub const NONE: u32 = 0;
    /// It runs, or is about to.
    pub const RUNS: u32 = 1;
    /// All its replicas are gone; its parent has not asked yet.
    pub const ENDED: u32 = 2;
}

/// What a [`Hook`] changes.
pub mod hook_target {
    /// Nothing: no fault is injected.
    pub const NONE: u32 = 0;
    /// A general register of the guest; `place` indexes [`crate::fault::Regs::as_array`].
    pub const REGISTER: u32 = 1;
    /// A bit of guest memory at absolute address `place`.
    pub const MEMORY: u32 = 2;
    /// A bit of guest memory at the stack pointer plus `place`.
    pub const STACK: u32 = 3;
    /// A bit of the guest's brk heap at its start plus `place`.
    pub const HEAP: u32 = 4;
    /// A bit of the program's first writable segment at its start plus `place`.
    pub const DATA: u32 = 5;
    /// The replica spins for ever inside the agent (a hang).
    pub const HANG: u32 = 6;
    /// The replica kills itself with SIGKILL.
    pub const KILL: u32 = 7;
    /// The result register after the call.
    pub const RESULT: u32 = 8;
    /// A bit of the first input buffer of the call, before it is compared.
    pub const INPUT: u32 = 9;
    /// The replica, as the leader, kills itself when it has begun the call and not performed it.
    pub const KILL_BEGUN: u32 = 10;
    /// The same when it has performed the call and not told anybody.
    pub const KILL_DONE: u32 = 11;
}

/// One fault to inject: at call number `call` of replica `replica`, flip bit `bit` of something.
///
/// Register, memory and result faults take effect when the call is done, as the guest goes on; an input fault takes
/// effect on entry, the last two in the middle.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// One of [`hook_target`].
    pub target: u32,
    /// Replica that suffers.
    pub replica: u32,
    /// Call (sequence number, from 1) at which it happens.
    pub call: u64,
    /// Register index or address, see [`hook_target`].
    pub place: u64,
    /// Bit number: 0..63 in a register, 0..7 in a byte of memory.
    pub bit: u32,
    /// Not used.
    pub reserved: u32,
}

impl Hook {
    /// No fault.
    pub const NONE: Self = Self { target: hook_target::NONE, replica: 0, call: 0, place: 0, bit: 0, reserved: 0 };
}

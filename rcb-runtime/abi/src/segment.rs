//! The segment of one replica: written by it alone, read-only for its peers and the supervisor.
//!
//! ```text
//!  Head      one cache line: the latest request (sequence number, chain, call number)
//!  Wait      one cache line: what am I doing, for whom do I wait
//!  Asleep    one cache line: does a peer have to wake me
//!  ...       stats, fault record, state carried over execve
//!  trace     the last 64 requests in full, for the report
//!  records   the last 64 results, written while this replica leads
//!  payload   ring of bytes that belong to the results
//! ```

mod copies;
mod log;

pub use copies::{FROZEN, Frozen, Memory, no_copies};
pub use log::{ADMITTED, Admitted, Record, Trace, record_flag};

use crate::fault::{FaultRecord, Regs};
use crate::stats::Stats;
use core::sync::atomic::{AtomicU32, AtomicU64};

/// Children that a guest can have at one time, those included that have ended and were not waited for.
pub const CHILDREN: usize = 128;

/// Slots of the trace and of the result ring; a replica is never that far ahead of a peer.
pub const RING: usize = 64;
/// Every so many calls a replica checks that no peer lags by as many: with [`RING`] slots nothing that a
/// peer still needs is overwritten.
pub const LAG: u64 = 32;
/// Bytes of the payload ring.
pub const PAYLOAD_BYTES: usize = 512 * 1024;
/// Most payload of one result. Longer reads are repeated by the followers (regular files), done in pieces (devices) or
/// shortened, as the kernel may (pipes and sockets).
pub const PAYLOAD_MAX: usize = 128 * 1024;
/// Longest path with its NUL.
pub const PATH_BYTES: usize = 4096;

/// The latest request: what peers compare.
#[repr(C, align(64))]
pub struct Head {
    /// Sequence number, from 1; stored last, with release. The low half is a futex word.
    pub seq: AtomicU64,
    /// Digest of everything compared so far, this request included.
    pub chain: AtomicU64,
    /// Call number, or [`EXCEPTION`] + signal, or [`RDTSC`].
    pub nr: AtomicU32,
}

/// Pseudo call number: a CPU exception (plus the signal number).
pub const EXCEPTION: u32 = 0x1_0000;
/// Pseudo call number: an rdtsc or rdtscp instruction.
pub const RDTSC: u32 = 0x2_0000;
/// Pseudo call number: the start of a program, posted once the image is loaded.
pub const START: u32 = 0x3_0000;
/// Pseudo call number: a step of a fork.
pub const FORK: u32 = START + 3;
/// Pseudo call number: signals that were blocked may be delivered now.
pub const UNBLOCKED: u32 = START + 4;
/// Pseudo call number: the next piece of a read that is larger than one record carries.
pub const PIECE: u32 = START + 2;
/// Pseudo call number: memory is compared.
pub const COMPARE: u32 = START + 5;
/// Pseudo call number: a call of the 32-bit interface (plus its number), always refused.
pub const COMPAT: u32 = 0x4_0000;

/// What a replica is doing; [`Wait::phase`].
pub mod phase {
    /// Not started.
    pub const BOOT: u32 = 0;
    /// Running the guest (or the agent on its behalf).
    pub const RUN: u32 = 1;
    /// Waiting for the request of peer `wait_for`.
    pub const WAIT_REQUEST: u32 = 2;
    /// Waiting for the result of the leader.
    pub const WAIT_RESULT: u32 = 3;
    /// Inside a call that may block for as long as the outside world likes.
    pub const BLOCKED: u32 = 4;
    /// Stopped with a fault recorded.
    pub const PARKED: u32 = 5;
    /// Agreed to end; see [`super::Ending`].
    pub const ENDING: u32 = 6;
    /// Waiting for what its leader, which is gone, has not handed over: descriptors, or itself at the start of a fork.
    pub const ORPHANED: u32 = 7;
    /// Standing at a request so that memory can be compared; see `control::Heal::stand_at`.
    pub const STANDS: u32 = 8;
}

/// What this replica is doing: for the supervisor's watchdog and for a successor of the leader.
#[repr(C, align(64))]
pub struct Wait {
    /// One of [`phase`].
    pub phase: AtomicU32,
    /// Peer waited for.
    pub wait_for: AtomicU32,
    /// Non-zero: this replica cannot use pidfd_getfd on its peers and needs descriptors over the socket.
    pub needs_socket: AtomicU32,
    /// Sequence number of the call that this replica, as the leader, has begun to perform: with `records` it tells a
    /// successor whether an output may have happened.
    pub intent: AtomicU64,
    /// 1 once the fault of [`crate::control::Hook`] has been injected here (a test facility).
    pub hook_done: AtomicU32,
}

/// Bytes that this process has read and written, by the kernel's own account (`rchar` and `wchar` of `/proc/PID/io`),
/// as far as it has seen the results: what the kernel has counted more tells what became of a call without a result.
#[repr(C)]
pub struct Moved {
    /// Read.
    pub read: AtomicU64,
    /// Written.
    pub written: AtomicU64,
}

/// A line of its own, because peers read it whenever they publish something: it must not change often.
#[repr(C, align(64))]
pub struct Asleep {
    /// 1 while this replica sleeps on a futex and wants a wake-up.
    pub flag: AtomicU32,
}

/// How the replica ended by agreement; written before it dies.
#[repr(C, align(64))]
pub struct Ending {
    /// 0 while running, 1 exit with `code`, 2 death by signal `code`.
    pub how: AtomicU32,
    /// Exit status or signal number.
    pub code: AtomicU32,
}

/// A request for a patch plan; the supervisor answers by publishing an entry (or not) and storing the ticket in
/// `Control::plan_answered`.
#[repr(C, align(64))]
pub struct PlanRequest {
    /// Rises by one with every request; stored last.
    pub ticket: AtomicU64,
    /// An address at which this replica has mapped the file.
    pub addr: u64,
    /// Identity, as in [`crate::plan::PlanEntry`].
    pub dev: u64,
    /// st_ino.
    pub ino: u64,
}

/// What the leader asks the supervisor to do to other processes of the tree; answered in the control page.
#[repr(C, align(64))]
pub struct Petition {
    /// Rises by one with every petition; stored last.
    pub ticket: AtomicU64,
    /// One of [`petition`].
    pub kind: u32,
    /// Process id as guests see it.
    pub pid: i32,
    /// Signal, or process group.
    pub value: i32,
}

/// Kinds of [`Petition`].
pub mod petition {
    /// Send `value`, SIGKILL, SIGSTOP or SIGCONT, to the process `pid`.
    pub const KILL: u32 = 1;
    /// Put the process `pid` into the process group `value`.
    pub const SET_GROUP: u32 = 2;
    /// Stop the asking process itself, as the default action of the signal `value` says.
    pub const STOP: u32 = 3;
}

/// A child of the guest that has not been waited for.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildProcess {
    /// Process id as guests see it; 0 for a free place.
    pub pid: u32,
    /// Its group.
    pub group: u32,
    /// Of the times it has stopped or gone on ([`crate::control::Control::job_changes`]), how many the guest knows of.
    pub job_changes: u32,
    /// Inode of its leader's process, once the guest has a descriptor of it; else 0.
    pub process: u64,
}

/// Bytes of a vfork child's memory that are handed back to its parent.
pub const WINDOW_BYTES: usize = 16 * 1024;

/// What a vfork child leaves for its parent when it executes a program or ends.
#[repr(C, align(64))]
pub struct Window {
    /// Bytes that are valid.
    pub length: u64,
    /// Memory from the stack pointer of the call upwards.
    pub bytes: [u8; WINDOW_BYTES],
}

/// State of the guest that survives `execve`.
#[repr(C, align(64))]
pub struct Carry {
    /// Path of the program (absolute), NUL-terminated. The supervisor fills it for the first program.
    pub exe: [u8; PATH_BYTES],
    /// Path as the guest named it (AT_EXECFN), NUL-terminated.
    pub execfn: [u8; PATH_BYTES],
    /// Programs executed so far; 0 for the first.
    pub generation: u64,
    /// Next sequence number, chain and payload position.
    pub seq: u64,
    /// Chain.
    pub chain: u64,
    /// Payload bytes written so far.
    pub payload_pos: u64,
    /// Virtual signal mask.
    pub mask: u64,
    /// Signals that are ignored.
    pub ignored: u64,
    /// Signals pending.
    pub pending: u64,
    /// Personality as the guest sees it.
    pub personality: u64,
    /// The guest's AT_RANDOM bytes.
    pub random: [u8; 16],
    /// Hard limit of descriptors as the guest has lowered it; 0 for the kernel's.
    pub nofile_hard: u64,
    /// The same for the address space.
    pub space_hard: u64,
    /// What the kernel's soft limit of the address space is larger than the guest's: room for the agent.
    pub space_extra: u64,
    /// Recorded affinity mask.
    pub affinity: [u64; 16],
    /// Bits: 1 the seccomp filter is installed.
    pub flags: u64,
    /// Process id as guests see it.
    pub pid: u32,
    /// Replica that performs calls for all.
    pub leader: u32,
    /// The latest order to replace a replica that was followed.
    pub epoch: u32,
    /// What is bound to this process, see the agent's `recovery`.
    pub bound: u32,
    /// Forks so far.
    pub forks: u32,
    /// Children.
    pub children: [ChildProcess; CHILDREN],
}

/// All of it.
#[repr(C, align(4096))]
pub struct Segment {
    /// [`crate::MAGIC`].
    pub magic: u64,
    /// [`crate::ABI_VERSION`].
    pub version: u32,
    /// Which replica.
    pub replica: u32,
    /// Process id of this replica; 0 until it is there. A futex word.
    pub pid: AtomicU32,
    /// Process id of the first process that was this replica of a forked group; stays when it is replaced.
    pub born: AtomicU32,
    /// The latest order to replace a replica that this one has come from or has followed.
    pub epoch: AtomicU32,
    /// The group whose fork made this one.
    pub parent: AtomicU32,
    /// Group that the leader's latest wait has taken the end of, plus one; 0 for none.
    pub waited: AtomicU32,
    /// What the wait has found was not the end, but this many changes, see [`ChildProcess::job_changes`]; else 0.
    pub waited_changes: AtomicU32,
    /// Non-zero: the guest does not want to be told of children that stop or go on.
    pub no_stop_news: AtomicU32,
    /// The signal that the guest wants to have when its parent ends; 0 for none.
    pub death_signal: AtomicU32,
    /// A signal that has arrived and ends the guest by default; 0 for none. The guest may be busy without calls.
    pub fatal: AtomicU32,
    /// A signal that has arrived and waits for the guest's next call; 0 for none.
    pub waiting: AtomicU32,
    /// Forks that this replica has begun to make; a copy of it will not make them again.
    pub cloning: AtomicU32,
    /// Forks that it has made: the child has been there.
    pub cloned: AtomicU32,
    /// Number of the fork for which the leader waits to be given a group, from 1.
    pub wanted_fork: AtomicU32,
    /// Ring of groups whose end the guest has learnt of (written by the leader), so that they can be used again.
    pub reaped: [AtomicU32; CHILDREN],
    /// How many so far.
    pub reaped_count: AtomicU64,
    /// Frozen copies of this replica, a ring: number `i` is in place `i % FROZEN`.
    pub frozen: [Frozen; FROZEN],
    /// How many there have been.
    pub frozen_count: AtomicU64,
    /// Rises when they are of no use any more, and end. A futex word, also when they are wanted.
    pub dismissed: AtomicU32,
    /// The latest request that has changed the table of descriptors or what belongs to it in this replica, and its result:
    /// a copy that shares the table does not do that again.
    pub table_changed: [AtomicU64; 2],
    /// End of the journal (written by the follower that keeps it).
    pub journal_end: AtomicU64,
    /// The request of its last entry.
    pub journal_seq: AtomicU64,
    /// Why this process leaves no copies: one of [`no_copies`].
    pub no_copies: AtomicU32,
    /// A checkpoint whose part of the journal begins earlier cannot be used; all ones while none can.
    pub journal_valid: AtomicU64,
    /// Request and chain at which the replica was live again after the latest rollback.
    pub retried: [AtomicU64; 2],
    /// The comparison of memory in front of a fork and at the start of a program.
    pub memory: Memory,
    /// Petition (written by the leader).
    pub petition: Petition,
    /// Latest request.
    pub head: Head,
    /// What it is doing.
    pub wait: Wait,
    /// Whether it sleeps.
    pub asleep: Asleep,
    /// What went through its descriptors.
    pub moved: Moved,
    /// Agreed end.
    pub ending: Ending,
    /// Fault.
    pub fault: FaultRecord,
    /// Registers of the guest at the latest request (valid when parked).
    pub regs: Regs,
    /// Plan request.
    pub plan_request: PlanRequest,
    /// Counters.
    pub stats: Stats,
    /// Names of refused calls are warned about once: bit per call number.
    pub warned: [u64; 8],
    /// Ring of refused family requests: (call number << 32 | key), 0 empty; the supervisor prints them.
    pub refusals: [AtomicU64; 64],
    /// Refusals entered so far.
    pub refusal_count: AtomicU64,
    /// State over execve.
    pub carry: Carry,
    /// Left by a vfork child.
    pub window: Window,
    /// Requests. What comes before the records is copied into the segment of a replica that takes another one's place.
    pub trace: [Trace; RING],
    /// Results.
    pub records: [Record; RING],
    /// Signals that go with them.
    pub admitted: [Admitted; RING],
    /// Payload ring.
    pub payload: [u8; PAYLOAD_BYTES],
}

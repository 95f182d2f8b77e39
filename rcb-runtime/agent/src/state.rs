//! What one replica knows: private memory of the agent, in one place.
#![allow(unsafe_code, reason = "one static state of a process with one thread of agent code")]

use crate::load::layout::Window;
use crate::recovery::bound::Bound;
use crate::recovery::journal::Journal;
use crate::recovery::replay::Replay;
use crate::signals::Signals;
use crate::trap::code::CodeMap;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use rcb_abi::fault::Regs;
use rcb_abi::segment::{PATH_BYTES, RING};

/// Descriptors whose kind is remembered.
pub const KINDS: usize = 1024;

/// What a descriptor is, as far as reading goes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FdKind {
    /// Not looked at yet.
    Unknown,
    /// A regular file whose bytes every replica can read for itself.
    Regular,
    /// Anything else.
    Other,
    /// The directory of the process's own descriptors.
    OwnDescriptors,
}

/// What the patched path leaves for the handler that gets a full signal frame.
#[derive(Clone, Copy, Default)]
pub struct Deferred {
    /// Where the guest resumes; 0 when nothing is deferred.
    pub resume: u64,
    /// Result register there.
    pub rax: u64,
    /// A handler has to be left (rt_sigreturn).
    pub again: bool,
    /// The call ended for a signal and begins anew afterwards.
    pub restart: bool,
}

/// State of the agent. What a fork and most calls touch comes first, so that it lies in one page: a page that parent or
/// child writes to after a fork is copied.
#[repr(C)]
pub struct State {
    /// Which replica this is.
    pub replica: usize,
    /// How many there are.
    pub n: usize,
    /// Who performs calls for all.
    pub leader: usize,
    /// Every call meets.
    pub strict: bool,
    /// Faults can be corrected here: by a third replica, or from checkpoints.
    pub heals: bool,
    /// Replicas leave frozen copies of themselves.
    pub checkpoints: bool,
    /// The request behind which it has left the latest one.
    pub left_at: u64,
    /// The stack pointer that the program began with: its words lie above.
    pub words_start: u64,
    /// Memory is compared before a fork.
    pub compares: bool,
    /// Digest of the memory on which all agreed before the latest fork; 0 for none.
    pub handed: u64,
    /// The journal, if this replica keeps it.
    pub journal: Journal,
    /// What is being done again.
    pub replay: Replay,
    /// The latest order to replace a replica that was followed.
    pub epoch: u32,
    /// Request that the former leader had begun when it was lost; 0 for none, or when that is settled.
    pub begun: u64,
    /// What is bound to the leader's process.
    pub bound: Bound,
    /// Iterations of a waiting loop before it sleeps.
    pub spin: u32,
    /// First reserved descriptor.
    pub fd_base: u32,
    /// Sequence number of the latest request.
    pub seq: u64,
    /// Chain: digest of all that was compared so far.
    pub chain: u64,
    /// Payload bytes written so far (as a stream).
    pub payload_pos: u64,
    /// `payload_pos` when each of the last requests was posted.
    pub payload_start: [u64; RING],
    /// Latest request whose result was a descriptor.
    pub last_fd_seq: u64,
    /// Start of the emulated heap.
    pub brk_start: u64,
    /// Its end as the guest set it.
    pub brk_now: u64,
    /// First writable segment of the program.
    pub data_start: u64,
    /// Mask that the leader's process has in the kernel.
    pub kernel_mask: u64,
    /// Mask of the call that waits, if it has one of its own.
    pub wait_mask: Option<u64>,
    /// That mask for the kernel, and what points to it.
    pub wait_words: [u64; 3],
    /// Left for the next frame.
    pub deferred: Deferred,
    /// Addresses reserved where the kernel places mappings at random.
    pub window: Window,
    /// Registers of the request being handled.
    pub regs: *const Regs,
    /// Values of prctl options that are only recorded: dumpable, no_new_privs, tsc.
    pub prctl: [u64; 3],
    /// Peers that need descriptors over the socket (bits).
    pub socket_peers: u32,
    /// The current call is timed, see `timing`.
    pub timing: bool,
    /// When it came in.
    pub entered: u64,
    /// What one reading of the clock costs.
    pub reading_ns: u64,
    /// What of it so far is not the agent's own work: readings, kernel, waiting.
    pub apart_ns: u64,
    /// Virtual signal state.
    pub signals: Signals,
    /// Kinds of descriptors.
    pub kinds: [FdKind; KINDS],
    /// Read-only shared mappings of files: no write permission may be added. `(start, end)`.
    pub shared_maps: [(u64, u64); 32],
    /// Executable mappings and trampolines.
    pub code: CodeMap,
}

/// Words in [`Scratch::words`].
pub const SCRATCH_WORDS: usize = 2048;

/// Buffers too large for the stack.
pub struct Scratch {
    /// Paths of the current call, in the order of its arguments.
    pub paths: [[u8; PATH_BYTES]; 2],
    /// Lengths with the NUL; 0 for null or unreadable.
    pub path_len: [usize; 2],
    /// A copy of an iovec array or of a program's head.
    pub words: [u64; SCRATCH_WORDS],
    /// A rewritten path.
    pub rewritten: [u8; PATH_BYTES],
}

/// Words that are needed without the state, in one page with what of it is touched most.
pub struct Words {
    /// The group of this process.
    pub group: AtomicU32,
    /// Which of its replicas this is, for [`crate::shared::peer`].
    pub replica: AtomicU32,
    /// 1 once the descriptors of the peers' processes are those of this group: see [`crate::descriptors::peer`].
    pub peers: AtomicU32,
    /// Process id as the guest sees it.
    pub pid: AtomicU32,
    /// In a vfork child: where the memory starts that its parent gets back; 0 when none is shared (any more).
    pub window: AtomicU64,
    /// Signals from outside that have arrived so far; written by the handler.
    pub arrived: AtomicUsize,
    /// Of these, those that were admitted; written by everybody else.
    pub admitted: AtomicUsize,
}

#[repr(C, align(4096))]
struct Page {
    words: Words,
    state: Global<State>,
}

struct Global<T>(UnsafeCell<T>);
// SAFETY: one thread; see `state`.
unsafe impl<T> Sync for Global<T> {}

static PAGE: Page = Page {
    words: Words {
        group: AtomicU32::new(0),
        replica: AtomicU32::new(0),
        peers: AtomicU32::new(0),
        pid: AtomicU32::new(0),
        window: AtomicU64::new(0),
        arrived: AtomicUsize::new(0),
        admitted: AtomicUsize::new(0),
    },
    state: Global(UnsafeCell::new(State::NEW)),
};

impl State {
    #[allow(clippy::large_stack_arrays, reason = "initialises a static, is never on a stack")]
    const NEW: Self = Self {
        replica: 0,
        n: 0,
        leader: 0,
        strict: false,
        heals: false,
        checkpoints: false,
        left_at: u64::MAX,
        words_start: 0,
        compares: true,
        handed: 0,
        journal: Journal::NONE,
        replay: Replay::OFF,
        epoch: 0,
        begun: 0,
        bound: Bound::NONE,
        spin: 0,
        fd_base: 0,
        seq: 0,
        chain: 0,
        payload_pos: 0,
        payload_start: [0; RING],
        last_fd_seq: 0,
        kinds: [FdKind::Unknown; KINDS],
        brk_start: 0,
        brk_now: 0,
        data_start: 0,
        kernel_mask: 0,
        wait_mask: None,
        wait_words: [0; 3],
        signals: Signals::NEW,
        deferred: Deferred { resume: 0, rax: 0, again: false, restart: false },
        code: CodeMap::NEW,
        shared_maps: [(0, 0); 32],
        window: Window::NONE,
        regs: core::ptr::null(),
        prctl: [1, 0, 1],
        socket_peers: 0,
        timing: false,
        entered: 0,
        reading_ns: 0,
        apart_ns: 0,
    };
}

static PROGRAM: Global<[u8; PATH_BYTES]> = Global(UnsafeCell::new([0; PATH_BYTES]));

/// Path of the program: filled at its start and not changed afterwards, so that no fork copies it.
#[inline]
pub fn program() -> &'static mut [u8; PATH_BYTES] {
    // SAFETY: as for `state`.
    unsafe { &mut *PROGRAM.0.get() }
}

static SCRATCH: Global<Scratch> = Global(UnsafeCell::new(Scratch {
    paths: [[0; PATH_BYTES]; 2],
    path_len: [0; 2],
    words: [0; SCRATCH_WORDS],
    rewritten: [0; PATH_BYTES],
}));

/// The state. Taken once per entry into the agent and handed down; a nested fault handler touches it only when it
/// will never return.
#[inline]
pub fn state() -> &'static mut State {
    // SAFETY: one thread; entry points take it once each, and do not nest except on the way to `fault::park`.
    unsafe { &mut *PAGE.state.0.get() }
}

/// The words beside it.
#[inline]
pub fn words() -> &'static Words {
    &PAGE.words
}

/// The scratch buffers; a caller holds the reference only while it fills or reads one of them.
#[inline]
pub fn scratch() -> &'static mut Scratch {
    // SAFETY: as for `state`.
    unsafe { &mut *SCRATCH.0.get() }
}

impl State {
    /// Whether this replica performs calls for all.
    #[inline]
    pub fn leads(&self) -> bool {
        self.replica == self.leader
    }

    /// Whose records answer requests.
    #[inline]
    pub const fn source(&self) -> usize {
        if self.replay.on { self.replay.leader } else { self.leader }
    }

    /// Whether a descriptor number belongs to the agent.
    #[inline]
    pub fn reserved(&self, fd: u64) -> bool {
        (fd as u32).wrapping_sub(self.fd_base) < rcb_abi::descriptors::RESERVED
    }

    /// Forgets what kind a descriptor is.
    #[inline]
    pub fn forget_kind(&mut self, fd: u64) {
        if let Some(kind) = self.kinds.get_mut(fd as u32 as usize) {
            *kind = FdKind::Unknown;
        }
    }
}

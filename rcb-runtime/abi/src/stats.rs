//! Counters of one replica (`--stats`), in its segment; only the replica writes them.

/// Counters since the start of the run, over all programs the guest has executed.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Calls by class, in the order of `rcb_syscalls::spec::Class`: local, pure input, consuming input, output,
    /// descriptor, process, signal.
    pub by_class: [u64; 7],
    /// Refused calls.
    pub refused: u64,
    /// Calls that came through a patched site.
    pub patched: u64,
    /// Calls that came through SIGSYS.
    pub trapped: u64,
    /// Sites patched from a plan.
    pub sites_planned: u64,
    /// Sites patched when they were first met.
    pub sites_met: u64,
    /// rdtsc and rdtscp instructions answered.
    pub rdtsc: u64,
    /// CPU exceptions of the guest.
    pub exceptions: u64,
    /// Times this replica waited for a peer.
    pub waits: u64,
    /// Of these, times it had to sleep.
    pub sleeps: u64,
    /// Bytes hashed as input of calls.
    pub bytes_compared: u64,
    /// Bytes handed out through the log (leader) or taken from it (follower).
    pub bytes_moved: u64,
    /// Bytes of regular files that followers read themselves.
    pub bytes_reread: u64,
    /// Nanoseconds in the agent, waits and kernel included: one call in 64 is timed and counted 64 times, if the control
    /// page asks for it.
    pub agent_ns: u64,
    /// Of these, nanoseconds waiting for peers (same sampling).
    pub wait_ns: u64,
}

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
    /// Nanoseconds of the agent's own work: one call in 64 is timed and counted 64 times, if the control page asks for
    /// it. So are all that follow; without, they are 0.
    pub own_ns: u64,
    /// Nanoseconds in which the kernel performed calls of the guest (same sampling).
    pub kernel_ns: u64,
    /// Nanoseconds that this timing itself took; not sampled, and in none of the others.
    pub reading_ns: u64,
    /// Spins while waiting for peers, without a pause instruction; counted always.
    pub eager_spins: u64,
    /// The same with one.
    pub pause_spins: u64,
    /// Nanoseconds asleep while waiting for peers.
    pub sleep_ns: u64,
    /// Picoseconds of a spin without a pause instruction.
    pub eager_ps: u64,
    /// The same with one.
    pub pause_ps: u64,
}

impl Stats {
    /// Nanoseconds waiting for peers.
    pub const fn wait_ns(&self) -> u64 {
        let spins = self.eager_spins.saturating_mul(self.eager_ps);
        let pauses = self.pause_spins.saturating_mul(self.pause_ps);
        spins.saturating_add(pauses) / 1000 + self.sleep_ns
    }

    /// Nanoseconds in the agent, waits and kernel included.
    pub const fn agent_ns(&self) -> u64 {
        self.own_ns.saturating_add(self.kernel_ns).saturating_add(self.wait_ns())
    }
}

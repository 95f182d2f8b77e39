//! What the replicas leave behind: collected while they stand still, judged by [`rcb_guard`] as plain data.

use crate::group::Group;
use crate::processes::{self, Usage};
use rcb_abi::segment::phase;
use rcb_guard::{End, Statement};
use std::time::{Duration, Instant};

/// How long replicas get to stand still. The kernel stops a process at once, but for one in uninterruptible sleep.
const STOPPING: Duration = Duration::from_millis(200);

/// One replica at the moment of the fault.
#[derive(Clone)]
pub struct Witness {
    /// Process.
    pub pid: u32,
    /// CPU it ran on last, or that it was pinned to.
    pub cpu: u32,
    /// What it says.
    pub said: Statement,
    /// How it ended, if it has.
    pub end: Option<End>,
}

impl Witness {
    /// Whether it still stands, alive, at this request, with the registers it left when it parked there.
    pub const fn is_parked_at(&self, seq: u64) -> bool {
        self.said.phase == phase::PARKED && self.said.seq == seq && self.end.is_none()
    }
}

/// Replicas of a group, and how those that have ended did so.
pub type Known<'a> = (&'a Group<'a>, &'a [Option<(End, Usage)>]);

/// Stops all replicas that live, without ending them.
pub fn freeze(groups: &[Known<'_>]) {
    let living = || {
        let replicas = groups.iter().flat_map(|(group, ends)| group.children.iter().zip(*ends));
        replicas.filter(|(_, end)| end.is_none()).map(|(child, _)| child)
    };
    living().for_each(|child| processes::signal(child, libc::SIGSTOP));
    let until = Instant::now() + STOPPING;
    let moves = |pid| processes::stat(pid).is_some_and(|stat| !"TtZX".contains(stat.state));
    while living().any(|child| moves(child.pid)) && Instant::now() < until {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Reads everything; the replicas should stand still.
pub fn collect(group: &Group<'_>, ends: &[Option<(End, Usage)>], cpus: &[u32]) -> Vec<Witness> {
    let witness = |replica: usize| {
        let (segment, child) = (&group.segments[replica], &group.children[replica]);
        Witness {
            pid: child.pid,
            cpu: processes::stat(child.pid).map_or(cpus[replica], |stat| stat.cpu),
            said: segment.inbox().statement(),
            end: ends[replica].map(|(end, _)| end),
        }
    };
    (0..group.children.len()).map(witness).collect()
}

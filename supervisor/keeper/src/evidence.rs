//! What the replicas leave behind: collected while they stand still, judged afterwards as plain data.

use crate::areas::Fault;
use crate::group::Group;
use crate::processes::{self, Usage};
use crate::step::End;
use rcb_abi::fault::Regs;
use rcb_abi::segment::Trace;
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
    /// One of [`rcb_abi::segment::phase`].
    pub phase: u32,
    /// Sequence number of its latest request.
    pub seq: u64,
    /// Its latest requests, oldest first.
    pub trace: Vec<Trace>,
    /// Registers at the latest request.
    pub regs: Regs,
    /// Its own fault, kind 0 for none.
    pub fault: Fault,
    /// How it ended, if it has.
    pub end: Option<End>,
}

impl Witness {
    /// The request with this number, if the ring still holds it.
    pub fn request(&self, seq: u64) -> Option<&Trace> {
        self.trace.iter().find(|slot| slot.seq == seq)
    }

    /// The result of the request with this number, known once the next one is posted.
    pub fn result(&self, seq: u64) -> Option<u64> {
        self.request(seq).filter(|_| self.seq > seq).map(|slot| slot.result)
    }
}

/// Stops all replicas that live, without ending them.
pub fn freeze(group: &Group, ends: &[Option<(End, Usage)>]) {
    let living = || group.children.iter().zip(ends).filter(|(_, end)| end.is_none()).map(|(child, _)| child);
    living().for_each(|child| processes::signal(child, libc::SIGSTOP));
    let until = Instant::now() + STOPPING;
    let moves = |pid| processes::stat(pid).is_some_and(|stat| !"TtZX".contains(stat.state));
    while living().any(|child| moves(child.pid)) && Instant::now() < until {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Reads everything; the replicas should stand still.
pub fn collect(group: &Group, ends: &[Option<(End, Usage)>]) -> Vec<Witness> {
    let witness = |replica: usize| {
        let (segment, child) = (&group.segments[replica], &group.children[replica]);
        Witness {
            pid: child.pid,
            cpu: processes::stat(child.pid).map_or(group.cpus[replica], |stat| stat.cpu),
            phase: segment.phase(),
            seq: segment.seq(),
            trace: segment.trace(),
            regs: segment.regs(),
            fault: segment.fault(),
            end: ends[replica].map(|(end, _)| end),
        }
    };
    (0..group.children.len()).map(witness).collect()
}

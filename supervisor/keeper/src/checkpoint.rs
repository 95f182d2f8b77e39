//! `--checkpoint`: when replicas leave frozen copies of themselves, and which of these are good to go back to.
//!
//! From time to time the supervisor names a request in front of which all replicas shall leave a copy
//! (`control::Rollback::freeze_at`); they do it unasked where a program or a process begins. A checkpoint is complete once
//! all copies are there. Kept are the latest complete one, and the oldest one that the journal reaches back to: a bit that
//! was flipped in memory may be copied with it before it shows.
//!
//! What a checkpoint costs is what making the copies takes and, afterwards, a page copied for each that is written to. The
//! next one comes when this is not more than the budget's share of the time since ([`COPY`]).
//!
//! LIMIT: a process that makes no call for as long as a period leaves no copies meanwhile.

use crate::act::look;
use crate::group::Shared;
use crate::processes;
use crate::tree::Watched;
use rcb_abi::journal::JOURNAL_BYTES;
use rcb_abi::segment::no_copies;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What the first write to a page that a copy shares costs, the fault and the copying: about that much on a virtual machine.
/// An estimate on the high side makes checkpoints rarer, never dearer than the budget.
const COPY: Duration = Duration::from_nanos(2200);
/// Between two looks while replicas are on the way to the request.
const SOON: Duration = Duration::from_millis(1);
/// A guest that makes calls is there, or beyond, after so long.
const BUSY: Duration = Duration::from_millis(20);
/// Requests between the latest one seen and the one to leave copies at, at first; a group that is faster gets more.
const MARGIN: u32 = 2;
/// And at most.
const MOST_MARGIN: u32 = 1 << 14;

/// When checkpoints are made.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// So often.
    pub period: Duration,
    /// Unless that takes more than this share of the time.
    pub budget: f64,
}

/// One frozen copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Its process.
    pub pid: u32,
    /// Programs that the replica had executed by then.
    pub generation: u32,
    /// The latest request of the replica.
    pub seq: u64,
    /// End of the journal at that time, where this replica keeps it.
    pub journal: u64,
    /// What making it took.
    pub took: Duration,
}

/// What the checkpoints of a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Complete ones.
    pub count: u64,
    /// What making the copies has kept the slower replica.
    pub took: Duration,
    /// Pages that the slower replica has copied since, first touches of new memory included.
    pub pages: u64,
}

impl Tally {
    /// Adds those of another group.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.took += other.took;
        self.pages += other.pages;
    }
}

/// The checkpoints of one group.
pub struct Checkpoints {
    terms: Terms,
    /// When the next one is due, and when it may be at the earliest.
    next: Instant,
    earliest: Instant,
    /// The request in front of which copies are wanted, once chosen, and since when.
    asked: Option<(u32, Instant)>,
    margin: u32,
    /// Copies seen so far, per replica.
    seen: Vec<u64>,
    /// Those that are not part of a complete checkpoint yet.
    left: Vec<VecDeque<Copy>>,
    /// Complete ones, a copy of each replica: one that is as old as can be, and the latest. A fault may show long after it
    /// has happened.
    complete: Vec<Vec<Copy>>,
    /// Page faults of each replica by then.
    faults: Vec<u64>,
    /// Processes that have been killed and not been reaped.
    dying: Vec<u32>,
    /// What they came to.
    pub tally: Tally,
}

impl Checkpoints {
    /// For a group that has just been found.
    pub fn new(terms: Terms, replicas: usize) -> Self {
        let now = Instant::now();
        Self {
            terms,
            next: now + terms.period,
            earliest: now,
            asked: None,
            margin: MARGIN,
            seen: vec![0; replicas],
            left: vec![VecDeque::new(); replicas],
            complete: vec![],
            faults: vec![0; replicas],
            dying: vec![],
            tally: Tally::default(),
        }
    }

    /// When [`Checkpoints::proceed`] wants to be called again.
    pub fn due(&self) -> Instant {
        match self.asked {
            None => self.next,
            Some((_, since)) if since.elapsed() < BUSY => Instant::now() + SOON,
            Some(_) => Instant::now() + self.terms.period.max(BUSY),
        }
    }

    /// The copies that can be gone back to, the latest first: the journal reaches back to them, and nothing has happened
    /// that is not to be repeated.
    pub fn usable(&self, watched: &Watched<'_>) -> Vec<Vec<Copy>> {
        if watched.group.segments.iter().any(|segment| segment.no_copies() != no_copies::NONE) {
            return vec![];
        }
        self.complete.iter().rev().filter(|copies| is_valid(watched, copies)).cloned().collect()
    }

    /// Processes of all copies that are known.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        let copies = self.complete.iter().flatten().chain(self.left.iter().flatten());
        copies.map(|copy| copy.pid).chain(self.dying.iter().copied())
    }

    /// Goes on as far as it can now.
    pub fn proceed(&mut self, watched: &Watched<'_>, shared: &Shared) {
        self.collect(watched);
        let order = &shared.control.get(watched.group.id).heal.rollback.freeze_at;
        let now = Instant::now();
        let Some((at, _)) = self.asked else {
            let used = self.complete.last().and_then(|copies| part(watched, copies));
            let is_long = used.is_some_and(|(start, end)| end.saturating_sub(start) > JOURNAL_BYTES / 4);
            let is_lost =
                keeper(watched).is_some_and(|keeper| watched.group.segments[keeper].journal_valid() == u64::MAX);
            if now >= self.next || (now >= self.earliest && (is_long || is_lost)) {
                let at = (latest(watched) as u32).wrapping_add(self.margin).max(1);
                self.asked = Some((at, now));
                order.store(at, Ordering::Release);
            }
            return;
        };
        // Everybody has passed it: some may have done so before it could be told.
        if look(watched, false).iter().all(|glance| (glance.seq as u32).wrapping_sub(at) as i32 >= 0) {
            self.collect(watched);
            let is_there = self.complete.last().is_some_and(|copies| copies[0].seq as u32 == at.wrapping_sub(1));
            self.margin = if is_there { (self.margin / 2).max(MARGIN) } else { (self.margin * 4).min(MOST_MARGIN) };
            self.asked = None;
            order.store(0, Ordering::Release);
        }
    }

    /// Takes in the copies that replicas have left, and disposes of those that are not needed any more.
    pub fn collect(&mut self, watched: &Watched<'_>) {
        self.dying.retain(|pid| !processes::bury(*pid));
        // A copy that is lost is no copy.
        for copies in std::mem::take(&mut self.complete) {
            let lost: Vec<bool> = copies.iter().map(|copy| processes::bury(copy.pid)).collect();
            if lost.contains(&true) {
                let others = copies.into_iter().zip(lost).filter(|(_, is_lost)| !is_lost);
                self.dispose(others.map(|(copy, _)| copy));
                self.next = self.earliest;
            } else {
                self.complete.push(copies);
            }
        }
        let segments = &watched.group.segments;
        for ((segment, seen), left) in segments.iter().zip(&mut self.seen).zip(&mut self.left) {
            let (count, copies) = segment.frozen_since(*seen);
            *seen = count;
            left.extend(copies.into_iter().filter(|copy| processes::is_child(copy.pid)));
        }
        // The latest that all have.
        let is_common = |copy: &&Copy| self.left.iter().all(|left| left.iter().any(|other| other.seq == copy.seq));
        let Some(seq) = self.left[0].iter().rev().find(is_common).map(|copy| copy.seq) else { return };
        let (mut copies, mut others) = (Vec::new(), Vec::new());
        for left in &mut self.left {
            while let Some(copy) = left.pop_front() {
                if copy.seq == seq && !left.iter().any(|other| other.seq == seq) {
                    copies.push(copy);
                    break;
                }
                others.push(copy);
            }
        }
        self.dispose(others.into_iter());
        self.keep(watched, copies);
    }

    /// A checkpoint is complete. Of those before it the oldest is kept that can still be gone back to.
    fn keep(&mut self, watched: &Watched<'_>, copies: Vec<Copy>) {
        let before = std::mem::take(&mut self.complete);
        let (mut kept, others): (Vec<_>, Vec<_>) = before
            .into_iter()
            .partition(|older| older[0].generation == copies[0].generation && is_valid(watched, older));
        let middle = kept.split_off(kept.len().min(1));
        self.dispose(others.into_iter().chain(middle).flatten());
        self.account(watched, &copies);
        kept.push(copies);
        self.complete = kept;
    }

    fn dispose(&mut self, copies: impl Iterator<Item = Copy>) {
        self.dying.extend(copies.map(|copy| copy.pid).filter(|pid| kill(*pid)));
    }

    /// A checkpoint is complete: what it has cost, and when the next one may be.
    fn account(&mut self, watched: &Watched<'_>, copies: &[Copy]) {
        let took = copies.iter().map(|copy| copy.took).max().unwrap_or_default();
        let mut pages = 0;
        for (child, faults) in watched.group.children.iter().zip(&mut self.faults) {
            if let Some(stat) = processes::stat(child.pid) {
                pages = pages.max(stat.minor_faults.saturating_sub(*faults));
                *faults = stat.minor_faults;
            }
        }
        self.tally.count += 1;
        self.tally.took += took;
        self.tally.pages += if self.tally.count > 1 { pages } else { 0 };
        let cost = took.as_secs_f64() + if self.tally.count > 1 { pages as f64 * COPY.as_secs_f64() } else { 0.0 };
        let now = Instant::now();
        self.earliest = now + Duration::from_secs_f64((cost / self.terms.budget).min(1e6));
        self.next = self.earliest.max(now + self.terms.period);
    }

    /// The copies left behind this request have risen: they are nobody's to dispose of. Those that are younger are of no
    /// use.
    pub fn hand_out(&mut self, seq: u64) {
        let complete = std::mem::take(&mut self.complete);
        let (older, rest): (Vec<_>, Vec<_>) = complete.into_iter().partition(|copies| copies[0].seq < seq);
        self.complete = older;
        let left: Vec<Copy> = self.left.iter_mut().flat_map(std::mem::take).collect();
        self.dispose(rest.into_iter().flatten().filter(|copy| copy.seq != seq).chain(left));
        self.asked = None;
    }

    /// A replica was replaced by a copy of another one. If the journal `begins` anew with that, so do the checkpoints.
    pub fn replaced(&mut self, watched: &Watched<'_>, shared: &Shared, victim: usize, begins: bool) {
        // Its segment is that of its origin up to here.
        self.seen[victim] = watched.group.segments[victim].frozen_since(u64::MAX).0;
        self.collect(watched);
        if !begins {
            return;
        }
        self.hand_out(0);
        shared.control.get(watched.group.id).heal.rollback.freeze_at.store(0, Ordering::Release);
        // There is none: what the latest one has cost is no reason to wait.
        self.earliest = Instant::now();
        self.next = self.earliest;
    }

    /// Kills and reaps all copies of a group that has ended.
    pub fn end(&mut self, watched: &Watched<'_>) {
        self.collect(watched);
        let left: Vec<Copy> = self.left.iter_mut().flat_map(std::mem::take).collect();
        let complete = std::mem::take(&mut self.complete);
        self.dispose(left.into_iter().chain(complete.into_iter().flatten()));
        for pid in self.dying.drain(..).filter(|pid| processes::is_child(*pid)) {
            let _ = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid as i32), None);
        }
    }
}

/// The replica that keeps the journal: the first one that does not lead.
pub fn keeper(watched: &Watched<'_>) -> Option<usize> {
    (0..watched.group.children.len()).find(|replica| *replica != watched.leader)
}

/// Part of the journal since these copies were left.
pub fn part(watched: &Watched<'_>, copies: &[Copy]) -> Option<(u64, u64)> {
    let keeper = keeper(watched)?;
    Some((copies.get(keeper)?.journal, watched.group.segments[keeper].journal_end()))
}

/// Whether the journal reaches back to these copies.
fn is_valid(watched: &Watched<'_>, copies: &[Copy]) -> bool {
    let valid = keeper(watched).map(|keeper| watched.group.segments[keeper].journal_valid());
    part(watched, copies).zip(valid).is_some_and(|((start, _), valid)| start >= valid)
}

fn latest(watched: &Watched<'_>) -> u64 {
    watched.group.segments.iter().map(|segment| segment.inbox().seq()).max().unwrap_or(0)
}

/// Only a child of ours, which then is to be reaped: the number stands in memory that a faulty replica writes. Nobody else has
/// it before we have reaped it.
fn kill(pid: u32) -> bool {
    processes::is_child(pid)
        && nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), nix::sys::signal::Signal::SIGKILL).is_ok()
}

//! Replaces a replica that is to blame: kills it, has another one copied in its place, takes the copy in.
//!
//! ```text
//!  judged --> killed --(the leader was lost)--> all followers wait for the same answer --> ordered --> adopted
//!                 \____________________________________________________________________/
//! ```
//!
//! What cannot be healed ends the run as without this module: fewer than three replicas (but for a child of two that has
//! done nothing yet), nobody or more than one to blame, a leader whose answer its followers cannot read or that may have
//! begun what they cannot agree on, a replica that cannot be copied.

mod judged;

use crate::act::look;
use crate::areas::SegmentArea;
use crate::checkpoint;
use crate::error::Result;
use crate::evidence::Witness;
use crate::group::Shared;
use crate::names;
use crate::processes::{self, Moved};
use crate::spawn::Child;
use crate::tree::Watched;
use crate::verdict::Judgement;
use rcb_abi::fault::kind;
use rcb_abi::segment::{no_copies, phase};
use rcb_guard::{Cause, End, Ground};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use judged::is_lost;
pub use judged::{is_beyond_repair, judged};

/// How long a replica that shows no life may keep a replacement waiting.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a second loss is waited for where a replacement ends the journal.
const MOMENT: Duration = Duration::from_millis(30);
/// In an account of bytes: the kernel does not tell.
const UNKNOWN: u64 = u64::MAX;

/// A replacement under way.
pub struct Healing {
    /// Why; the end of the run if it fails.
    pub cause: Cause,
    victim: usize,
    /// It made another request than the majority.
    differed: bool,
    was_leader: bool,
    /// The journal for checkpoints begins anew.
    pub ends_journal: bool,
    judgement: Judgement,
    pid: u32,
    cpu: u32,
    since: Instant,
    /// The others have been told to replace it.
    pub is_ordered: bool,
    /// When somebody showed life last, and the CPU time that all had used by then.
    last_life: (Instant, u64),
}

/// A replacement made.
pub struct Healed {
    /// What had happened.
    pub judgement: Judgement,
    /// The group.
    pub group: usize,
    /// The replica.
    pub replica: usize,
    /// Its process before.
    pub pid: u32,
    /// Its process now.
    pub new_pid: u32,
    /// Its CPU before.
    pub cpu: u32,
    /// Its CPU now.
    pub new_cpu: u32,
    /// Another one leads since.
    pub leader: Option<usize>,
    /// From the verdict to the replica in its place.
    pub took: Duration,
}

/// How far it has come.
pub enum Progress {
    /// Look again soon.
    Wait,
    /// It is whole again.
    Done(Box<Healed>),
    /// There is no need: the others have agreed to end this way, and so had the replica that was lost.
    Ended(End),
    /// It cannot be done.
    Failed(String),
}

impl Healing {
    /// Judges, and kills the one replica to blame. `None`: this is not a matter of one replica.
    pub fn begin(watched: &mut Watched<'_>, cause: &Cause) -> Option<Self> {
        let since = Instant::now();
        let replicas = watched.group.children.len();
        let is_hopeless = matches!(cause, Cause::Fault { fault, .. } if is_beyond_repair(fault));
        if replicas < 3 || is_hopeless || watched.killed.is_some() {
            return None;
        }
        let (judgement, ground, witnesses) = judged(watched, cause)?;
        let [victim] = judgement.blamed[..] else { return None };
        let lead = watched.lead();
        if victim == watched.leader && is_lost(ground, judgement.seq, |seq| lead.inbox().answered(seq), lead.intent()) {
            return None;
        }
        let others = (0..replicas).filter(|replica| *replica != victim);
        let is_gone = |other: usize| {
            watched.ends[other].is_some()
                || watched.agreed(other).is_some()
                || processes::gone(&watched.group.children[other]).is_some()
        };
        if others.clone().any(is_gone) {
            return None;
        }
        let child = &watched.group.children[victim];
        processes::signal(child, libc::SIGKILL);
        if watched.ends[victim].is_none() {
            watched.ends[victim] = processes::reap_with_account(child, true, true);
        }
        let Witness { pid, cpu, .. } = witnesses[victim];
        Some(Self {
            cause: *cause,
            victim,
            differed: ground == Ground::Majority && judgement.seq.is_some(),
            was_leader: victim == watched.leader,
            ends_journal: victim == watched.leader || Some(victim) == checkpoint::keeper(watched),
            judgement,
            pid,
            cpu,
            since,
            is_ordered: false,
            last_life: (since, 0),
        })
    }

    /// For a group in which a replica was lost before it was there.
    pub fn of_unborn(watched: &Watched<'_>, victim: usize) -> Self {
        Self::of_lost(watched, victim, format!("replica {victim} was lost in the middle of a fork"))
    }

    /// For two replicas of a child that have left no copies yet: who is dead was wrong, and nothing was done.
    pub fn of_child(watched: &Watched<'_>, cause: &Cause) -> Option<Self> {
        let Cause::Died { replica: victim, .. } = *cause else { return None };
        let checkpoints = watched.checkpoints.as_ref().filter(|_| watched.group.id != 0)?;
        let segments = &watched.group.segments;
        let is_new = checkpoints.tally.count == 0 && segments.iter().all(|it| it.no_copies() == no_copies::NONE);
        let other = (0..segments.len()).find(|other| *other != victim && segments.len() == 2)?;
        let lives = watched.ends[other].is_none() && watched.agreed(other).is_none() && watched.killed.is_none();
        let stays = lives && processes::gone(&watched.group.children[other]).is_none();
        (is_new && stays)
            .then(|| Self::of_lost(watched, victim, format!("replica {victim} was lost before its first copy")))
    }

    fn of_lost(watched: &Watched<'_>, victim: usize, headline: String) -> Self {
        let since = Instant::now();
        let end = End::Signal(libc::SIGKILL);
        let requests = vec![None; watched.group.children.len()];
        let judgement = Judgement {
            kind: "died",
            headline,
            seq: None,
            blamed: vec![victim],
            requests,
            differences: vec![],
            notes: vec![],
        };
        Self {
            cause: Cause::Died { replica: victim, end },
            victim,
            differed: false,
            was_leader: victim == watched.leader,
            ends_journal: true,
            judgement,
            pid: watched.group.children[victim].pid,
            cpu: watched.cpus[victim],
            since,
            is_ordered: false,
            last_life: (since, 0),
        }
    }

    /// The replica to be replaced.
    pub const fn victim(&self) -> usize {
        self.victim
    }

    /// Goes on as far as it can now.
    pub fn proceed(&mut self, watched: &mut Watched<'_>, shared: &Shared, free_cpus: &[u32]) -> Result<Progress> {
        let segment = &watched.group.segments[self.victim];
        let pid = segment.pid();
        // First, because whoever is whole again may have gone on and ended before we look.
        if self.is_ordered && segment.epoch() == watched.epoch && pid != 0 && pid != self.pid {
            return self.adopt(watched, shared, free_cpus).map(|healed| Progress::Done(Box::new(healed)));
        }
        if let Some(end) = watched.majority_end() {
            return Ok(Progress::Ended(end));
        }
        if let Some(reason) = self.failure(watched) {
            return Ok(Progress::Failed(reason));
        }
        // With the journal the way back ends: whether another one is lost, too, shows soon.
        let is_early = self.ends_journal && watched.checkpoints.is_some() && self.since.elapsed() < MOMENT;
        if !self.is_ordered && !is_early && (self.victim != watched.leader || self.is_gathered(watched)) {
            self.order(watched, shared);
        }
        Ok(Progress::Wait)
    }

    /// Why it cannot go on, if so.
    fn failure(&mut self, watched: &Watched<'_>) -> Option<String> {
        let replicas = watched.group.children.len();
        for replica in (0..replicas).filter(|replica| *replica != self.victim) {
            match processes::gone(&watched.group.children[replica]) {
                Some(End::Exit(status)) => {
                    return Some(format!("replica {replica} has ended meanwhile, with status {status}"));
                }
                Some(End::Signal(signal)) => {
                    return Some(format!("replica {replica} was killed meanwhile by {}", names::signal(signal)));
                }
                None => {}
            }
            let fault = watched.group.segments[replica].inbox().fault();
            if !matches!(fault.kind, kind::NONE | kind::MISMATCH | kind::LOG | kind::PAYLOAD) {
                return Some(names::not_healed(&fault));
            }
        }
        let living = watched.group.children.iter().zip(&watched.ends).filter(|(_, end)| end.is_none());
        let used = living.filter_map(|(child, _)| processes::stat(child.pid)).map(|stat| stat.user_ns).sum();
        if used != self.last_life.1 {
            self.last_life = (Instant::now(), used);
        }
        (self.last_life.0.elapsed() > PATIENCE).then(|| "the others did not come to a common point".into())
    }

    /// Whether all that are left wait for the same answer of the leader that is gone, which will not come.
    fn is_gathered(&self, watched: &Watched<'_>) -> bool {
        let glances = look(watched, false);
        let mut others = glances.iter().enumerate().filter(|(replica, _)| *replica != self.victim);
        let Some((_, first)) = others.next() else { return false };
        let stands = |glance: &crate::step::Glance| {
            (glance.fault.kind != kind::NONE && glance.fault.seq == glance.seq && glance.phase == phase::PARKED)
                || (glance.waits() && !glance.served)
                || glance.phase == phase::ORPHANED
        };
        stands(first) && others.all(|(_, other)| stands(other) && other.seq == first.seq)
    }

    fn order(&mut self, watched: &mut Watched<'_>, shared: &Shared) {
        let control = shared.control.get(watched.group.id);
        let order = &control.heal;
        let mut others = (0..watched.group.children.len()).filter(|replica| *replica != self.victim);
        let mut begun = 0;
        let former = watched.leader;
        if self.victim == former {
            let segment = watched.lead();
            let account = watched.ends[former].and_then(|(_, usage)| usage.moved);
            let (written, read) = account_beyond(segment, account);
            order.written.store(written, Ordering::Relaxed);
            order.read.store(read, Ordering::Relaxed);
            // Gathered: nobody has the answer to the request at which all stand.
            let at = others.clone().map(|other| watched.group.segments[other].inbox().seq()).next().unwrap_or(0);
            // A leader that made another request than the others has not begun theirs, and nothing that has to meet.
            begun = if segment.intent() == at && !self.differed { at } else { 0 };
            watched.leader = others.next().unwrap_or(former);
            if watched.guest_pid == 0 {
                watched.guest_pid = watched.lead_child().pid;
            }
            control.leader_pid.store(watched.lead_child().pid, Ordering::Relaxed);
            control.guest_pid.store(watched.guest_pid, Ordering::Release);
        }
        let leader = watched.leader;
        let donor = others.find(|replica| *replica != leader).unwrap_or(leader);
        order.begun.store(begun, Ordering::Relaxed);
        order.victim.store(self.victim as u32, Ordering::Relaxed);
        order.donor.store(donor as u32, Ordering::Relaxed);
        control.leader.store(leader as u32, Ordering::Relaxed);
        watched.epoch += 1;
        order.epoch.store(watched.epoch, Ordering::Release);
        crate::areas::wake_all(&order.epoch);
        for other in (0..watched.group.children.len()).filter(|replica| *replica != self.victim) {
            let seq = watched.group.segments[other].inbox().seq();
            watched.group.segments.iter().for_each(|segment| segment.wake_waiters(seq));
        }
        // A follower that computes is interrupted: it can be copied anywhere.
        processes::signal(&watched.group.children[donor], libc::SIGCONT);
        self.is_ordered = true;
    }

    /// A copy that is on its way has no place any more.
    pub fn give_up(&self, watched: &Watched<'_>) {
        let pid = watched.group.segments[self.victim].pid();
        if self.is_ordered && pid != self.pid && processes::is_child(pid) {
            let child = Child::born(pid);
            processes::signal(&child, libc::SIGKILL);
            processes::reap(&child, true, false);
        }
    }

    /// The copy is there: from now on it is the replica.
    fn adopt(&self, watched: &mut Watched<'_>, shared: &Shared, free_cpus: &[u32]) -> Result<Healed> {
        let victim = self.victim;
        let segment = &watched.group.segments[victim];
        let child = Child::adopt(segment.pid())?;
        let new_pid = child.pid;
        let (ticket, ..) = segment.plan_request();
        watched.tickets[victim] = ticket;
        shared.control.get(watched.group.id).plan_answered[victim].store(ticket, Ordering::Release);
        watched.refusals_seen[victim] = segment.refusals_since(0).0;
        watched.group.children[victim] = child;
        watched.ends[victim] = None;
        watched.state.replaced(victim);
        // Silicon that computes wrongly stays where it is: the replica goes elsewhere, if there is room.
        let free = free_cpus.iter().find(|cpu| !watched.cpus.contains(cpu)).copied();
        let new_cpu = free.unwrap_or(watched.cpus[victim]);
        watched.cpus[victim] = new_cpu;
        processes::pin(&watched.group.children[victim], new_cpu);
        Ok(Healed {
            judgement: self.judgement.clone(),
            group: watched.group.id,
            replica: victim,
            pid: self.pid,
            new_pid,
            cpu: self.cpu,
            new_cpu,
            leader: self.was_leader.then_some(watched.leader),
            took: self.since.elapsed(),
        })
    }
}

/// What a process that is gone has written and read beyond what its segment knows of.
pub fn account_beyond(segment: &SegmentArea<'_>, account: Option<Moved>) -> (u64, u64) {
    let known = segment.moved();
    let beyond = |kernel: Option<u64>, known: u64| {
        kernel.filter(|_| known != UNKNOWN).and_then(|bytes| bytes.checked_sub(known)).unwrap_or(UNKNOWN)
    };
    (beyond(account.map(|moved| moved.written), known.written), beyond(account.map(|moved| moved.read), known.read))
}

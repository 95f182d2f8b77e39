//! Replicas that disagree, and no majority is right, go back to their latest checkpoint: all are killed, their frozen copies
//! rise, are answered from the journal up to where they had agreed, and go on from there. What has left is not repeated.
//!
//! ```text
//!  judged --> all killed --> ordered --> all copies have risen: adopted --> live: who was wrong shows
//! ```
//!
//! Two cannot tell who was wrong, but doing it again can: the one that had something else at the same request before
//! (`segment::Segment::retried`). The replicas change their CPUs, so that a defect that stays shows whether it stays with the
//! CPU.

mod tries;

pub use tries::{Retried, Tries};

use crate::checkpoint::{self, Copy};
use crate::error::Result;
use crate::group::Shared;
use crate::heal::{account_beyond, is_beyond_repair, judged};
use crate::names;
use crate::processes;
use crate::spawn::Child;
use crate::tree::Watched;
use crate::verdict::Judgement;
use rcb_abi::MAX_GROUPS;
use rcb_abi::control::SPARES;
use rcb_abi::fault::kind;
use rcb_guard::{Cause, End};
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tries::{Said, Try};

/// How long copies may take to rise.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a call may take that is under way.
const ANSWER: Duration = Duration::from_millis(2);

/// How long a process may take to say that it is there.
const BIRTH: Duration = Duration::from_millis(200);

/// A rollback under way.
pub struct Rollback {
    /// Why; the end of the run if it fails.
    pub cause: Cause,
    judgement: Judgement,
    group: usize,
    copies: Vec<Copy>,
    risen: Vec<Child>,
    since: Instant,
    seq: u64,
}

/// A rollback made.
pub struct RolledBack {
    /// What had happened.
    pub judgement: Judgement,
    /// The group.
    pub group: usize,
    /// The latest request at the checkpoint.
    pub to: u64,
    /// The latest request before the rollback.
    pub from: u64,
    /// Process of each replica now.
    pub pids: Vec<u32>,
    /// CPU of each now.
    pub cpus: Vec<u32>,
    /// From the verdict to the copies in their places.
    pub took: Duration,
}

/// How far it has come.
pub enum Progress {
    /// Look again soon.
    Wait,
    /// Both are in their places.
    Done(Box<RolledBack>),
    /// It cannot be done.
    Failed(String),
}

impl Rollback {
    /// Kills all replicas and gives the order. `Err`: why there is no way back; empty where none was to be expected.
    /// `known` are the processes that have said who they are.
    pub fn begin(
        watched: &mut Watched<'_>,
        cause: &Cause,
        shared: &Shared,
        known: &HashSet<u32>,
    ) -> std::result::Result<Self, String> {
        let since = Instant::now();
        let replicas = watched.group.children.len();
        let Some(mut checkpoints) = watched.checkpoints.take() else { return Err(String::new()) };
        checkpoints.collect(watched);
        let copies = checkpoints.usable(watched);
        watched.checkpoints = Some(checkpoints);
        let is_hopeless = matches!(cause, Cause::Fault { fault, .. } if is_beyond_repair(fault));
        let has_ended = (0..replicas).any(|replica| watched.agreed(replica).is_some());
        if is_hopeless || has_ended || watched.killed.is_some() {
            return Err(String::new());
        }
        if copies.is_empty() {
            return Err("there is no checkpoint that could be gone back to".into());
        }
        let at = watched.group.segments.iter().map(|segment| segment.inbox().seq()).max().unwrap_or(0);
        // A fault that comes back may have been there at the checkpoint: then an older one is tried.
        let tries = &watched.tries;
        let copies = copies.into_iter().find(|copies| tries.may_go_back(copies[0].seq, at));
        let Some(copies) = copies else { return Err(tries.pattern()) };
        let to = copies[0].seq;
        let risen: Vec<Child> = copies
            .iter()
            .map(|copy| Child::adopt(copy.pid))
            .collect::<Result<_>>()
            .map_err(|error| format!("a frozen copy is gone: {error}"))?;
        if risen.iter().any(|child| !processes::is_child(child.pid) || processes::gone(child).is_some()) {
            return Err("a frozen copy is gone".into());
        }
        let (judgement, ..) = judged(watched, cause).ok_or("the replicas do not stand still")?;
        let said = (0..replicas).map(|replica| Said {
            cpu: watched.cpus[replica],
            chain: watched.group.segments[replica].inbox().statement().request(at).map(|request| request.chain),
        });
        let said = said.collect();
        let_answer(watched);
        for child in &watched.group.children {
            processes::signal(child, libc::SIGKILL);
        }
        for (child, end) in watched.group.children.iter().zip(&mut watched.ends) {
            if end.is_none() {
                *end = processes::reap_with_account(child, true, false);
            }
        }
        let_be_born(watched, shared, known);
        watched.tries.add(Try { to, seq: at, said }, judgement.blamed.is_empty());
        order(watched, shared, &copies)?;
        Ok(Self { cause: *cause, judgement, group: watched.group.id, copies, risen, since, seq: at })
    }

    /// Goes on as far as it can now.
    pub fn proceed(&mut self, watched: &mut Watched<'_>, shared: &Shared) -> Progress {
        let segments = &watched.group.segments;
        let is_there = |(segment, copy): (&crate::areas::SegmentArea<'_>, &Copy)| {
            segment.epoch() == watched.epoch && segment.pid() == copy.pid
        };
        // First, because who is there may have gone on and ended before we look.
        let ends: Vec<Option<End>> = self.risen.iter().map(processes::gone).collect();
        if segments.iter().zip(&self.copies).all(is_there) {
            return Progress::Done(Box::new(self.adopt(watched, shared)));
        }
        for (replica, segment) in segments.iter().enumerate() {
            let fault = segment.inbox().fault();
            if fault.kind == kind::HEAL && segment.epoch() == watched.epoch {
                return Progress::Failed(names::not_healed(&fault));
            }
            if let Some(end) = ends[replica] {
                return Progress::Failed(format!("the copy of replica {replica} has ended: {}", names::end(end)));
            }
            segment.wake_frozen();
        }
        if self.since.elapsed() > PATIENCE {
            return Progress::Failed("the copies did not rise".into());
        }
        Progress::Wait
    }

    fn adopt(&mut self, watched: &mut Watched<'_>, shared: &Shared) -> RolledBack {
        watched.group.children = std::mem::take(&mut self.risen);
        watched.ends.fill(None);
        // Silicon that computes wrongly stays where it is.
        watched.cpus.rotate_left(1);
        for (replica, child) in watched.group.children.iter().enumerate() {
            watched.state.replaced(replica);
            processes::pin(child, watched.cpus[replica]);
        }
        shared.control.get(self.group).heal.rollback.to.store(0, Ordering::Release);
        if let Some(checkpoints) = &mut watched.checkpoints {
            checkpoints.hand_out(self.copies[0].seq);
        }
        RolledBack {
            judgement: self.judgement.clone(),
            group: self.group,
            to: self.copies[0].seq,
            from: self.seq,
            pids: self.copies.iter().map(|copy| copy.pid).collect(),
            cpus: watched.cpus.clone(),
            took: self.since.elapsed(),
        }
    }

    /// Kills the copies, which are nobody's yet.
    pub fn give_up(&self) {
        for child in &self.risen {
            processes::signal(child, libc::SIGKILL);
            processes::reap(child, true, false);
        }
    }
}

/// A leader that lives and is in the middle of a call gets the time to tell what came of it: what it takes out of a pipe
/// would be lost with it. One that waits for the outside world has not taken anything.
fn let_answer(watched: &Watched<'_>) {
    let leader = watched.lead();
    let until = Instant::now() + ANSWER;
    while watched.ends[watched.leader].is_none() && Instant::now() < until {
        let begun = leader.intent();
        if begun == 0 || begun != leader.inbox().seq() || leader.inbox().answered(begun) == begun {
            return;
        }
        std::thread::sleep(ANSWER / 20);
    }
}

/// Who was killed while it forked may have a child that has not said so yet; a copy asks whether it has.
fn let_be_born(watched: &Watched<'_>, shared: &Shared, known: &HashSet<u32>) {
    let control = shared.control.get(watched.group.id);
    for (segment, column) in watched.group.segments.iter().zip(&shared.columns) {
        let fork = segment.cloning();
        if fork == segment.cloned() {
            continue;
        }
        let group = control.spares[fork.wrapping_sub(1) as usize % SPARES].load(Ordering::Relaxed);
        if group as usize >= MAX_GROUPS {
            continue;
        }
        let child = column.segment(group as usize);
        let until = Instant::now() + BIRTH;
        let lives = |pid: u32| processes::stat(pid).is_some_and(|stat| !"ZX".contains(stat.state));
        let strangers = || {
            let children = processes::children();
            children.is_none_or(|children| children.into_iter().any(|pid| !known.contains(&pid) && lives(pid)))
        };
        while child.pid() == 0 && Instant::now() < until && strangers() {
            std::thread::sleep(ANSWER / 20);
        }
    }
}

/// Tells the frozen copies to go on, and how far they are answered from the journal.
fn order(watched: &mut Watched<'_>, shared: &Shared, copies: &[Copy]) -> std::result::Result<(), String> {
    let (start, end) = checkpoint::part(watched, copies).ok_or("nobody keeps a journal")?;
    let keeper = checkpoint::keeper(watched).ok_or("nobody keeps a journal")?;
    let leader = watched.lead();
    let agreed = watched.group.segments[keeper].journal_seq().max(copies[0].seq);
    let next = agreed + 1;
    // The leader may have done one more, on which both had agreed, and the follower has not taken the answer yet.
    let inbox = watched.group.segments[keeper].inbox();
    let has_posted = inbox.seq() == next;
    let is_answered = has_posted && leader.inbox().answered(next) == next;
    let begun = if !is_answered && leader.intent() == next { next } else { 0 };
    let (written, read) = account_beyond(leader, watched.ends[watched.leader].and_then(|(_, usage)| usage.moved));
    let control = shared.control.get(watched.group.id);
    control.leader_pid.store(copies[watched.leader].pid, Ordering::Relaxed);
    control.guest_pid.store(watched.guest_pid, Ordering::Release);
    let order = &control.heal;
    order.begun.store(begun, Ordering::Relaxed);
    order.written.store(written, Ordering::Relaxed);
    order.read.store(read, Ordering::Relaxed);
    order.rollback.freeze_at.store(0, Ordering::Relaxed);
    order.rollback.start.store(start, Ordering::Relaxed);
    order.rollback.end.store(end, Ordering::Relaxed);
    order.rollback.answered.store(if is_answered { next } else { 0 }, Ordering::Relaxed);
    order.rollback.to.store(copies[0].seq + 1, Ordering::Relaxed);
    watched.epoch += 1;
    order.epoch.store(watched.epoch, Ordering::Release);
    watched.group.segments.iter().for_each(crate::areas::SegmentArea::wake_frozen);
    Ok(())
}

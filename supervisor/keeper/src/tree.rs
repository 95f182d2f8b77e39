//! The tree of groups: which there are, which are set aside for coming forks, who waits for whose end.
//!
//! ```text
//!  free --give--> spare --all replicas there--> lives --all replicas gone--> zombie --waited for--> free
//!                                                            no parent that could wait: --> free
//! ```

mod jobs;
mod watched;

pub use watched::Watched;

use crate::areas::{low_half, wake_all};
use crate::checkpoint::{Checkpoints, Tally};
use crate::error::Result;
use crate::group::{Group, Shared};
use crate::processes;
use crate::stats::Account;
use nix::unistd::{Pid, getpgid};
use rcb_abi::MAX_GROUPS;
use rcb_abi::control::{NO_GROUP, SPARES, process};
use rcb_abi::segment::petition;
use rcb_guard::End;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

/// So many groups that are gone are cleared at once.
const USED: usize = 8;
/// With more free groups than that, a process that has not forked gets some set aside.
const AMPLE: usize = MAX_GROUPS * 3 / 4;

/// A group set aside.
pub(crate) struct Spare {
    pub(crate) id: usize,
    /// Whose fork it is for; `None` once that group has ended.
    pub(crate) parent: Option<usize>,
    /// Which of the parent's forks.
    pub(crate) fork: u64,
    /// Since when some of its replicas are there and others are not.
    pub(crate) partial_since: Option<Instant>,
}

/// All groups.
pub struct Tree<'run> {
    pub(crate) shared: &'run Shared,
    /// Those that live.
    pub groups: BTreeMap<usize, Watched<'run>>,
    /// Set aside for a fork that has not brought forth all its replicas yet.
    pub(crate) spares: Vec<Spare>,
    /// Ended and not waited for: group and its parent.
    zombies: BTreeMap<usize, usize>,
    free: Vec<usize>,
    /// Free as soon as their segments are cleared.
    used: Vec<usize>,
    /// What the replicas of groups that have ended did and used.
    pub retired: Vec<Account>,
    /// The same for their checkpoints.
    pub checkpoints: Tally,
    /// How the first group ended.
    pub root_end: Option<End>,
}

impl<'run> Tree<'run> {
    /// A tree of the first group.
    pub fn new(shared: &'run Shared, first: Group<'run>) -> Self {
        let retired = vec![Account::default(); first.children.len()];
        let groups = BTreeMap::from([(0, Watched::new(first, shared.cpus.clone(), None))]);
        let free = (1..MAX_GROUPS).rev().collect();
        let mut tree = Self {
            shared,
            groups,
            spares: Vec::new(),
            zombies: BTreeMap::new(),
            free,
            used: Vec::new(),
            retired,
            checkpoints: Tally::default(),
            root_end: None,
        };
        tree.give_spares(0);
        tree
    }

    /// Takes in what has changed: new groups, ends that parents have learnt of, petitions.
    pub fn update(&mut self) -> Result<()> {
        self.births();
        if self.free.len() <= USED {
            self.clear()?;
        }
        let ids: Vec<usize> = self.groups.keys().copied().collect();
        for id in ids {
            self.reaped(id)?;
            self.give_spares(id);
            self.petition(id);
        }
        Ok(())
    }

    /// Sets groups aside for the next forks of this one.
    pub(crate) fn give_spares(&mut self, id: usize) {
        let Some(watched) = self.groups.get_mut(&id) else { return };
        let control = self.shared.control.get(id);
        let forks = u64::from(watched.lead().forks()).min(watched.spares_given);
        let pid = watched.guest_pid;
        let wanted = u64::from(watched.lead().wanted_fork());
        // Set aside in advance while there are many, for who has forked before; then only for who asks.
        let is_likely = wanted > 0 || forks > 0 || id == 0;
        // The place of the latest one is kept: a leader that goes back to before it asks for the same group again.
        while watched.spares_given < forks + SPARES as u64 - 1
            && ((is_likely && self.free.len() > AMPLE) || watched.spares_given < wanted)
        {
            let room = |spare: &usize| self.shared.columns.iter().all(|column| column.reserve(*spare).is_ok());
            let spare = self.free.pop_if(|spare| room(spare));
            if let Some(spare) = spare {
                self.shared.control.set_up(spare, pid);
                self.spares.push(Spare {
                    id: spare,
                    parent: Some(id),
                    fork: watched.spares_given,
                    partial_since: None,
                });
            }
            let word = spare.map_or(NO_GROUP, |spare| spare as u32);
            control.spares[watched.spares_given as usize % SPARES].store(word, Ordering::Relaxed);
            watched.spares_given += 1;
            control.spares_given.store(watched.spares_given, Ordering::SeqCst);
            // Whoever waits has said so before it looked at the number for the last time.
            fence(Ordering::SeqCst);
            if watched.group.segments.iter().any(|segment| u64::from(segment.wanted_fork()) >= watched.spares_given) {
                wake_all(low_half(&control.spares_given));
            }
            if spare.is_none() {
                break;
            }
        }
    }

    /// Ends that the guest has learnt of.
    fn reaped(&mut self, id: usize) -> Result<()> {
        let Some(watched) = self.groups.get_mut(&id) else { return Ok(()) };
        let (count, ended) = watched.lead().reaped_since(watched.reaped_seen);
        watched.reaped_seen = count;
        for child in ended {
            if self.zombies.get(&(child as usize)) == Some(&id) {
                self.zombies.remove(&(child as usize));
                self.recycle(child as usize)?;
            }
        }
        Ok(())
    }

    fn recycle(&mut self, id: usize) -> Result<()> {
        self.shared.control.get(id).state.store(process::NONE, Ordering::Release);
        self.used.push(id);
        if self.used.len() < USED { Ok(()) } else { self.clear() }
    }

    /// Makes segments of groups that are gone zeros again, neighbours together.
    fn clear(&mut self) -> Result<()> {
        let mut used = std::mem::take(&mut self.used);
        used.sort_unstable();
        for run in used.chunk_by(|one, next| one + 1 == *next) {
            for column in &self.shared.columns {
                column.clear(run[0], run.len())?;
            }
            if let Some(journals) = &self.shared.journals {
                journals.clear(run[0], run.len())?;
            }
        }
        // The lowest is given first: a new program looks for its place from there.
        self.free.extend(used.into_iter().rev());
        Ok(())
    }

    /// All replicas of a group are gone as agreed. True when it was the last group.
    pub fn finish(&mut self, id: usize, end: End) -> Result<bool> {
        let Some(mut watched) = self.groups.remove(&id) else { return Ok(self.is_over()) };
        self.end_copies(&mut watched);
        self.account(&watched);
        if id == 0 {
            self.root_end = Some(end);
        }
        let control = self.shared.control.get(id);
        let usage = watched.ends[watched.leader].map(|(_, usage)| usage).unwrap_or_default();
        for (place, time) in control.used_us.iter().zip([usage.user, usage.system]) {
            place.store(time.as_micros() as u64, Ordering::Relaxed);
        }
        let status = match end {
            End::Exit(status) => (status as u32 & 0xff) << 8,
            End::Signal(signal) => signal as u32 | if usage.dumped_core { 0x80 } else { 0 },
        };
        control.status.store(status, Ordering::Relaxed);
        control.pgid.store(usage.group, Ordering::Relaxed);
        control.state.store(process::ENDED, Ordering::Release);
        self.orphan(id, u64::from(watched.lead().forks()))?;
        match watched.parent.filter(|parent| self.groups.contains_key(parent)) {
            Some(parent) => {
                self.zombies.insert(id, parent);
                // As the kernel does it: whoever has waited finds the signal there.
                let parent_group = &self.groups[&parent];
                processes::signal(parent_group.lead_child(), libc::SIGCHLD);
                let events = &self.shared.control.get(parent).child_events;
                events.fetch_add(1, Ordering::Release);
                wake_all(low_half(events));
                // Followers sleep until the leader says what its wait has found. They wake up while it does.
                if parent_group.group.children.len() > 1 {
                    let lead = parent_group.lead();
                    lead.wake_waiters(lead.inbox().seq());
                }
            }
            None if id != 0 => self.recycle(id)?,
            None => {}
        }
        Ok(self.is_over())
    }

    /// Whether no process is left, born or about to be.
    pub fn is_over(&self) -> bool {
        self.groups.is_empty() && self.spares.is_empty()
    }

    /// The children of a group that has ended belong to nobody.
    fn orphan(&mut self, parent: usize, forks: u64) -> Result<()> {
        let mut told = Vec::new();
        for (id, watched) in &mut self.groups {
            if watched.parent == Some(parent) {
                watched.parent = None;
                self.shared.control.get(*id).virtual_ppid.store(1, Ordering::Relaxed);
                told.extend(watched.lead().death_signal().map(|signal| (watched.guest_pid as i32, signal)));
            }
        }
        for (pid, signal) in told {
            self.kill(pid, signal);
        }
        let mut unused = Vec::new();
        let control = &self.shared.control;
        self.spares.retain_mut(|spare| {
            if spare.parent != Some(parent) {
                return true;
            }
            spare.parent = None;
            let is_used = spare.fork < forks;
            if is_used {
                // It may be there for a while before we take notice.
                control.get(spare.id).virtual_ppid.store(1, Ordering::Relaxed);
            }
            unused.extend((!is_used).then_some(spare.id));
            is_used
        });
        let zombies: Vec<usize> = self.zombies.iter().filter(|(_, of)| **of == parent).map(|(id, _)| *id).collect();
        self.zombies.retain(|_, of| *of != parent);
        for id in unused {
            // Nobody has written to its segments.
            self.shared.control.get(id).state.store(process::NONE, Ordering::Release);
            self.free.push(id);
        }
        zombies.into_iter().try_for_each(|id| self.recycle(id))
    }

    /// Every process that has said who it is.
    pub fn known(&self) -> HashSet<u32> {
        let children = self.groups.values().flat_map(|watched| watched.group.children.iter().map(|child| child.pid));
        let copies = self.groups.values().flat_map(|watched| watched.checkpoints.iter().flat_map(Checkpoints::pids));
        let spares = self.spares.iter().flat_map(|spare| self.shared.segments(spare.id));
        children.chain(copies).chain(spares.map(|segment| segment.pid())).collect()
    }

    /// Nobody goes back any more.
    pub fn end_copies(&mut self, watched: &mut Watched<'_>) {
        if let Some(rollback) = watched.rollback.take() {
            rollback.give_up();
        }
        if let Some(mut checkpoints) = watched.checkpoints.take() {
            checkpoints.end(watched);
            self.checkpoints.add(&checkpoints.tally);
        }
    }

    /// Adds up what the replicas of a group did and used.
    pub fn account(&mut self, watched: &Watched<'_>) {
        for ((sum, segment), end) in self.retired.iter_mut().zip(&watched.group.segments).zip(&watched.ends) {
            let usage = end.map(|(_, usage)| usage).unwrap_or_default();
            sum.add(&Account { stats: segment.stats(), usage });
        }
    }

    /// What the leader of a group asks to be done to others.
    fn petition(&mut self, id: usize) {
        let Some(watched) = self.groups.get(&id) else { return };
        let (ticket, kind, pid, value) = watched.lead().petition();
        if ticket == watched.petitions_seen {
            return;
        }
        // Whoever is meant may be on the way: forked, but not all replicas are there.
        let expected = self.spares.iter().any(|spare| spare.fork < self.forks_of(spare.parent));
        let answer = match kind {
            petition::KILL => self.kill(pid, value),
            petition::SET_GROUP => self.set_group(pid, value),
            petition::STOP => self.stop(id, value),
            _ => -libc::EINVAL,
        };
        let is_early = answer == -libc::ESRCH && expected;
        if let Some(watched) = self.groups.get_mut(&id) {
            watched.is_early = is_early;
            watched.petitions_seen = if is_early { watched.petitions_seen } else { ticket };
        }
        if is_early {
            return;
        }
        let control = self.shared.control.get(id);
        control.petition_answer.store(i64::from(answer), Ordering::Relaxed);
        control.petition_answered.store(ticket, Ordering::Release);
        wake_all(low_half(&control.petition_answered));
    }

    /// Forks that a group has made; all that it can have made once it has ended.
    fn forks_of(&self, group: Option<usize>) -> u64 {
        let watched = group.and_then(|id| self.groups.get(&id));
        watched.map_or(u64::MAX, |watched| u64::from(watched.lead().forks()))
    }

    /// Kills or stops the processes of the tree that `kill(2)` would mean by `pid`.
    fn kill(&mut self, pid: i32, signal: i32) -> i32 {
        let mut answer = -libc::ESRCH;
        for watched in self.groups.values_mut() {
            let leader = Pid::from_raw(watched.lead_child().pid as i32);
            let meant = match pid {
                -1 => true,
                pid if pid < 0 => getpgid(Some(leader)).is_ok_and(|group| group.as_raw() == -pid),
                pid => watched.guest_pid as i32 == pid,
            };
            if meant {
                if signal == libc::SIGKILL {
                    watched.killed = Some(End::Signal(signal));
                }
                if signal == libc::SIGSTOP && !watched.stopped {
                    watched.stop_ordered = Some(signal);
                }
                watched.group.children.iter().for_each(|child| processes::signal(child, signal));
                answer = 0;
            }
        }
        answer
    }
}

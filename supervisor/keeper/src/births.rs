//! Forked processes become groups under watch, once all their replicas are there.
//!
//! A replica can be lost in the middle of a fork. Its successor is a copy of one that has forked already, so in the new
//! group its place stays empty: nobody will come, and the group is treated as one whose replica was lost. So it is when a
//! child is lost before it has said that it is there.

use crate::group::Group;
use crate::heal::Healing;
use crate::processes;
use crate::spawn::Child;
use crate::step::Event;
use crate::tree::{Spare, Tree, Watched};
use rcb_guard::End;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a replica may come later than its peers before anybody asks what has become of it.
const LATE: Duration = Duration::from_millis(5);

impl Tree<'_> {
    /// Groups whose replicas are all there, or will not all come. Returns the replicas of the new groups: nobody has
    /// said that they are there before something else happened, which may have been their end.
    pub(crate) fn births(&mut self) -> Vec<u32> {
        let mut waiting = Vec::new();
        let mut adopted = Vec::new();
        let shared = self.shared;
        let spares = std::mem::take(&mut self.spares);
        let ids: Vec<usize> = spares.iter().map(|spare| spare.id).collect();
        let said = || ids.iter().flat_map(|id| shared.segments(*id)).map(|segment| segment.pid()).collect();
        for mut spare in spares {
            let segments = shared.segments(spare.id);
            let pids: Vec<u32> = segments.iter().map(crate::areas::SegmentArea::pid).collect();
            let missing: Vec<usize> = (0..pids.len()).filter(|replica| pids[*replica] == 0).collect();
            let lost = match missing[..] {
                [] => None,
                // It may have come while we looked for it.
                [replica]
                    if pids.len() > 1
                        && spare.is_late()
                        && self.is_lost(&spare, replica, &said())
                        && segments[replica].pid() == 0 =>
                {
                    Some(replica)
                }
                _ => {
                    spare.partial_since = spare.partial_since.filter(|_| missing.len() < pids.len());
                    waiting.push(spare);
                    continue;
                }
            };
            let adopt = |pid| if pid == 0 { Child::missing() } else { Child::born(pid) };
            let children = pids.into_iter().map(adopt).collect();
            let group = Group { id: spare.id, segments, children };
            adopted.extend(group.children.iter().map(|child| child.pid));
            let parent = spare.parent.and_then(|parent| self.groups.get(&parent));
            let cpus = parent.map_or_else(|| self.shared.cpus.clone(), |parent| parent.cpus.clone());
            let mut watched = Watched::new(group, cpus, spare.parent);
            if let Some(replica) = lost {
                let end = End::Signal(libc::SIGKILL);
                watched.ends[replica] = Some((end, processes::Usage::default()));
                // Two can be made whole again where they are prepared for it: nothing was done yet that one could have wrong.
                if watched.group.children.len() > 2 || shared.journals.is_some() {
                    watched.healing = Some(Healing::of_unborn(&watched, replica));
                } else {
                    watched.told.push(Event::Ended { replica, end, agreed: None });
                }
            }
            self.groups.insert(spare.id, watched);
            if spare.parent.is_none() {
                self.shared.control.get(spare.id).virtual_ppid.store(1, Ordering::Relaxed);
            }
        }
        self.spares.append(&mut waiting);
        adopted
    }

    /// Whether somebody waits for a replica that is to be born, of which nobody will tell us.
    pub(crate) fn is_waiting(&self) -> bool {
        let is_late = self.spares.iter().any(|spare| spare.partial_since.is_some());
        is_late || self.groups.values().any(|watched| watched.is_early)
    }

    /// Whether a replica of a group to be will not come; `said` are the processes that have said who they are.
    fn is_lost(&self, spare: &Spare, replica: usize, said: &HashSet<u32>) -> bool {
        let is_behind_it = |count: u32| u64::from(count) > spare.fork;
        let is_passed = spare.parent.and_then(|parent| self.groups.get(&parent)).is_none_or(|parent| {
            let segments = &parent.group.segments;
            match &parent.healing {
                // Whoever is copied from now on has forked already.
                Some(healing) if healing.victim() == replica => (0..segments.len())
                    .filter(|other| *other != replica)
                    .all(|other| is_behind_it(segments[other].cloning()) && segments[other].epoch() < parent.epoch),
                _ => is_behind_it(segments[replica].cloned()),
            }
        });
        is_passed && self.no_stranger_lives(said)
    }

    /// Whether every living child of this process is known: one that is not is about to say who it is. Those that have
    /// ended before are buried.
    fn no_stranger_lives(&self, said: &HashSet<u32>) -> bool {
        let known = self.known();
        let Some(children) = processes::children() else { return false };
        children.into_iter().filter(|pid| !known.contains(pid) && !said.contains(pid)).all(processes::bury)
    }
}

impl Spare {
    /// Some replicas have been there for a while.
    fn is_late(&mut self) -> bool {
        self.partial_since.get_or_insert_with(Instant::now).elapsed() > LATE
    }
}

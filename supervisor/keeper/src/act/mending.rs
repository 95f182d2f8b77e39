//! What is done about faults while the guest runs: replace, go back, compare memory.

use super::{News, Verdict, Watch};
use crate::areas::SegmentArea;
use crate::checkpoint::{Checkpoints, Terms};
use crate::error::Result;
use crate::group::Shared;
use crate::heal::{Healing, Progress};
use crate::names;
use crate::rollback::{self, Rollback};
use crate::run::say;
use crate::scrub::Scrub;
use crate::step::Event;
use crate::tree::Watched;
use rcb_guard::Cause;
use std::collections::HashSet;
use std::time::Duration;

impl Watch<'_> {
    /// A cause to judge: begins to do something about it, or it is to be judged.
    pub(super) fn mend(&mut self, id: usize, cause: Cause, tell: &mut impl FnMut(News<'_>)) -> Result<Option<Verdict>> {
        let known = self.checkpoints.map(|_| self.tree.known()).unwrap_or_default();
        let Some(watched) = self.tree.groups.get_mut(&id) else { return Ok(None) };
        watched.healing = self.heals.as_ref().and_then(|_| Healing::begin(watched, &cause));
        if watched.healing.is_some() {
            return self.heal(id, tell);
        }
        watched.healing = Healing::of_child(watched, &cause);
        if watched.healing.is_some() {
            return Ok(None);
        }
        Ok(self.go_back(id, cause, &known, tell))
    }

    /// Begins to go back to a checkpoint, or the cause is to be judged.
    fn go_back(
        &mut self,
        id: usize,
        cause: Cause,
        known: &HashSet<u32>,
        tell: &mut impl FnMut(News<'_>),
    ) -> Option<Verdict> {
        let watched = self.tree.groups.get_mut(&id)?;
        match Rollback::begin(watched, &cause, self.shared, known) {
            Ok(rollback) => watched.rollback = Some(rollback),
            Err(reason) => {
                if !reason.is_empty() {
                    say(&format!("warning: no way back: {reason}"));
                }
                return Some(Verdict::Judge(id, cause));
            }
        }
        self.roll_back(id, tell)
    }

    /// Goes on comparing the memory of a group. A difference that cannot be mended is a cause to end the run.
    pub(super) fn scrub(
        watched: &mut Watched<'_>,
        shared: &Shared,
        period: Option<Duration>,
        tell: &mut impl FnMut(News<'_>),
    ) -> Option<Cause> {
        let period = period.filter(|_| watched.group.children.len() > 1)?;
        let mut scrub = watched.scrub.take().unwrap_or_else(|| Scrub::new(period));
        let differences = scrub.proceed(watched, shared);
        watched.scrub = Some(scrub);
        for difference in &differences {
            tell(News::Scrubbed(watched.group.id, difference));
        }
        let hopeless = differences.iter().find(|difference| !difference.is_mended)?;
        Some(Cause::Memory { address: hopeless.address })
    }

    /// Goes on replacing a replica of a group.
    pub(super) fn heal(&mut self, id: usize, tell: &mut impl FnMut(News<'_>)) -> Result<Option<Verdict>> {
        let Some(watched) = self.tree.groups.get_mut(&id) else { return Ok(None) };
        let Some(mut healing) = watched.healing.take() else { return Ok(None) };
        match healing.proceed(watched, self.shared, self.heals.as_deref().unwrap_or_default())? {
            Progress::Wait => watched.healing = Some(healing),
            Progress::Done(healed) => {
                if let Some(mut checkpoints) = watched.checkpoints.take() {
                    checkpoints.replaced(watched, self.shared, healed.replica, healing.ends_journal);
                    watched.checkpoints = Some(checkpoints);
                }
                if let (0, Some(mover)) = (id, &mut self.mover) {
                    mover.replace(healed.replica, healed.new_pid);
                }
                tell(News::Healed(&healed));
            }
            Progress::Ended(end) => {
                let replica = healing.victim();
                say(&format!("corrected: replica {replica} was lost when the others had agreed to end"));
                watched.state.replaced(replica);
                watched.told.push(Event::Ended { replica, end, agreed: Some(end) });
            }
            Progress::Failed(reason) => {
                say(&format!("warning: the replica that is to blame could not be replaced: {reason}"));
                healing.give_up(watched);
                if healing.ends_journal && healing.is_ordered {
                    return Ok(Some(Verdict::Judge(id, healing.cause)));
                }
                let known = self.tree.known();
                return Ok(self.go_back(id, healing.cause, &known, tell));
            }
        }
        Ok(None)
    }

    /// Goes on going back to a checkpoint.
    pub(super) fn roll_back(&mut self, id: usize, tell: &mut impl FnMut(News<'_>)) -> Option<Verdict> {
        let watched = self.tree.groups.get_mut(&id)?;
        let mut rollback = watched.rollback.take()?;
        match rollback.proceed(watched, self.shared) {
            rollback::Progress::Wait => watched.rollback = Some(rollback),
            rollback::Progress::Done(done) => {
                if let (0, Some(mover)) = (id, &mut self.mover) {
                    done.pids.iter().enumerate().for_each(|(replica, pid)| mover.replace(replica, *pid));
                }
                tell(News::RolledBack(&done));
            }
            rollback::Progress::Failed(reason) => {
                rollback.give_up();
                say(&format!("warning: no way back: {reason}"));
                return Some(Verdict::Judge(id, rollback.cause));
            }
        }
        None
    }
}

/// Goes on with the checkpoints of a group.
pub(super) fn checkpoints(
    watched: &mut Watched<'_>,
    shared: &Shared,
    terms: Option<Terms>,
    tell: &mut impl FnMut(News<'_>),
) {
    let Some(terms) = terms else { return };
    let replicas = watched.group.children.len();
    let mut checkpoints = watched.checkpoints.take().unwrap_or_else(|| Checkpoints::new(terms, replicas));
    checkpoints.proceed(watched, shared);
    watched.checkpoints = Some(checkpoints);
    let again: Vec<_> = watched.group.segments.iter().map(SegmentArea::retried).collect();
    if let Some(retried) = watched.tries.outcome(&again, watched.group.id) {
        tell(News::Retried(&retried));
    }
    let why_not = watched.lead().no_copies();
    if why_not != rcb_abi::segment::no_copies::NONE && !watched.told_of_no_copies {
        watched.told_of_no_copies = true;
        say(&format!("warning: no checkpoints: {}", names::no_copies(why_not)));
    }
}

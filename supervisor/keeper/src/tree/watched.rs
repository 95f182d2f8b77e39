//! A group under watch: its replicas, and all that the supervisor keeps about them.

use crate::areas::SegmentArea;
use crate::checkpoint::Checkpoints;
use crate::group::Group;
use crate::heal::Healing;
use crate::processes::Usage;
use crate::rollback::{Rollback, Tries};
use crate::scrub::Scrub;
use crate::spawn::Child;
use crate::step::{Event, State};
use rcb_guard::End;
use std::time::Instant;

/// A group under watch.
pub struct Watched<'run> {
    /// Its replicas.
    pub group: Group<'run>,
    /// The one that performs calls for all.
    pub leader: usize,
    /// CPU of each.
    pub cpus: Vec<u32>,
    /// Process id as guests see it: that of its first leader.
    pub guest_pid: u32,
    /// A replica is being replaced.
    pub healing: Option<Healing>,
    /// Checkpoints, if they are wanted.
    pub checkpoints: Option<Checkpoints>,
    /// It goes back to one.
    pub rollback: Option<Rollback>,
    /// How often it has, and why.
    pub tries: Tries,
    /// The user has been told why there are no checkpoints.
    pub told_of_no_copies: bool,
    /// Orders to replace a replica so far.
    pub epoch: u32,
    /// What is decided about it.
    pub state: State,
    /// How each replica ended and what it used, once it has.
    pub ends: Vec<Option<(End, Usage)>>,
    /// Refused calls seen, per replica.
    pub refusals_seen: Vec<u64>,
    /// Plan requests seen, per replica.
    pub tickets: Vec<u64>,
    /// End of the moment that the state machine has asked for.
    pub grace_ends: Option<Instant>,
    /// The group whose fork made it, as long as that lives.
    pub(super) parent: Option<usize>,
    /// It is to end this way without having agreed to: somebody has had it killed.
    pub killed: Option<End>,
    /// When a signal that ends it by default will have waited long enough for its next call.
    pub fatal_at: Option<Instant>,
    /// When a signal that people end programs with will have waited long enough.
    pub unheeded_at: Option<Instant>,
    /// What is known of it without a look at it: who was lost when the others had agreed to end, or before it was there.
    pub told: Vec<Event>,
    /// The comparison of memory, if that is wanted.
    pub scrub: Option<Scrub>,
    /// How long a replica that is gone early waits for the others to say that they end.
    pub early_until: Option<Instant>,
    /// A signal that waited at the tick before, and whether it has been spoken of.
    pub waited: Option<(i32, bool)>,
    pub(super) petitions_seen: u64,
    /// A petition is about a process that has been forked and is not there yet.
    pub(crate) is_early: bool,
    pub(super) reaped_seen: u64,
    pub(super) spares_given: u64,
    /// A stop that we have ordered and not seen yet: the signal that the guest is said to have stopped by.
    pub(super) stop_ordered: Option<i32>,
    /// It is stopped, all replicas together.
    pub(super) stopped: bool,
}

impl<'run> Watched<'run> {
    pub(crate) fn new(group: Group<'run>, cpus: Vec<u32>, parent: Option<usize>) -> Self {
        let replicas = group.children.len();
        let leader = group.segments[0].leader().min(replicas - 1);
        Self {
            leader,
            cpus,
            guest_pid: group.children[leader].pid,
            healing: None,
            checkpoints: None,
            rollback: None,
            tries: Tries::default(),
            told_of_no_copies: false,
            epoch: 0,
            state: State::new(replicas),
            ends: vec![None; replicas],
            refusals_seen: vec![0; replicas],
            tickets: vec![0; replicas],
            grace_ends: None,
            parent,
            killed: None,
            fatal_at: None,
            unheeded_at: None,
            told: vec![],
            scrub: None,
            early_until: None,
            waited: None,
            petitions_seen: 0,
            is_early: false,
            reaped_seen: 0,
            spares_given: 0,
            stop_ordered: None,
            stopped: false,
            group,
        }
    }

    /// The end that a replica has announced, or that was announced for it.
    pub fn agreed(&self, replica: usize) -> Option<End> {
        let announced = self.group.segments[replica].inbox().ending();
        announced.or(self.killed)
    }

    /// The end that more than half of the replicas have announced: nothing is left to be done that could go wrong.
    pub fn majority_end(&self) -> Option<End> {
        let replicas = self.group.children.len();
        let announced: Vec<End> = (0..replicas).filter_map(|replica| self.agreed(replica)).collect();
        let votes = |end: &End| announced.iter().filter(|other| *other == end).count();
        announced.iter().copied().find(|end| votes(end) * 2 > replicas)
    }

    /// The end that one of two replicas shares, whatever became of it: the other one has announced it at a request that this
    /// one has made as well. Who announces an end has found its peer at the same request.
    pub fn shared_end(&self, replica: usize) -> Option<End> {
        let [one, other] = &self.group.segments[..] else { return None };
        let end = self.agreed(1 - replica)?;
        let [lost, said] = if replica == 0 { [one, other] } else { [other, one] }.map(|area| area.inbox().statement());
        let is_same = said.request(said.seq)?.chain == lost.request(said.seq)?.chain;
        (is_same && self.agreed(replica).is_none_or(|own| own == end)).then_some(end)
    }

    /// What the leader says.
    pub fn lead(&self) -> &SegmentArea<'run> {
        &self.group.segments[self.leader]
    }

    /// The leader's process.
    pub fn lead_child(&self) -> &Child {
        &self.group.children[self.leader]
    }
}

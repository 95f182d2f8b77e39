//! What the supervisor decides, as a pure state machine: events in, actions out, no clock and no process.
//!
//! ```text
//!            fault, death, silence                 all peers there, or grace over
//!  Running ------------------------> Settling ------------------------------------> Over
//!     |  first agreed end              ^   \____________ user's signal ____________/
//!     +----------> Ending -------------+ one does not end, or ends otherwise
//!                     |
//!                     +--> Over (all ended as agreed)
//! ```
//!
//! Silence has a deadline, which counts from the tick at which somebody waits. A replica that computes on and on where the
//! majority has long finished is found before, by the CPU time of all ([`astray`]).
//!
//! [`Settling`](Mode::Settling) gives peers a moment to arrive at the request in question: a verdict with three
//! replicas needs the word of the third. Nothing can leave meanwhile, because outputs need the agreement of all.

mod astray;

use astray::Tracks;
use rcb_abi::fault::kind;
use rcb_abi::segment::phase;
use rcb_guard::{Cause, End, Fault};

/// Ticks of the watchdog in one deadline. Time is counted in own ticks, so that a suspended machine or a stopped
/// process group does not look like a hang.
pub const TICKS_PER_DEADLINE: u32 = 10;

/// Ticks in which all wait for each other and nothing moves. No outside event can end that, so it need not take long;
/// two ticks could fall into one moment of a machine that stood still.
const DEADLOCK_TICKS: u32 = 3;

/// How many moments a replica gets that has announced its end but is still there: half a minute in all.
const MAX_GRACES: u32 = 15;

/// What one look at a replica and its segment shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Sequence number of its latest request.
    pub seq: u64,
    /// One of [`phase`].
    pub phase: u32,
    /// The peer it waits for.
    pub wait_for: u32,
    /// Its fault, kind 0 for none.
    pub fault: Fault,
    /// CPU time in user mode so far, in nanoseconds; only looked at with a tick.
    pub user_ns: u64,
    /// In uninterruptible sleep: the kernel works on its behalf; only looked at with a tick.
    pub in_kernel: bool,
    /// Stopped by a signal or a debugger; only looked at with a tick.
    pub stopped: bool,
    /// What it waits for is there ([`rcb_guard::decide::is_served`]).
    pub served: bool,
}

impl Glance {
    /// It waits for a peer.
    pub const fn waits(&self) -> bool {
        matches!(self.phase, phase::WAIT_REQUEST | phase::WAIT_RESULT)
    }

    /// Whether it waits rightly for this replica: for words that are not there yet.
    const fn waits_for(&self, replica: usize) -> bool {
        self.waits() && !self.served && self.wait_for as usize == replica
    }

    /// Whether it needs no other sign of life since the look before.
    const fn lives(&self, before: &Self) -> bool {
        if self.seq != before.seq || self.stopped {
            // One that is stopped now may have gone on in between.
            return self.seq != before.seq;
        }
        let stands = matches!(self.phase, phase::BLOCKED | phase::STANDS | phase::ORPHANED);
        stands || self.in_kernel || (self.waits() && !self.served)
    }
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// Somebody wrote something: a look at all replicas.
    Look(Vec<Glance>),
    /// One tick of the watchdog, with a look at all replicas.
    Tick(Vec<Glance>),
    /// A look with times between two ticks.
    Beat(Vec<Glance>),
    /// A replica is gone. `agreed` is the end it announced, if it did.
    Ended {
        /// Which.
        replica: usize,
        /// How, as the kernel says.
        end: End,
        /// How, as agreed before.
        agreed: Option<End>,
    },
    /// The time asked for with [`Action::StartGrace`] is over.
    GraceOver,
    /// The user sent a fatal signal to the supervisor.
    Interrupted(i32),
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send [`Event::GraceOver`] after a moment.
    StartGrace,
    /// Stop all replicas, find out what happened, report, kill them.
    Judge(Cause),
    /// Kill all replicas and die by this signal.
    Abandon(i32),
    /// All replicas are gone as agreed: pass this on.
    Finish(End),
}

/// Where the run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mode {
    Running,
    Ending(End),
    Settling(Cause),
    Over,
}

/// One replica as the machine remembers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Memory {
    /// As last seen.
    last: Glance,
    /// As seen with the last tick.
    at_tick: Glance,
    /// CPU time in user mode at the end of the latest moment given.
    at_grace_ns: u64,
    /// Ticks in a row in which somebody waited for it and it showed no life.
    silent_ticks: u32,
    end: Option<End>,
}

/// The whole state.
#[derive(Clone, Debug)]
pub struct State {
    mode: Mode,
    replicas: Vec<Memory>,
    deadlocked_ticks: u32,
    graces: u32,
    tracks: Tracks,
}

impl State {
    /// A group of `replicas` that has just been started.
    pub fn new(replicas: usize) -> Self {
        Self {
            mode: Mode::Running,
            replicas: vec![Memory::default(); replicas],
            deadlocked_ticks: 0,
            graces: 0,
            tracks: Tracks::new(replicas),
        }
    }

    /// One event: what is to be done. At most one action that ends the run is ever returned.
    pub fn step(&mut self, event: &Event) -> Vec<Action> {
        match (&self.mode, event) {
            (Mode::Over, _) => vec![],
            (_, Event::Interrupted(signal)) => self.over(Action::Abandon(*signal)),
            (_, Event::Look(glances)) => self.look(glances),
            (_, Event::Tick(glances)) => self.tick(glances),
            (_, Event::Beat(glances)) => self.beat(glances),
            (_, Event::Ended { replica, end, agreed }) => self.ended(*replica, *end, *agreed),
            (_, Event::GraceOver) => self.grace_over(),
        }
    }

    /// A replica has been replaced: everything is as before the fault.
    pub fn replaced(&mut self, replica: usize) {
        self.mode = Mode::Running;
        self.replicas[replica] = Memory::default();
        for memory in &mut self.replicas {
            memory.silent_ticks = 0;
            memory.last.fault = Fault::default();
        }
        (self.deadlocked_ticks, self.graces) = (0, 0);
        self.tracks = Tracks::new(self.replicas.len());
    }

    fn over(&mut self, action: Action) -> Vec<Action> {
        self.mode = Mode::Over;
        vec![action]
    }

    fn look(&mut self, glances: &[Glance]) -> Vec<Action> {
        for (memory, glance) in self.replicas.iter_mut().zip(glances) {
            memory.last = *glance;
        }
        if let Mode::Settling(cause) = self.mode {
            return if self.is_settled(cause) { self.over(Action::Judge(cause)) } else { vec![] };
        }
        let faulty = self.replicas.iter().position(|memory| memory.last.fault.kind != 0);
        faulty.map_or_else(Vec::new, |observer| {
            self.settle(Cause::Fault { observer, fault: self.replicas[observer].last.fault })
        })
    }

    /// Goes to the verdict, at once if everybody has had a say.
    fn settle(&mut self, cause: Cause) -> Vec<Action> {
        if self.is_settled(cause) {
            return self.over(Action::Judge(cause));
        }
        self.mode = Mode::Settling(cause);
        vec![Action::StartGrace]
    }

    /// Whether waiting longer can tell more about the cause.
    fn is_settled(&self, cause: Cause) -> bool {
        (0..self.replicas.len()).all(|replica| !self.is_awaited(replica, cause))
    }

    /// Whether this replica may soon say something about the cause: what it requests, or whether it can read an answer.
    fn is_awaited(&self, replica: usize, cause: Cause) -> bool {
        let Cause::Fault { fault, .. } = cause else { return false };
        let memory = &self.replicas[replica];
        let is_behind = match fault.kind {
            kind::MISMATCH => memory.last.seq < fault.seq,
            kind::PAYLOAD | kind::LOG if (fault.peer as usize) < self.replicas.len() => {
                memory.last.seq <= fault.seq && replica != fault.peer as usize
            }
            _ => false,
        };
        is_behind && memory.end.is_none() && memory.last.fault.kind == kind::NONE
    }

    /// Whether a replica that has not come to the place of the fault has used CPU time since the latest moment given.
    fn is_on_the_way(&mut self, cause: Cause) -> bool {
        let mut is_any = false;
        for replica in 0..self.replicas.len() {
            let is_awaited = self.is_awaited(replica, cause);
            let memory = &mut self.replicas[replica];
            is_any |= is_awaited && memory.last.user_ns > memory.at_grace_ns;
            memory.at_grace_ns = memory.last.user_ns;
        }
        is_any
    }

    /// Whether somebody computes on and on.
    fn beat(&mut self, glances: &[Glance]) -> Vec<Action> {
        let found = self.tracks.look(glances);
        let actions = self.look(glances);
        if !actions.is_empty() || self.mode != Mode::Running {
            return actions;
        }
        let astray = found.filter(|replica| self.replicas[*replica].end.is_none());
        let waited_for = astray.and_then(|replica| Some((replica, waiting_for(replica, glances)?)));
        waited_for.map_or_else(Vec::new, |(replica, waiting)| self.settle(Cause::Astray { replica, waiting }))
    }

    fn tick(&mut self, glances: &[Glance]) -> Vec<Action> {
        let before: Vec<Glance> = self.replicas.iter().map(|memory| memory.at_tick).collect();
        for (memory, glance) in self.replicas.iter_mut().zip(glances) {
            memory.at_tick = *glance;
        }
        // A stop of all is job control, not a fault; nobody is left who could complain, either.
        let living = || (0..glances.len()).filter(|replica| self.replicas[*replica].end.is_none());
        let all_stopped = living().all(|replica| glances[replica].stopped);
        let all_wait = glances.iter().all(Glance::waits);
        for replica in 0..self.replicas.len() {
            let (old, new) = (before[replica], glances[replica]);
            let waiting = waiting_for(replica, glances);
            // A replica that has had less CPU time than the one that waits, and gets some, is late but not silent.
            let catches_up =
                waiting.is_some_and(|peer| new.user_ns > old.user_ns && new.user_ns < glances[peer].user_ns);
            let memory = &mut self.replicas[replica];
            // One that could go on is waited for by all that it will do.
            let is_wanted = waiting.is_some() || (new.waits() && new.served && !all_wait);
            if !is_wanted || new.lives(&old) || memory.end.is_some() {
                memory.silent_ticks = 0;
            } else if !catches_up && !all_stopped {
                memory.silent_ticks += 1;
            }
        }
        let moved = before.iter().zip(glances).any(|(old, new)| old.seq != new.seq || old.phase != new.phase);
        if !all_wait || moved {
            self.deadlocked_ticks = 0;
        } else if !all_stopped {
            self.deadlocked_ticks += 1;
        }

        let actions = self.look(glances);
        if !actions.is_empty() || self.mode != Mode::Running {
            return actions;
        }
        if let Some(replica) = self.replicas.iter().position(|memory| memory.silent_ticks > TICKS_PER_DEADLINE) {
            let waiting = waiting_for(replica, glances).unwrap_or(replica);
            return self.settle(Cause::Silent { replica, waiting, stopped: glances[replica].stopped });
        }
        // One that waits for what is there may only be slow to wake up; it gets the time that silence gets.
        let patience = if glances.iter().any(|glance| glance.served) { TICKS_PER_DEADLINE + 1 } else { DEADLOCK_TICKS };
        if self.deadlocked_ticks > patience {
            return self.settle(Cause::Deadlock);
        }
        vec![]
    }

    fn ended(&mut self, replica: usize, end: End, agreed: Option<End>) -> Vec<Action> {
        self.replicas[replica].end = Some(end);
        let alone = self.replicas.len() == 1;
        match self.mode {
            Mode::Settling(cause) => {
                return if self.is_settled(cause) { self.over(Action::Judge(cause)) } else { vec![] };
            }
            Mode::Ending(first) if first != end => return self.settle(Cause::Died { replica, end }),
            _ => {}
        }
        if !alone && agreed != Some(end) {
            return self.settle(Cause::Died { replica, end });
        }
        if self.replicas.iter().all(|memory| memory.end.is_some()) {
            return self.over(Action::Finish(end));
        }
        if matches!(self.mode, Mode::Ending(_)) {
            return vec![];
        }
        self.mode = Mode::Ending(end);
        vec![Action::StartGrace]
    }

    fn grace_over(&mut self) -> Vec<Action> {
        match self.mode.clone() {
            // With three a majority is worth waiting for, as long as whoever has not spoken is on the way.
            Mode::Settling(cause) if self.replicas.len() > 2 && self.is_on_the_way(cause) => vec![Action::StartGrace],
            Mode::Settling(cause) => self.over(Action::Judge(cause)),
            Mode::Ending(_) => {
                let Some(replica) = self.replicas.iter().position(|memory| memory.end.is_none()) else {
                    return vec![];
                };
                // It has said that it ends; the kernel may need its time to free a large memory.
                if self.replicas[replica].last.phase == phase::ENDING && self.graces < MAX_GRACES {
                    self.graces += 1;
                    return vec![Action::StartGrace];
                }
                self.over(Action::Judge(Cause::NotEnded { replica }))
            }
            Mode::Running | Mode::Over => vec![],
        }
    }
}

/// Somebody who waits for this replica.
fn waiting_for(replica: usize, glances: &[Glance]) -> Option<usize> {
    (0..glances.len()).find(|peer| *peer != replica && glances[*peer].waits_for(replica))
}

#[cfg(test)]
mod tests;

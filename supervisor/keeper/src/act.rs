//! The loop that watches the groups: turns what happens into events, asks [`crate::step`], does what it says.

mod heed;
mod looks;
mod mending;

pub use heed::guest_signals;
pub use looks::look;

use crate::areas::{SegmentArea, low_half, wake_all};
use crate::checkpoint::{Checkpoints, Terms};
use crate::error::{Error, Result};
use crate::group::{Group, Shared};
use crate::heal::Healed;
use crate::inherited::FATAL;
use crate::mover::Mover;
use crate::plan::{Planner, mapping};
use crate::processes;
use crate::refusals::{Refusal, Refusals};
use crate::rollback::{Retried, RolledBack};
use crate::scrub::{Difference, Scrub};
use crate::step::{Action, Event, TICKS_PER_DEADLINE};
use crate::tree::{Tree, Watched};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::{Pid, getpgid, getpgrp};
use rcb_guard::{Cause, End};
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The moment that [`Action::StartGrace`] gives: ample for a peer that runs, short for somebody who waits.
const GRACE: Duration = Duration::from_secs(2);
/// How long until the next look at a replacement.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// What the user shall hear of while the guest runs.
pub enum News<'a> {
    /// A kind of call was refused.
    Refusal(&'a Refusal),
    /// A replica was replaced.
    Healed(&'a Healed),
    /// A group went back to a checkpoint.
    RolledBack(&'a RolledBack),
    /// What doing it again has shown.
    Retried(&'a Retried),
    /// Memory of the replicas of a group differed.
    Scrubbed(usize, &'a Difference),
}

/// How watching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All ended as agreed.
    Finished(End),
    /// This group is to be judged; the replicas still exist.
    Judge(usize, Cause),
    /// The user wants it to end by this signal; the replicas still exist.
    Abandon(i32),
}

/// The groups under watch.
pub struct Watch<'run> {
    shared: &'run Shared,
    /// Whether replicas that are to blame are replaced, and CPUs to which a copy may go.
    heals: Option<Vec<u32>>,
    /// How often the memory of replicas is compared, if at all.
    pub scrubs: Option<Duration>,
    /// When checkpoints are made, if at all.
    pub checkpoints: Option<Terms>,
    /// All groups.
    pub tree: Tree<'run>,
    signals: SignalFd,
    ticker: Option<Ticker>,
    planner: Planner,
    refusals: Refusals,
    /// Moves the replicas of the first group to other CPUs, if that is wanted.
    pub mover: Option<Mover>,
}

impl<'run> Watch<'run> {
    /// Starts the watchdog; the first group runs from [`Watch::run`] on.
    pub fn new(
        shared: &'run Shared,
        first: Group<'run>,
        signals: SignalFd,
        deadline: Option<Duration>,
        planner: Planner,
        heals: Option<Vec<u32>>,
    ) -> Result<Self> {
        let replicas = first.children.len();
        Ok(Self {
            shared,
            heals,
            scrubs: None,
            checkpoints: None,
            tree: Tree::new(shared, first),
            signals,
            ticker: deadline.filter(|_| replicas > 1).map(Ticker::new).transpose()?,
            planner,
            refusals: Refusals::default(),
            mover: None,
        })
    }

    /// Lets the first group run until there is a verdict. `tell` is told of each kind of refused call and of each
    /// replica that was replaced.
    pub fn run(&mut self, mut tell: impl FnMut(News<'_>)) -> Result<Verdict> {
        self.tree.groups[&0].group.go(self.shared);
        loop {
            let mut ready = self.wait()?;
            if let (true, Some(ticker)) = (ready.beat, &mut self.ticker) {
                ready.ticked = ticker.is_tick();
            }
            // One at a time: the others are still there at the next wait.
            if ready.signalled
                && let Ok(Some(info)) = self.signals.read_signal()
            {
                if info.ssi_signo as i32 == libc::SIGCHLD {
                    // Who has stopped may be one that nobody has told us of.
                    ready.ended.extend(self.tree.births());
                    self.tree.jobs();
                } else if let Some(verdict) = self.forward(info.ssi_signo as i32, info.ssi_code, info.ssi_pid) {
                    return Ok(verdict);
                }
            }
            if ready.notified || ready.signalled || !ready.ended.is_empty() || ready.ticked || self.tree.is_waiting() {
                // What a replica wrote before it ended must be seen before its end.
                if ready.notified {
                    let _ = self.shared.notify.read();
                }
                self.tree.update()?;
                self.serve(&mut tell);
            }
            if let (true, Some(mover)) = (ready.weighs, &mut self.mover) {
                let first = self.tree.groups.get(&0);
                mover.look(first.into_iter().flat_map(|first| &first.group.segments).map(SegmentArea::stats));
            }
            let ids: Vec<usize> = self.tree.groups.keys().copied().collect();
            for id in ids {
                if let Some(verdict) = self.step(id, &ready, &mut tell)? {
                    return Ok(verdict);
                }
            }
        }
    }

    /// A signal to this process is meant for the guest, whose number this process's number is. One from the terminal, or
    /// from the guest to its process group, has reached the guest's process already, unless that has left our group.
    fn forward(&self, signal: i32, code: i32, sender: u32) -> Option<Verdict> {
        let Some(first) = self.tree.groups.get(&0) else {
            // Only processes that the guest has left behind are there.
            return FATAL.contains(&signal).then_some(Verdict::Abandon(signal));
        };
        let leader = first.lead_child();
        let by_kernel = code > 0;
        if !(by_kernel || processes::is_child(sender))
            || getpgid(Some(Pid::from_raw(leader.pid as i32))) != Ok(getpgrp())
        {
            processes::signal(leader, signal);
        }
        None
    }

    /// Tells one group's state machine what has happened to it, and does what it says.
    fn step(&mut self, id: usize, ready: &Ready, tell: &mut impl FnMut(News<'_>)) -> Result<Option<Verdict>> {
        let Some(watched) = self.tree.groups.get_mut(&id) else { return Ok(None) };
        if watched.healing.is_some() {
            return self.heal(id, tell);
        }
        if watched.rollback.is_some() {
            return Ok(self.roll_back(id, tell));
        }
        mending::checkpoints(watched, self.shared, self.checkpoints, tell);
        if let Some(cause) = Self::scrub(watched, self.shared, self.scrubs, tell) {
            return Ok(Some(Verdict::Judge(id, cause)));
        }
        heed::fatal(watched);
        heed::unheeded(watched, ready.ticked);
        let mut events = Vec::new();
        events.append(&mut watched.told);
        let grace_over = watched.grace_ends.is_some_and(|end| end <= Instant::now());
        let has_ended = watched.group.children.iter().any(|child| ready.ended.contains(&child.pid));
        if ready.notified || has_ended || grace_over {
            events.push(Event::Look(look(watched, grace_over)));
        }
        if has_ended || !events.is_empty() {
            looks::collect_ended(watched, self.shared.delays, &ready.ended, &mut events);
        }
        if ready.ticked {
            events.push(Event::Tick(look(watched, true)));
        }
        // With two replicas nobody could say who of them has gone astray.
        if ready.beat && watched.group.children.len() > 2 {
            events.push(Event::Beat(look(watched, true)));
        }
        if grace_over {
            watched.grace_ends = None;
            events.push(Event::GraceOver);
        }
        for event in &events {
            let Some(watched) = self.tree.groups.get_mut(&id) else { return Ok(None) };
            for action in watched.state.step(event) {
                match action {
                    Action::StartGrace => watched.grace_ends = Some(Instant::now() + GRACE),
                    Action::Judge(cause) => return self.mend(id, cause, tell),
                    Action::Abandon(signal) => return Ok(Some(Verdict::Abandon(signal))),
                    Action::Finish(end) => {
                        let is_over = self.tree.finish(id, end)?;
                        let root_end = self.tree.root_end.filter(|_| is_over);
                        return Ok(root_end.map(Verdict::Finished));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Sleeps until something happens.
    fn wait(&self) -> Result<Ready> {
        let readable = PollFlags::POLLIN;
        let mut fds =
            vec![PollFd::new(self.shared.notify.as_fd(), readable), PollFd::new(self.signals.as_fd(), readable)];
        let mut living = Vec::new();
        for watched in self.tree.groups.values() {
            let children = watched.group.children.iter().zip(&watched.ends).filter(|(_, end)| end.is_none());
            living.extend(children.map(|(child, _)| child));
        }
        for child in &living {
            // One without a descriptor was reaped by whoever is about to say how it has ended.
            let pidfd = child.pidfd()?.map_or_else(|| self.shared.notify.as_fd(), AsFd::as_fd);
            fds.push(PollFd::new(pidfd, readable));
        }
        let first_timer = fds.len();
        fds.extend(self.ticker.iter().map(|ticker| PollFd::new(ticker.timer.as_fd(), readable)));
        let first_mover = fds.len();
        fds.extend(self.mover.iter().map(|mover| PollFd::new(mover.ticker.as_fd(), readable)));
        let pending = |watched: &&Watched<'_>| watched.killed.is_none();
        let fatal = self
            .tree
            .groups
            .values()
            .filter(pending)
            .flat_map(|watched| [watched.fatal_at, watched.unheeded_at])
            .flatten();
        let graces = self.tree.groups.values().filter_map(|watched| watched.grace_ends);
        let is_busy =
            |watched: &Watched<'_>| watched.healing.is_some() || watched.rollback.is_some() || !watched.told.is_empty();
        let heals = self.tree.groups.values().any(is_busy) || self.tree.is_waiting();
        let soon = heals.then(|| Instant::now() + LOOK_AGAIN);
        let scrubs = self.tree.groups.values().filter_map(|watched| watched.scrub.as_ref()).map(Scrub::due);
        let copies = self.tree.groups.values().filter_map(|watched| watched.checkpoints.as_ref()).map(Checkpoints::due);
        let first_grace = graces.chain(fatal).chain(soon).chain(scrubs).chain(copies).min();
        let left = first_grace.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = left.map_or(PollTimeout::NONE, |left| {
            // Rounded up, or the last millisecond would be spent spinning.
            PollTimeout::try_from(left.as_millis() as i32 + 1).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(Error::os("waiting for the replicas", error)),
        }
        let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        let ready = Ready {
            notified: is_ready(&fds[0]),
            signalled: is_ready(&fds[1]),
            ended: living.iter().zip(&fds[2..]).filter(|(_, fd)| is_ready(fd)).map(|(child, _)| child.pid).collect(),
            beat: fds[first_timer..first_mover].iter().any(is_ready),
            ticked: false,
            weighs: fds[first_mover..].iter().any(is_ready),
        };
        drop(fds);
        if let (true, Some(ticker)) = (ready.beat, &self.ticker) {
            // However many periods have passed, it is one: see the head of `step`.
            let _ = ticker.timer.wait();
        }
        Ok(ready)
    }

    /// Answers what replicas ask of us.
    fn serve(&mut self, tell: &mut impl FnMut(News<'_>)) {
        for (id, watched) in &mut self.tree.groups {
            for (replica, segment) in watched.group.segments.iter().enumerate() {
                let (count, entries) = segment.refusals_since(watched.refusals_seen[replica]);
                watched.refusals_seen[replica] = count;
                for refusal in entries.into_iter().filter_map(|entry| self.refusals.note(entry)) {
                    tell(News::Refusal(&refusal));
                }
                let (ticket, addr, dev, ino) = segment.plan_request();
                if ticket == watched.tickets[replica] {
                    continue;
                }
                watched.tickets[replica] = ticket;
                if let Some(file) = mapping::open(watched.group.children[replica].pid, addr) {
                    self.planner.answer(&file, dev, ino);
                }
                let answered = &self.shared.control.get(*id).plan_answered[replica];
                answered.store(ticket, Ordering::Release);
                wake_all(low_half(answered));
            }
        }
    }

    /// Kills and reaps whoever is left.
    pub fn kill_all(&mut self) {
        for watched in self.tree.groups.values() {
            watched.group.kill_all();
        }
        for watched in self.tree.groups.values_mut() {
            for (child, end) in watched.group.children.iter().zip(&mut watched.ends) {
                if end.is_none() {
                    *end = processes::reap(child, true, self.shared.delays);
                }
            }
        }
        for (_, mut watched) in std::mem::take(&mut self.tree.groups) {
            self.tree.end_copies(&mut watched);
            self.tree.account(&watched);
        }
    }
}

/// What one wait has found.
struct Ready {
    notified: bool,
    signalled: bool,
    /// Process ids of replicas that are gone, or may be.
    ended: Vec<u32>,
    /// Replicas are to be looked at with their times.
    beat: bool,
    /// That is a tick, too.
    ticked: bool,
    weighs: bool,
}

/// Longest time between two looks at the CPU times of replicas.
const BEAT: Duration = Duration::from_millis(200);

/// The watchdog's clock: beats, and every so many of them a tick.
struct Ticker {
    timer: TimerFd,
    beats: u32,
    beats_per_tick: u32,
}

impl Ticker {
    fn new(deadline: Duration) -> Result<Self> {
        let tick = (deadline / TICKS_PER_DEADLINE).max(Duration::from_millis(1));
        let beats_per_tick = tick.as_nanos().div_ceil(BEAT.as_nanos()) as u32;
        let make = || {
            let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
            let period = TimeSpec::from_duration(tick / beats_per_tick);
            timer.set(Expiration::Interval(period), TimerSetTimeFlags::empty())?;
            Ok::<_, nix::errno::Errno>(timer)
        };
        let timer = make().map_err(|error| Error::os("starting the watchdog", error))?;
        Ok(Self { timer, beats: 0, beats_per_tick })
    }

    /// After a beat: whether it is a tick.
    const fn is_tick(&mut self) -> bool {
        self.beats = (self.beats + 1) % self.beats_per_tick;
        self.beats == 0
    }
}

//! The loop that watches a group: turns what happens into events, asks [`crate::step`], does what it says.

use crate::areas::{SegmentArea, low_half, wake_all};
use crate::error::{Error, Result};
use crate::group::Group;
use crate::inherited::{FATAL, Inherited};
use crate::mover::Mover;
use crate::plan::{Planner, mapping};
use crate::processes::{self, Usage};
use crate::refusals::{Refusal, Refusals};
use crate::step::{Action, Event, Glance, State, TICKS_PER_DEADLINE};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use rcb_guard::{Cause, End, decide};
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The moment that [`Action::StartGrace`] gives: ample for a peer that runs, short for somebody who waits.
const GRACE: Duration = Duration::from_secs(2);

/// How watching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All ended as agreed.
    Finished(End),
    /// To be judged; the replicas still exist.
    Judge(Cause),
    /// The user wants it to end by this signal; the replicas still exist.
    Abandon(i32),
}

/// The fatal signals as a descriptor. They stay blocked as long as the process lives.
pub fn fatal_signals(inherited: &Inherited) -> Result<SignalFd> {
    let mut set = SigSet::empty();
    for signal in FATAL {
        if !inherited.is_ignored(signal) {
            set.add(Signal::try_from(signal).map_err(|error| Error::os("naming a signal", error))?);
        }
    }
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None).map_err(|error| Error::os("blocking signals", error))?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(|error| Error::os("making a signalfd", error))
}

/// A group under watch.
pub struct Watch<'run> {
    group: &'run Group,
    signals: SignalFd,
    ticker: Option<TimerFd>,
    state: State,
    planner: Planner,
    refusals: Refusals,
    refusals_seen: Vec<u64>,
    tickets: Vec<u64>,
    grace_ends: Option<Instant>,
    /// Moves replicas to other CPUs, if that is wanted.
    pub mover: Option<Mover>,
    /// How each replica ended and what it used, once it has.
    pub ends: Vec<Option<(End, Usage)>>,
}

impl<'run> Watch<'run> {
    /// Starts the watchdog; the group runs from [`Watch::run`] on.
    pub fn new(group: &'run Group, signals: SignalFd, deadline: Option<Duration>, planner: Planner) -> Result<Self> {
        let replicas = group.children.len();
        Ok(Self {
            group,
            signals,
            ticker: deadline.filter(|_| replicas > 1).map(ticker).transpose()?,
            state: State::new(replicas),
            planner,
            refusals: Refusals::default(),
            refusals_seen: vec![0; replicas],
            tickets: vec![0; replicas],
            grace_ends: None,
            mover: None,
            ends: vec![None; replicas],
        })
    }

    /// Lets the group run until there is a verdict. `warn` is told of each kind of refused call.
    pub fn run(&mut self, mut warn: impl FnMut(&Refusal)) -> Result<Verdict> {
        self.group.go();
        loop {
            let ready = self.wait()?;
            let mut events = Vec::new();
            if ready.notified || ready.ended || ready.grace_over {
                // What a replica wrote before it ended must be seen before its end.
                let _ = self.group.notify.read();
                self.serve(&mut warn);
                events.push(Event::Look(self.look(false)));
            }
            if ready.ended {
                self.collect_ended(&mut events);
            }
            if ready.ticked {
                self.serve(&mut warn);
                events.push(Event::Tick(self.look(true)));
            }
            if let (true, Some(mover)) = (ready.weighs, &mut self.mover) {
                mover.look(self.group.segments.iter().map(SegmentArea::stats));
            }
            if ready.grace_over {
                self.grace_ends = None;
                events.push(Event::GraceOver);
            }
            while let Ok(Some(info)) = self.signals.read_signal() {
                events.push(Event::Interrupted(info.ssi_signo as i32));
            }
            for event in &events {
                for action in self.state.step(event) {
                    match action {
                        Action::StartGrace => self.grace_ends = Some(Instant::now() + GRACE),
                        Action::Judge(cause) => return Ok(Verdict::Judge(cause)),
                        Action::Abandon(signal) => return Ok(Verdict::Abandon(signal)),
                        Action::Finish(end) => return Ok(Verdict::Finished(end)),
                    }
                }
            }
        }
    }

    /// Sleeps until something happens.
    fn wait(&self) -> Result<Ready> {
        let readable = PollFlags::POLLIN;
        let mut fds =
            vec![PollFd::new(self.group.notify.as_fd(), readable), PollFd::new(self.signals.as_fd(), readable)];
        let living = self.group.children.iter().zip(&self.ends).filter(|(_, end)| end.is_none());
        fds.extend(living.map(|(child, _)| PollFd::new(child.pidfd.as_fd(), readable)));
        let first_timer = fds.len();
        fds.extend(self.ticker.iter().map(|ticker| PollFd::new(ticker.as_fd(), readable)));
        let first_mover = fds.len();
        fds.extend(self.mover.iter().map(|mover| PollFd::new(mover.ticker.as_fd(), readable)));
        let left = self.grace_ends.map(|end| end.saturating_duration_since(Instant::now()));
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
            ended: fds[2..first_timer].iter().any(is_ready),
            ticked: fds[first_timer..first_mover].iter().any(is_ready),
            weighs: fds[first_mover..].iter().any(is_ready),
            grace_over: self.grace_ends.is_some_and(|end| end <= Instant::now()),
        };
        drop(fds);
        if let (true, Some(ticker)) = (ready.ticked, &self.ticker) {
            // However many periods have passed, it is one tick: see the head of `step`.
            let _ = ticker.wait();
        }
        Ok(ready)
    }

    /// Answers what replicas ask of us.
    fn serve(&mut self, warn: &mut impl FnMut(&Refusal)) {
        for (replica, segment) in self.group.segments.iter().enumerate() {
            let (count, entries) = segment.refusals_since(self.refusals_seen[replica]);
            self.refusals_seen[replica] = count;
            for refusal in entries.into_iter().filter_map(|entry| self.refusals.note(entry)) {
                warn(&refusal);
            }
            let (ticket, addr, dev, ino) = segment.plan_request();
            if ticket == self.tickets[replica] {
                continue;
            }
            self.tickets[replica] = ticket;
            if let Some(file) = mapping::open(self.group.children[replica].pid, addr) {
                self.planner.answer(&file, dev, ino);
            }
            let answered = &self.group.control.get().plan_answered[replica];
            answered.store(ticket, Ordering::Release);
            wake_all(low_half(answered));
        }
    }

    fn look(&self, with_times: bool) -> Vec<Glance> {
        let segments = &self.group.segments;
        let glance = |(segment, child): (&SegmentArea, &crate::spawn::Child)| {
            let stat = if with_times { processes::stat(child.pid) } else { None };
            let inbox = segment.inbox();
            // The fault first: what a replica wrote before it is then seen too.
            let fault = inbox.fault();
            let (seq, phase, wait_for) = (inbox.seq(), inbox.phase(), inbox.wait_for());
            let served = segments.get(wait_for as usize).map(SegmentArea::inbox).is_some_and(|peer| {
                let answered = peer.answered(seq);
                decide::is_served(phase, seq, peer.seq(), answered)
            });
            Glance {
                seq,
                phase,
                wait_for,
                fault,
                user_ns: stat.map_or(0, |stat| stat.user_ns),
                in_kernel: stat.is_some_and(|stat| stat.state == 'D'),
                stopped: stat.is_some_and(|stat| matches!(stat.state, 'T' | 't')),
                served,
            }
        };
        segments.iter().zip(&self.group.children).map(glance).collect()
    }

    fn collect_ended(&mut self, events: &mut Vec<Event>) {
        for (replica, child) in self.group.children.iter().enumerate() {
            if self.ends[replica].is_some() {
                continue;
            }
            if let Some((end, usage)) = processes::reap(child, false) {
                self.ends[replica] = Some((end, usage));
                events.push(Event::Ended { replica, end, agreed: self.group.segments[replica].inbox().ending() });
            }
        }
    }

    /// Kills and reaps whoever is left.
    pub fn kill_all(&mut self) {
        self.group.kill_all();
        for (child, end) in self.group.children.iter().zip(&mut self.ends) {
            if end.is_none() {
                *end = processes::reap(child, true);
            }
        }
    }
}

/// What one wait has found.
struct Ready {
    notified: bool,
    ended: bool,
    ticked: bool,
    weighs: bool,
    grace_over: bool,
}

fn ticker(deadline: Duration) -> Result<TimerFd> {
    let make = || {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
        let period = (deadline / TICKS_PER_DEADLINE).max(Duration::from_millis(1));
        timer.set(Expiration::Interval(TimeSpec::from_duration(period)), TimerSetTimeFlags::empty())?;
        Ok::<_, nix::errno::Errno>(timer)
    };
    make().map_err(|error| Error::os("starting the watchdog", error))
}

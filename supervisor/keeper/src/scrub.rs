//! `--scrub`: compares the memory of the replicas while all stand at the same request, and mends what differs.
//!
//! Memory that a program does not look at for hours is not compared by any call. So from time to time the supervisor lets
//! all replicas of a group stand still at a request of its choice (`control::Heal::stand_at`), reads a slice of their
//! memory page by page, and copies the majority's bytes over those of a minority. With two replicas, or without a
//! majority, a difference is a fault that ends the run.
//!
//! A slice is as large as a small share of the period allows, and the next one begins where it ended.
//!
//! LIMIT: a process that makes no call for as long as a period is not compared meanwhile.

mod explained;
mod pages;

use crate::act::look;
use crate::areas::wake_all;
use crate::group::Shared;
use crate::tree::Watched;
use explained::Explained;
use pages::{PAGE, Processes};
use rcb_abi::segment::phase;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Share of the time that replicas may stand still.
const SHARE: f64 = 0.01;
/// Between two looks while somebody stands.
const SOON: Duration = Duration::from_millis(1);
/// A guest that makes calls is there, or beyond, after so long.
const BUSY: Duration = Duration::from_millis(20);
/// Pages of the first slice, and the fewest of any.
const FEWEST: usize = 64;
/// Requests between the latest one seen and the one to stand at, at first; a group that is faster gets more.
const MARGIN: u32 = 2;
/// And at most.
const MOST_MARGIN: u32 = 1 << 14;

/// What a slice has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// First address that differs in the page.
    pub address: u64,
    /// Bits that differ from the majority (from the first replica, without one).
    pub bits: u32,
    /// Replicas in the minority; empty without a majority.
    pub replicas: Vec<usize>,
    /// The minority has the majority's bytes now.
    pub is_mended: bool,
}

/// The comparison of one group's memory.
pub struct Scrub {
    period: Duration,
    /// When the next slice is due.
    next: Instant,
    /// The request at which all shall stand, once chosen, and when it was.
    asked: Option<(u32, Instant)>,
    /// Somebody stands there.
    is_met: bool,
    margin: u32,
    /// Where the next slice begins, and how many pages it has.
    cursor: u64,
    pages: usize,
    explained: Explained,
}

impl Scrub {
    /// For a group that has just been found.
    pub fn new(period: Duration) -> Self {
        let next = Instant::now() + period;
        let explained = Explained::default();
        Self { period, next, asked: None, is_met: false, margin: MARGIN, cursor: 0, pages: FEWEST, explained }
    }

    /// When [`Scrub::proceed`] wants to be called again.
    pub fn due(&self) -> Instant {
        // Who stands says so, and must not stand long. Until then nobody waits, and a guest may be idle for hours.
        match self.asked {
            None => self.next,
            Some((_, since)) if self.is_met || since.elapsed() < BUSY => Instant::now() + SOON,
            Some(_) => Instant::now() + self.period,
        }
    }

    /// Goes on as far as it can now. Differences, if a slice was compared and not all was equal.
    pub fn proceed(&mut self, watched: &Watched<'_>, shared: &Shared) -> Vec<Difference> {
        if Instant::now() < self.next {
            return vec![];
        }
        let order = &shared.control.get(watched.group.id).heal;
        let glances = look(watched, false);
        let Some((at, _)) = self.asked else {
            let latest = glances.iter().map(|glance| glance.seq).max().unwrap_or(0);
            let at = (latest as u32).wrapping_add(self.margin).max(1);
            self.asked = Some((at, Instant::now()));
            order.stand_at.store(at, Ordering::Release);
            return vec![];
        };
        let is_past = |seq: u64| (seq as u32).wrapping_sub(at) as i32 > 0;
        let stands = |glance: &crate::step::Glance| glance.phase == phase::STANDS && glance.seq as u32 == at;
        let mut differences = vec![];
        self.is_met = glances.iter().any(stands);
        if glances.iter().all(stands) {
            let since = Instant::now();
            differences = self.compare(watched);
            let allowed = self.period.mul_f64(SHARE);
            let took = since.elapsed();
            self.pages = if took > allowed { (self.pages / 2).max(FEWEST) } else { self.pages + self.pages / 2 };
            self.margin = (self.margin / 2).max(MARGIN);
            self.next = Instant::now() + self.period;
        } else if glances.iter().any(|glance| is_past(glance.seq)) {
            // It was there before it could be told.
            self.margin = (self.margin * 4).min(MOST_MARGIN);
        } else {
            return vec![];
        }
        (self.asked, self.is_met) = (None, false);
        order.stand_at.store(0, Ordering::Release);
        order.released.store(at, Ordering::Release);
        wake_all(&order.released);
        differences
    }

    /// Compares the next slice.
    fn compare(&mut self, watched: &Watched<'_>) -> Vec<Difference> {
        let pids: Vec<u32> = watched.group.children.iter().map(|child| child.pid).collect();
        let Some(mut processes) = Processes::open(&pids) else { return vec![] };
        self.explained.prepare(&watched.cpus, watched.lead().generation());
        let mut left = self.pages;
        let mut found = vec![];
        // From the cursor to the end, then from the beginning up to it.
        for part in [self.cursor..u64::MAX, 0..self.cursor] {
            for range in processes.ranges(part) {
                if left == 0 {
                    return found;
                }
                let end = range.end.min(range.start + (left * PAGE) as u64);
                left -= (end - range.start) as usize / PAGE;
                processes.compare(range.start..end, &mut self.explained, &mut found);
                self.cursor = end;
            }
        }
        found
    }
}

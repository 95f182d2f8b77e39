//! The line that shows how far a campaign is, and the signals that stop it.

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rcb_inject::{Class, Counts, Golden, Trial, Watcher};
use rcb_keeper::Outcome;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::{Duration, Instant};

/// Between two drawings.
const FRAME: Duration = Duration::from_millis(200);
/// Cells of the bar.
const CELLS: usize = 20;
/// Signals that stop a campaign; the trials that have ended are kept.
const STOPPING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Watches a campaign for the user.
pub(crate) struct Progress {
    signals: SignalFd,
    stopped_by: Option<i32>,
    is_shown: bool,
    counts: Counts,
    left: usize,
    made: usize,
    begun: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    /// Signals wait from now on until they are looked for. To be called before threads are started.
    pub(crate) fn new() -> Result<Self> {
        let set: SigSet = STOPPING.into_iter().collect();
        set.thread_block().context("blocking signals")?;
        let signals = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK);
        Ok(Self {
            signals: signals.context("making a signalfd")?,
            stopped_by: None,
            is_shown: std::io::stderr().is_terminal(),
            counts: Counts::default(),
            left: 0,
            made: 0,
            begun: Instant::now(),
            drawn: None,
        })
    }

    /// Takes the line away and shows the result; then dies by the signal that has stopped the campaign, if one has.
    pub(crate) fn end(self, show: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
        if self.drawn.is_some() {
            eprint!("\r\x1b[K");
        }
        let outcome = show()?;
        Ok(self.stopped_by.map_or(outcome, Outcome::Signal))
    }

    fn draw(&mut self) {
        if !self.is_shown || self.drawn.is_some_and(|before| before.elapsed() < FRAME) {
            return;
        }
        self.drawn = Some(Instant::now());
        let line = line(&self.counts, self.made, self.left, self.begun.elapsed());
        let mut stderr = std::io::stderr();
        // Nobody is left to see it if that fails.
        let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
    }
}

impl Watcher for Progress {
    fn begin(&mut self, _: &Golden, before: &Counts, left: usize) {
        (self.counts, self.left, self.begun) = (*before, left, Instant::now());
    }

    fn tell(&mut self, trial: &Trial) {
        self.counts.add(trial.class);
        self.made += 1;
        self.draw();
    }

    fn look(&mut self) -> bool {
        while let Ok(Some(info)) = self.signals.read_signal() {
            self.stopped_by = Some(info.ssi_signo as i32);
        }
        self.draw();
        self.stopped_by.is_some()
    }
}

/// How far it is, what is found so far, and how long it will take.
fn line(counts: &Counts, made: usize, left: usize, elapsed: Duration) -> String {
    if left == 0 {
        return "rcb: the program runs undisturbed".into();
    }
    let full = CELLS * made.min(left) / left;
    let bar = format!("{}{}", "#".repeat(full), ".".repeat(CELLS - full));
    let per_second = made as f64 / elapsed.as_secs_f64().max(1e-3);
    let mut text = format!("rcb: [{bar}] {made}/{left}, {per_second:.1}/s");
    if made > 0 {
        let seconds = ((left - made.min(left)) as f64 / per_second).ceil() as u64;
        let silent = counts.share(Class::Silent);
        let _ = write!(text, ", {}:{:02} left; silent {silent}", seconds / 60, seconds % 60);
    }
    for class in [Class::Corrected, Class::Stopped, Class::Crashed, Class::Hung, Class::Lost] {
        if counts.of(class) > 0 {
            let _ = write!(text, ", {} {}", class.word(), counts.of(class));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is() {
        assert!(line(&Counts::default(), 0, 0, Duration::ZERO).contains("undisturbed"));
        let counts = [Class::NoEffect, Class::Stopped].into_iter().collect();
        let text = line(&counts, 2, 8, Duration::from_secs(1));
        assert_eq!(text, "rcb: [#####...............] 2/8, 2.0/s, 0:03 left; silent 0.00 % [0.00, 65.76], stopped 1");
    }
}

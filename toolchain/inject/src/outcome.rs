//! What came of a trial, and how sure a share is.

use serde::Serialize;
use std::fmt;
use std::ops::AddAssign;

/// What came of one trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// As without a fault, and nobody has noticed one.
    NoEffect,
    /// As without a fault: it was noticed and what it had done undone.
    Corrected,
    /// It was reported, and the run ended.
    Stopped,
    /// The program died of it. Without replicas also: it ended with a status of failure.
    Crashed,
    /// It had not ended after a multiple of its time.
    Hung,
    /// Output, files or status are wrong, and nobody has said so.
    Silent,
    /// rcb itself failed.
    Lost,
}

impl Class {
    /// In the order of tables.
    pub const ALL: [Self; 7] =
        [Self::NoEffect, Self::Corrected, Self::Stopped, Self::Crashed, Self::Hung, Self::Silent, Self::Lost];

    /// Its word in stores and documents.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoEffect => "no-effect",
            Self::Corrected => "corrected",
            Self::Stopped => "stopped",
            Self::Crashed => "crashed",
            Self::Hung => "hung",
            Self::Silent => "silent",
            Self::Lost => "lost",
        }
    }

    /// The class of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }

    /// What replication promises not to happen.
    pub const fn breaks_promise(self) -> bool {
        matches!(self, Self::Crashed | Self::Hung | Self::Silent | Self::Lost)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoEffect => "no effect",
            Self::Corrected => "detected and corrected",
            Self::Stopped => "detected and stopped",
            Self::Crashed => "crashed",
            Self::Hung => "hung",
            Self::Silent => "silent corruption",
            Self::Lost => "service lost",
        })
    }
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// With a status.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// Not in time; it was killed.
    Late,
}

/// What was seen of a run with a fault, against the undisturbed one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    /// How it ended.
    pub(crate) ended: Ended,
    /// Status of the undisturbed run.
    pub(crate) expected: i32,
    /// Output and files are the same.
    pub(crate) is_same: bool,
    /// What was printed is how the output of the undisturbed run begins.
    pub(crate) is_prefix: bool,
    /// A fault was reported.
    pub(crate) is_reported: bool,
    /// Replicas were made whole again.
    pub(crate) is_healed: bool,
}

impl Seen {
    /// The class. With two or more replicas the promise is that nothing wrong leaves: a wrong byte before the end is silent
    /// corruption, whatever follows.
    pub(crate) fn class(&self, replicas: usize) -> Class {
        if replicas >= 2 && !self.is_prefix {
            return Class::Silent;
        }
        let is_whole = self.is_same && self.ended == Ended::Exit(self.expected);
        match self.ended {
            Ended::Late => Class::Hung,
            _ if is_whole && (self.is_healed || (self.is_reported && replicas >= 2)) => Class::Corrected,
            _ if is_whole => Class::NoEffect,
            _ if self.is_reported && !self.is_end_of_program(replicas) => Class::Stopped,
            Ended::Signal(libc::SIGKILL) if replicas > 0 => Class::Lost,
            Ended::Signal(_) => Class::Crashed,
            Ended::Exit(status) if replicas > 0 && status != self.expected && (125..=127).contains(&status) => {
                Class::Lost
            }
            Ended::Exit(status) if replicas < 2 && status != self.expected && status != 0 => Class::Crashed,
            Ended::Exit(_) => Class::Silent,
        }
    }

    /// A replicated program that goes on after a fault was reported has been corrected, or so rcb says: its end is its own.
    fn is_end_of_program(&self, replicas: usize) -> bool {
        replicas >= 2 && !matches!(self.ended, Ended::Exit(120 | 125))
    }
}

/// How many of each class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts([u64; Class::ALL.len()]);

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, class: Class) {
        self.0[class as usize] += 1;
    }

    /// How many of this class.
    pub const fn of(&self, class: Class) -> u64 {
        self.0[class as usize]
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Those that had an effect.
    pub fn effective(&self) -> u64 {
        self.total() - self.of(Class::NoEffect)
    }

    /// Share of a class among all, with its interval.
    pub fn share(&self, class: Class) -> Estimate {
        Estimate::new(self.of(class), self.total())
    }
}

impl FromIterator<Class> for Counts {
    fn from_iter<T: IntoIterator<Item = Class>>(classes: T) -> Self {
        let mut counts = Self::default();
        classes.into_iter().for_each(|class| counts.add(class));
        counts
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} trials", self.total())?;
        for class in Class::ALL.into_iter().filter(|class| self.of(*class) > 0) {
            write!(f, ", {class} {} = {}", self.of(class), self.share(class))?;
        }
        Ok(())
    }
}

/// A share with its 95 % interval, each in 0..=1.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Estimate {
    /// The share; 0 of nothing.
    pub share: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// Of `hits` among `total`.
    pub fn new(hits: u64, total: u64) -> Self {
        let (low, high) = wilson(hits, total);
        Self { share: hits as f64 / total.max(1) as f64, low, high }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} % [{:.2}, {:.2}]", 100.0 * self.share, 100.0 * self.low, 100.0 * self.high)
    }
}

/// 95 % score interval of a share (Wilson, *Probable Inference*, JASA 22, 1927): lower and upper end, each in 0..=1.
pub fn wilson(hits: u64, total: u64) -> (f64, f64) {
    if total == 0 {
        return (0.0, 1.0);
    }
    let (z, n, p) = (1.959_964_f64, total as f64, hits as f64 / total as f64);
    let centre = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests;

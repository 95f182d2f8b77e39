//! What came of an injection, and how sure a share is.

use std::fmt;
use std::ops::AddAssign;

/// What came of one injection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Same output, same status.
    Masked,
    /// The program reported a fault.
    Detected,
    /// It ended by a signal or with another status without such a report.
    Crash,
    /// It had not ended after ten times its time.
    Hang,
    /// It ended as usual with another output: silent corruption.
    Silent,
}

/// How many of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// See [`Outcome::Masked`].
    pub masked: u64,
    /// See [`Outcome::Detected`].
    pub detected: u64,
    /// See [`Outcome::Crash`].
    pub crash: u64,
    /// See [`Outcome::Hang`].
    pub hang: u64,
    /// See [`Outcome::Silent`].
    pub silent: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Masked => self.masked += 1,
            Outcome::Detected => self.detected += 1,
            Outcome::Crash => self.crash += 1,
            Outcome::Hang => self.hang += 1,
            Outcome::Silent => self.silent += 1,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.masked + self.detected + self.crash + self.hang + self.silent
    }

    /// Share of silent corruption with its interval: share, lower end, upper end.
    pub fn silent_share(&self) -> (f64, f64, f64) {
        let (low, high) = wilson(self.silent, self.total());
        (self.silent as f64 / self.total().max(1) as f64, low, high)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.masked += other.masked;
        self.detected += other.detected;
        self.crash += other.crash;
        self.hang += other.hang;
        self.silent += other.silent;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |count: u64| 100.0 * count as f64 / self.total().max(1) as f64;
        let (silent, low, high) = self.silent_share();
        write!(
            f,
            "{} injections: masked {:.1} %, detected {:.1} %, crash {:.1} %, hang {:.1} %, silent {} = {:.3} % \
             [{:.3}, {:.3}]",
            self.total(),
            share(self.masked),
            share(self.detected),
            share(self.crash),
            share(self.hang),
            self.silent,
            100.0 * silent,
            100.0 * low,
            100.0 * high
        )
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
mod tests {
    use super::*;

    #[test]
    fn intervals_agree_with_tables() {
        let (low, high) = wilson(0, 1000);
        assert!(low.abs() < 1e-12 && (high - 0.003_827).abs() < 1e-5, "{low} {high}");
        let (low, high) = wilson(159, 1000);
        assert!((low - 0.1377).abs() < 2e-4 && (high - 0.1830).abs() < 2e-4, "{low} {high}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }
}

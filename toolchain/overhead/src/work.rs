//! How much slower a hardened build is for a program's own mix of work.
//!
//! The own work of an agent is taken as linear in two counts of its replica: system calls, and bytes that are compared
//! (hashed on their way out, and what goes with that, such as handing them out).
//!
//! ```text
//!   own work = calls * a + bytes * b
//!   C        = (calls * a' + bytes * b') / (calls * a + bytes * b)        a', b': of the hardened build
//! ```
//!
//! a and b come from two loops, one of many calls with a byte each, one of few calls with many bytes each. One replica
//! compares nothing: there a alone counts, from a loop of its own.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// What a replica had to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// System calls.
    pub calls: u64,
    /// Bytes compared.
    pub bytes: u64,
}

/// What the leader's agent worked in one loop, in seconds, with both builds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loop {
    /// What it had to do; the same with both.
    pub mix: Mix,
    /// Own work of the build without hardening.
    pub base_s: f64,
    /// Own work of the hardened one.
    pub hardened_s: f64,
}

/// What the agent of one build works, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Per call, a.
    pub call_ns: f64,
    /// Per byte compared, b; 0 where it cannot be told from noise, and for one replica.
    pub byte_ns: f64,
}

/// The rates of both builds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Without hardening.
    pub base: Rates,
    /// Hardened.
    pub hardened: Rates,
}

/// What is known of a hardened build beside the single factor; nothing in files of versions that had only that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// As one replica.
    pub alone: Option<Costs>,
    /// As two; taken for more as well.
    pub together: Option<Costs>,
}

/// A hardening and how much slower it makes supervisor and agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Slowdown {
    /// Its name.
    pub name: String,
    /// C of the build as a whole.
    pub factor: f64,
    /// What C depends on, if that was measured.
    pub work: Work,
}

impl Mix {
    #[allow(clippy::cast_precision_loss, reason = "counts of a run")]
    fn counts(self) -> (f64, f64) {
        (self.calls as f64, self.bytes as f64)
    }
}

impl Rates {
    /// The rates with which both loops took what they took; `None` if one is a multiple of the other.
    fn solve(one: (Mix, f64), other: (Mix, f64)) -> Option<Self> {
        let ((calls, bytes), (more_calls, more_bytes)) = (one.0.counts(), other.0.counts());
        let determinant = calls * more_bytes - more_calls * bytes;
        if determinant == 0.0 {
            return None;
        }
        let (one_ns, other_ns) = (one.1 * 1e9, other.1 * 1e9);
        let call_ns = (one_ns * more_bytes - other_ns * bytes) / determinant;
        let byte_ns = (calls * other_ns - more_calls * one_ns) / determinant;
        Some(Self { call_ns, byte_ns })
    }

    /// Own work for this mix, in nanoseconds.
    pub fn work_ns(&self, mix: Mix) -> f64 {
        let (calls, bytes) = mix.counts();
        calls * self.call_ns + bytes * self.byte_ns
    }
}

impl Costs {
    /// From a loop in which only calls count; `None` if there were none or they took no time.
    pub fn of_calls(calls: &Loop) -> Option<Self> {
        let rate = |work_s: f64| Rates { call_ns: work_s * 1e9 / calls.mix.counts().0, byte_ns: 0.0 };
        Self { base: rate(calls.base_s), hardened: rate(calls.hardened_s) }.positive(|rates| rates.call_ns)
    }

    /// From a loop of many calls and one of many bytes. A rate that is not above 0 with both builds cannot be told from
    /// noise and is left out with both, so that its ratio is never one of noise; `None` if neither can.
    pub fn of_loops(calls: &Loop, bytes: &Loop) -> Option<Self> {
        let solve = |calls_s, bytes_s| Rates::solve((calls.mix, calls_s), (bytes.mix, bytes_s));
        let both =
            Self { base: solve(calls.base_s, bytes.base_s)?, hardened: solve(calls.hardened_s, bytes.hardened_s)? };
        let has_calls = both.positive(|rates| rates.call_ns).is_some();
        let has_bytes = both.positive(|rates| rates.byte_ns).is_some();
        let only_bytes = |work_s: f64| Rates { call_ns: 0.0, byte_ns: work_s * 1e9 / bytes.mix.counts().1 };
        match (has_calls, has_bytes) {
            (true, true) => Some(both),
            (true, false) => Self::of_calls(calls),
            (false, true) => Self { base: only_bytes(bytes.base_s), hardened: only_bytes(bytes.hardened_s) }
                .positive(|rates| rates.byte_ns),
            (false, false) => None,
        }
    }

    /// These, if the rate of both builds is a number above 0.
    fn positive(self, rate: impl Fn(&Rates) -> f64) -> Option<Self> {
        let is_known = |rates| rate(rates).is_finite() && rate(rates) > 0.0;
        (is_known(&self.base) && is_known(&self.hardened)).then_some(self)
    }

    /// C for this mix, as measured: noise may make it less than 1. `None` if the mix has nothing that counts.
    pub fn factor(&self, mix: Mix) -> Option<f64> {
        let ratio = self.hardened.work_ns(mix) / self.base.work_ns(mix);
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    fn text(&self) -> String {
        let Self { base, hardened } = self;
        let mut out = format!("a call {:.0} -> {:.0} ns", base.call_ns, hardened.call_ns);
        if base.byte_ns > 0.0 {
            _ = write!(out, ", a KiB compared {:.1} -> {:.1} ns", base.byte_ns * 1024.0, hardened.byte_ns * 1024.0);
        }
        out
    }
}

impl Work {
    /// What is known for so many replicas.
    pub fn costs(&self, replicas: usize) -> Option<&Costs> {
        if replicas == 1 { self.alone.as_ref() } else { self.together.as_ref() }
    }

    /// In words, a line for one replica and one for more.
    pub fn text(&self) -> String {
        let lines = [("one replica", &self.alone), ("more", &self.together)];
        lines.iter().filter_map(|(name, costs)| Some(format!("  {name}: {}\n", costs.as_ref()?.text()))).collect()
    }
}

impl Slowdown {
    /// The same factor whatever the program does.
    pub fn fixed(name: String, factor: f64) -> Self {
        Self { name, factor, work: Work::default() }
    }

    /// C for a program whose leader does this as one of so many replicas, never below 1; that of the build as a whole if
    /// nothing else is known.
    pub fn factor(&self, replicas: usize, mix: Mix) -> f64 {
        let own = self.work.costs(replicas).and_then(|costs| costs.factor(mix));
        own.unwrap_or(self.factor).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MANY_CALLS: Mix = Mix { calls: 400_000, bytes: 200_000 };
    const MANY_BYTES: Mix = Mix { calls: 40_000, bytes: 1_000_000_000 };

    /// What a build with these rates takes for both loops.
    fn loops(base: Rates, hardened: Rates) -> [Loop; 2] {
        [MANY_CALLS, MANY_BYTES].map(|mix| Loop {
            mix,
            base_s: base.work_ns(mix) / 1e9,
            hardened_s: hardened.work_ns(mix) / 1e9,
        })
    }

    fn rates(call_ns: f64, byte_ns: f64) -> Rates {
        Rates { call_ns, byte_ns }
    }

    fn slowdown(factor: f64, work: Work) -> Slowdown {
        Slowdown { name: "swift".into(), factor, work }
    }

    #[test]
    fn rates_by_hand() {
        // 400 000 calls of 250 ns with 200 000 bytes of 0.05 ns; 40 000 calls with 10^9 bytes.
        let calls = Loop { mix: MANY_CALLS, base_s: 0.100_01, hardened_s: 0.140_012 };
        let bytes = Loop { mix: MANY_BYTES, base_s: 0.06, hardened_s: 0.074 };
        let costs = Costs::of_loops(&calls, &bytes).unwrap();
        for (found, wanted) in [
            (costs.base.call_ns, 250.0),
            (costs.base.byte_ns, 0.05),
            (costs.hardened.call_ns, 350.0),
            (costs.hardened.byte_ns, 0.06),
        ] {
            assert!((found / wanted - 1.0).abs() < 1e-9, "{found} {wanted}");
        }
        // A call with 1 KiB: (350 + 61.44) / (250 + 51.2).
        let factor = costs.factor(Mix { calls: 1000, bytes: 1_024_000 }).unwrap();
        assert!((factor - 411.44 / 301.2).abs() < 1e-9, "{factor}");
    }

    #[test]
    fn each_loop_has_its_own_ratio_again() {
        let loops = loops(rates(250.0, 0.05), rates(355.0, 0.051));
        let costs = Costs::of_loops(&loops[0], &loops[1]).unwrap();
        for one in loops {
            assert!((costs.factor(one.mix).unwrap() - one.hardened_s / one.base_s).abs() < 1e-9);
        }
    }

    #[test]
    fn one_replica_has_calls_alone() {
        let calls = Loop { mix: Mix { calls: 400_000, bytes: 0 }, base_s: 0.08, hardened_s: 0.1 };
        let work = Work { alone: Costs::of_calls(&calls), together: None };
        assert!((slowdown(1.1, work).factor(1, MANY_BYTES) - 1.25).abs() < 1e-12);
        assert!((slowdown(1.1, work).factor(2, MANY_BYTES) - 1.1).abs() < 1e-12, "nothing is known of two");
        assert_eq!(work.text(), "  one replica: a call 200 -> 250 ns\n");
        assert_eq!(Costs::of_calls(&Loop { mix: Mix { calls: 0, bytes: 0 }, ..calls }), None);
    }

    #[test]
    fn what_cannot_be_told_from_noise_is_left_out_with_both_builds() {
        // Few calls with many bytes took less than so many calls alone: nothing is known of bytes.
        let [calls, mut bytes] = loops(rates(200.0, 0.05), rates(300.0, 0.05));
        bytes.base_s = 0.004;
        let costs = Costs::of_loops(&calls, &bytes).unwrap();
        assert_eq!((costs.base.byte_ns, costs.hardened.byte_ns), (0.0, 0.0));
        assert!((costs.factor(MANY_BYTES).unwrap() - calls.hardened_s / calls.base_s).abs() < 1e-9);
        // The other way round.
        let [mut calls, bytes] = loops(rates(200.0, 0.05), rates(300.0, 0.055));
        calls.hardened_s = -0.001;
        let costs = Costs::of_loops(&calls, &bytes).unwrap();
        assert_eq!((costs.base.call_ns, costs.hardened.call_ns), (0.0, 0.0));
        assert!((costs.factor(MANY_BYTES).unwrap() - bytes.hardened_s / bytes.base_s).abs() < 1e-9);
        // Neither, and loops that say the same.
        let nothing = Loop { mix: MANY_CALLS, base_s: 0.0, hardened_s: 0.1 };
        assert_eq!(Costs::of_loops(&nothing, &Loop { mix: MANY_BYTES, ..nothing }), None);
        assert_eq!(Costs::of_loops(&calls, &calls), None);
    }

    #[test]
    fn a_program_is_never_faster_hardened() {
        let loops = loops(rates(250.0, 0.05), rates(240.0, 0.05));
        let work = Work { alone: None, together: Costs::of_loops(&loops[0], &loops[1]) };
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
        near(slowdown(0.98, work).factor(2, MANY_CALLS), 1.0);
        near(slowdown(0.98, work).factor(1, MANY_CALLS), 1.0);
        // Nothing to go by.
        near(slowdown(1.3, work).factor(2, Mix { calls: 0, bytes: 0 }), 1.3);
    }

    proptest! {
        #[test]
        fn a_mix_lies_between_calls_and_bytes(
            call in 50.0..2000.0_f64, byte in 0.01..2.0_f64, slower_call in 0.9..4.0_f64, slower_byte in 0.9..4.0_f64,
            calls in 1..100_000_000_u64, bytes in 0..100_000_000_000_u64, replicas in 2..8_usize,
        ) {
            let loops = loops(rates(call, byte), rates(call * slower_call, byte * slower_byte));
            let work = Work { alone: None, together: Costs::of_loops(&loops[0], &loops[1]) };
            let factor = slowdown(9.0, work).factor(replicas, Mix { calls, bytes });
            let (low, high) = (slower_call.min(slower_byte).max(1.0), slower_call.max(slower_byte).max(1.0));
            prop_assert!(low - 1e-6 <= factor && factor <= high + 1e-6, "{low} {factor} {high}");
        }
    }
}

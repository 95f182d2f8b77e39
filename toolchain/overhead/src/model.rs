//! The cost model: what a run costs when the code that replication cannot protect is hardened by a factor C.
//!
//! ```text
//!   t_prot = t_app + C * (t_kern + t_master + t_kern') + t_hw          (the whole RCB is hardened)
//!
//!   t_app     the program's own computing and waiting        t_kern'  kernel: calls on behalf of replication
//!   t_kern    kernel: the program's calls                    t_hw     caches and memory shared by the copies,
//!   t_master  agent and supervisor                                    and waiting for peers
//! ```
//!
//! With C = 1 it is the replicated run that was measured, so it can be written from there:
//! `t_prot = t_repl + (C - 1) * t_rcb`. What `t_rcb` is depends on what is hardened: the kernel belongs to the RCB but
//! cannot be built by our compiler, so [`Scope::Built`] takes the agent and the supervisor alone. The form
//! `t_native + C * t_replicated` charges what replication adds and nothing of the program's own calls; it is
//! [`Scope::Added`]. As in the formula, `t_hw` stays outside of the product, and so does CPU time that others took: what
//! native copies at once already lose is no slower for a hardened agent. Waiting is in it, and so is what the parts do
//! not explain:
//!
//! ```text
//!   t_prot = t_native + t_hw + t_delayed + C * (t_repl - t_native - t_hw - t_delayed)
//! ```
//!
//! Waiting for a peer is half the peer's agent at work and half the way of a cache line; only the first half grows with
//! C. How much it is cannot be told from one side: the predictions for `Built` and `Whole` let it grow not at all, their
//! upper bounds fully; `Added` lets it grow fully.

use serde::{Deserialize, Serialize};

/// Where the wall time of a replicated run goes, in seconds on the leader's time line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// The program's own computing, `t_app`.
    pub app_s: f64,
    /// The program natively off the CPU: devices, sleep. Part of `t_app` in the formula.
    pub idle_s: f64,
    /// Its calls in the kernel, `t_kern`.
    pub kernel_s: f64,
    /// Agent and supervisor, `t_master`.
    pub master_s: f64,
    /// The kernel on behalf of replication, `t_kern'`.
    pub kernel_extra_s: f64,
    /// The leader waiting for its peers.
    pub wait_s: f64,
    /// What so many native copies at once take longer than one alone, `t_hw`.
    pub hardware_s: f64,
    /// The leader ready to run on a CPU that had something else to do: other programs, or other replicas.
    #[serde(default)]
    pub delayed_s: f64,
}

impl Parts {
    /// Names and values, in the order in which they are shown.
    pub fn named(&self) -> [(&'static str, f64); 8] {
        [
            ("program", self.app_s),
            ("idle", self.idle_s),
            ("kernel", self.kernel_s),
            ("agent and supervisor", self.master_s),
            ("kernel for replication", self.kernel_extra_s),
            ("waiting for peers", self.wait_s),
            ("caches and memory", self.hardware_s),
            ("CPU taken by others", self.delayed_s),
        ]
    }

    /// One native copy that has its CPU for itself: `t_native`.
    pub fn native_s(&self) -> f64 {
        self.app_s + self.idle_s + self.kernel_s
    }

    /// All together.
    pub fn sum_s(&self) -> f64 {
        self.named().iter().map(|(_, value)| value).sum()
    }

    /// Each part of both together, each multiplied.
    #[must_use]
    pub fn plus(&self, other: &Self, weight: f64) -> Self {
        Self {
            app_s: self.app_s + weight * other.app_s,
            idle_s: self.idle_s + weight * other.idle_s,
            kernel_s: self.kernel_s + weight * other.kernel_s,
            master_s: self.master_s + weight * other.master_s,
            kernel_extra_s: self.kernel_extra_s + weight * other.kernel_extra_s,
            wait_s: self.wait_s + weight * other.wait_s,
            hardware_s: self.hardware_s + weight * other.hardware_s,
            delayed_s: self.delayed_s + weight * other.delayed_s,
        }
    }
}

/// What is hardened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Agent and supervisor: what can be built.
    Built,
    /// The kernel, too.
    Whole,
    /// Everything that replication adds, except for caches, memory and CPU time taken by others.
    Added,
}

/// A predicted wall time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The value, in seconds.
    pub seconds: f64,
    /// Lower end of the error band.
    pub low_s: f64,
    /// Upper end.
    pub high_s: f64,
}

/// Predicts `t_prot` from a replicated run of `wall_s` seconds, known to plus or minus `error_s`, and its parts.
pub fn predict(wall_s: f64, error_s: f64, parts: &Parts, factor: f64, scope: Scope) -> Prediction {
    let more = factor - 1.0;
    let (grows, may_grow) = match scope {
        Scope::Built => (parts.master_s, parts.wait_s),
        Scope::Whole => (parts.kernel_s + parts.master_s + parts.kernel_extra_s, parts.wait_s),
        // Both are measured against another run: below 0 they are noise, and no reason to let more grow.
        Scope::Added => (wall_s - parts.native_s() - parts.hardware_s.max(0.0) - parts.delayed_s.max(0.0), 0.0),
    };
    let seconds = wall_s + more * grows.max(0.0);
    // What was measured wrongly about the run is wrong about the part of it that grows, too.
    let error_s = error_s * (1.0 + more * if wall_s > 0.0 { grows.max(0.0) / wall_s } else { 0.0 });
    Prediction { seconds, low_s: seconds - error_s, high_s: seconds + more * may_grow.max(0.0) + error_s }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PARTS: Parts = Parts {
        app_s: 5.0,
        idle_s: 0.5,
        kernel_s: 1.0,
        master_s: 0.4,
        kernel_extra_s: 0.2,
        wait_s: 0.3,
        hardware_s: 0.1,
        delayed_s: 0.0,
    };

    #[test]
    fn the_formula_by_hand() {
        // t_app + C * (t_kern + t_master + t_kern') + t_hw with waiting in t_hw.
        let by_hand = 5.5 + 3.0 * (1.0 + 0.4 + 0.2) + 0.1 + 0.3;
        let whole = predict(PARTS.sum_s(), 0.0, &PARTS, 3.0, Scope::Whole);
        assert!((whole.seconds - by_hand).abs() < 1e-12);
        assert!((whole.high_s - by_hand - 2.0 * 0.3).abs() < 1e-12);
        let built = predict(7.5, 0.0, &PARTS, 1.5, Scope::Built);
        assert!((built.seconds - 7.7).abs() < 1e-12);
    }

    #[test]
    fn caches_and_others_do_not_grow_with_the_agent() {
        let added = |parts: &Parts, wall_s| predict(wall_s, 0.0, parts, 3.0, Scope::Added).seconds;
        // t_native 6.5 and t_hw 0.1; what is left of 7.5, 0.9 with waiting in it, three times.
        assert!((added(&PARTS, 7.5) - (6.5 + 0.1 + 3.0 * 0.9)).abs() < 1e-12);
        // Others took 0.4 more: the run is so much longer, and so is the prediction.
        let busy = Parts { delayed_s: 0.4, ..PARTS };
        assert!((added(&busy, 7.9) - added(&PARTS, 7.5) - 0.4).abs() < 1e-12);
        // Copies that were faster than one copy alone, or not measured: all that is beyond the native run, 1.0, grows.
        for hardware_s in [-0.1, 0.0] {
            assert!((added(&Parts { hardware_s, ..PARTS }, 7.5) - (6.5 + 3.0 * 1.0)).abs() < 1e-12);
        }
        // A run faster than the native one grows by nothing.
        assert!((added(&PARTS, 6.4) - 6.4).abs() < 1e-12);
    }

    #[test]
    fn the_error_of_the_run_is_in_the_band() {
        let built = predict(7.5, 0.2, &PARTS, 1.0, Scope::Built);
        assert!((built.low_s - 7.3).abs() < 1e-12 && (built.high_s - 7.7).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn nothing_hardened_is_the_run_itself_and_more_costs_more(
            wall in 0.01..100.0_f64, app in 0.01..100.0_f64, error in 0.0..1.0_f64,
            master in 0.0..1.0_f64, wait in 0.0..1.0_f64, kernel in 0.0..1.0_f64, hardware in -1.0..1.0_f64,
            factor in 1.0..10.0_f64, step in 0.0..5.0_f64,
        ) {
            let (app_s, master_s, wait_s, kernel_s, hardware_s) = (app, master, wait, kernel, hardware);
            let parts = Parts { app_s, kernel_s, master_s, wait_s, hardware_s, ..Parts::default() };
            for scope in [Scope::Built, Scope::Whole, Scope::Added] {
                let at = |factor| predict(wall, error, &parts, factor, scope);
                prop_assert!((at(1.0).seconds - wall).abs() < 1e-9);
                prop_assert!(at(factor + step).seconds >= at(factor).seconds);
                prop_assert!(at(factor).low_s <= at(factor).seconds && at(factor).seconds <= at(factor).high_s);
            }
            let of = |scope| predict(wall, error, &parts, factor, scope).seconds;
            prop_assert!(of(Scope::Whole) >= of(Scope::Built));
        }
    }
}

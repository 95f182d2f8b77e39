//! From the counters of runs to the terms of the cost model.
//!
//! Every term is measured by itself, so that their sum says something: it is compared with the wall time of the run,
//! and what is missing (or too much) is told as *unexplained*.
//!
//! ```text
//!   one native copy      program + idle + kernel         user, system and wall time of the native run
//!   n native copies      + caches and memory             wall time of n copies at once, less that of one
//!   n replicas           + agent                         clock of the agent, one call in 64
//!                        + entry                         per call: what the agent's clock does not see (registers saved,
//!                                                        filters of the kernel) or sees too much (a timed call is a
//!                                                        slow one), from the CPU time of a loop of calls
//!                        + start and end                 wall time of a program that does nothing
//!                        + waiting for peers             spins and sleeps counted by the agent
//!                        + CPU taken by others           the kernel's account of the leader, ready but not running
//! ```
//!
//! How much of agent, entry and start the kernel spent on behalf of replication is the system time of the leader beyond
//! that of the native run. The kernel counts both by ticks, so this border is less sharp than the sum.

use crate::account::Account;
use crate::model::Parts;

/// One native run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Native {
    /// Wall time.
    pub wall_s: f64,
    /// In user mode.
    pub user_s: f64,
    /// In the kernel.
    pub system_s: f64,
    /// Ready to run, but the CPU had something else to do.
    pub delayed_s: f64,
}

impl Native {
    /// Wall time without what the CPU was taken from it.
    pub fn undisturbed_s(&self) -> f64 {
        (self.wall_s - self.delayed_s).max(0.0)
    }
}

/// What replication costs that does not depend on the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Constants {
    /// Start and end of a program that does nothing: wall time beyond the native one.
    pub start_s: f64,
    /// CPU time of the leader for that, beyond the native one.
    pub start_work_s: f64,
    /// Per call, beyond what the agent's clock sees; negative if that sees too much.
    pub entry_ns: f64,
}

/// One run of `n` replicas between a native run and `n` native copies at once.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// The native run.
    pub native: Native,
    /// Wall time of the slowest of `n` native copies at once, without what the CPU was taken from it; that of the native
    /// one if that was not measured.
    pub copies_s: f64,
    /// Wall time of the replicated run, as it was.
    pub wall_s: f64,
    /// The leader's counters.
    pub leader: Account,
}

impl Observed {
    /// Wall time of the replicated run without what reading the clock took.
    pub fn net_wall_s(&self) -> f64 {
        self.wall_s - self.leader.reading_s
    }
}

/// The terms of the model.
pub fn split(seen: &Observed, constants: &Constants) -> Parts {
    let Native { user_s, system_s, .. } = seen.native;
    let wall_s = seen.native.undisturbed_s();
    // Two clocks: a program that never leaves the CPU may seem to have run longer than it lasted.
    let app_s = user_s.min(wall_s);
    let kernel_s = system_s.min(wall_s - app_s);
    #[allow(clippy::cast_precision_loss, reason = "a count of calls")]
    let entry_s = seen.leader.calls as f64 * constants.entry_ns / 1e9;
    let replication_s = (seen.leader.own_s + entry_s).max(0.0) + constants.start_s;
    let idle_s = wall_s - app_s - kernel_s;
    // Who wakes up on a CPU that has something else to do has slept too long by the agent's clock; the kernel counts that
    // as taken by others. What the leader was neither running nor ready is all that it can have slept.
    let leader = &seen.leader;
    let absent_s = seen.wall_s - leader.user_s - leader.system_s - leader.delayed_s;
    let starting_s = constants.start_s - constants.start_work_s;
    let sleep_s = leader.sleep_s.min((absent_s - idle_s - starting_s).max(0.0));
    let kernel_extra_s = (leader.system_s - system_s).clamp(0.0, replication_s);
    Parts {
        app_s,
        idle_s,
        kernel_s,
        master_s: replication_s - kernel_extra_s,
        kernel_extra_s,
        wait_s: leader.spin_s() + sleep_s,
        hardware_s: seen.copies_s - wall_s,
        delayed_s: leader.delayed_s,
    }
}

/// The cost per call that the agent's clock does not see, from a loop of calls, in nanoseconds: CPU time of the leader
/// that neither the native run, nor the agent's clock, nor its spins explain.
pub fn entry_ns(native: &Native, leader: &Account, start_work_s: f64) -> f64 {
    let added_s = leader.work_s() - native.user_s - native.system_s - start_work_s;
    #[allow(clippy::cast_precision_loss, reason = "a count of calls")]
    let calls = leader.calls.max(1) as f64;
    (added_s - leader.own_s - leader.spin_s()) / calls * 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Observed {
        let leader = Account {
            system_s: 0.7,
            own_s: 0.3,
            wait_s: 0.3,
            kernel_s: 0.4,
            reading_s: 0.01,
            calls: 1_000_000,
            ..Account::default()
        };
        let native = Native { wall_s: 2.0, user_s: 1.4, system_s: 0.5, delayed_s: 0.0 };
        Observed { native, copies_s: 2.1, wall_s: 2.81, leader }
    }

    #[test]
    fn terms_by_hand() {
        let constants = Constants { start_s: 0.01, start_work_s: 0.0, entry_ns: 50.0 };
        let parts = split(&seen(), &constants);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(parts.app_s, 1.4);
        near(parts.kernel_s, 0.5);
        near(parts.idle_s, 0.1);
        near(parts.hardware_s, 0.1);
        near(parts.wait_s, 0.3);
        // Agent 0.3, entry 0.05, start 0.01; the kernel has 0.2 of them.
        near(parts.kernel_extra_s, 0.2);
        near(parts.master_s, 0.16);
        near(parts.sum_s(), 2.76);
        near(seen().net_wall_s(), 2.8);
    }

    #[test]
    fn what_others_take_is_no_cost_of_replication() {
        let quiet = split(&seen(), &Constants::default());
        let mut seen = seen();
        // The same runs on a machine that gave half a second to others in each.
        (seen.native.wall_s, seen.native.delayed_s) = (2.5, 0.5);
        (seen.wall_s, seen.leader.delayed_s) = (3.31, 0.5);
        let busy = split(&seen, &Constants::default());
        assert!((busy.delayed_s - 0.5).abs() < 1e-12);
        assert!((busy.sum_s() - quiet.sum_s() - 0.5).abs() < 1e-9, "{busy:?}");
    }

    #[test]
    fn a_late_awakening_counts_once() {
        let mut seen = seen();
        // Half a second asleep by the agent's clock, of which the kernel says 0.4 were spent ready on a taken CPU.
        (seen.leader.wait_s, seen.leader.sleep_s, seen.leader.delayed_s) = (0.5, 0.5, 0.4);
        (seen.leader.user_s, seen.wall_s) = (1.4, 2.7);
        let parts = split(&seen, &Constants::default());
        // 2.7 wall, 2.1 on the CPU, 0.4 ready, 0.1 natively idle: 0.1 are left for sleep.
        assert!((parts.wait_s - 0.1).abs() < 1e-9, "{parts:?}");
    }

    #[test]
    fn clocks_that_disagree_make_no_negative_term() {
        let native = Native { wall_s: 1.0, user_s: 1.01, system_s: 0.02, delayed_s: 0.0 };
        let seen = Observed { native, ..seen() };
        let parts = split(&seen, &Constants::default());
        assert!(parts.idle_s >= 0.0 && parts.kernel_s >= 0.0 && parts.master_s >= 0.0);
        assert!((parts.app_s + parts.idle_s + parts.kernel_s - 1.0).abs() < 1e-12, "the native run stays whole");
    }

    #[test]
    fn entry_is_what_is_left_of_a_loop_of_calls() {
        let native = Native { user_s: 0.02, system_s: 0.08, ..Native::default() };
        let mut leader = Account { calls: 1_000_000, own_s: 0.05, wait_s: 0.3, sleep_s: 0.25, ..Account::default() };
        (leader.user_s, leader.system_s, leader.reading_s) = (0.14, 0.12, 0.01);
        // 0.25 of work, less 0.1 native, 0.01 start, 0.05 of the agent, 0.05 of spins.
        assert!((entry_ns(&native, &leader, 0.01) - 40.0).abs() < 1e-6);
        leader.own_s = 0.1;
        assert!((entry_ns(&native, &leader, 0.01) + 10.0).abs() < 1e-6, "a clock that sees too much is put right");
    }
}

//! The factor C of a hardened build of supervisor and agent, measured on their own work, and what the formula misses.
//!
//! Own work is what the leader's CPU time holds beyond the native run and the spins: all that a call costs in the agent,
//! from the entry to the answer, and the start, about a hundredth of the loops. It is taken from loops of calls that
//! do little else:
//!
//! | kind | loop |
//! |---|---|
//! | calls | single bytes read and written by one replica: interception and book-keeping |
//! | votes | the same by two: posting, comparing, handing out |
//! | digests | 64 KiB at a time written by two: every byte is hashed |
//!
//! C of the build as a whole is the geometric mean of the three ratios. C of a program follows from its own calls and
//! bytes ([`crate::work`]).

use crate::account::Account;
use crate::calibrate::subject;
use crate::document::{Document, Predicted, Program, Variant};
use crate::model::{Scope, predict};
use crate::samples::{Samples, geometric_mean};
use crate::session::{Build, Plan, native, replicated};
use crate::work::{Costs, Loop, Slowdown, Work};
use anyhow::{Context, Result, ensure};
use std::fmt::Write;

/// Most pairs of runs per kind; fewer with fewer rounds.
const PAIRS: usize = 5;
/// Kinds of work: name, replicas, block size of the loop, blocks.
const KINDS: [(&str, usize, &str, &str); 3] = [
    ("calls", 1, "bs=1", "count=200000"),
    ("votes", 2, "bs=1", "count=200000"),
    ("digests", 2, "bs=65536", "count=20000"),
];

/// What was found out about a hardened build.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// C of the build as a whole.
    pub factor: f64,
    /// C of each kind of work.
    pub kinds: Vec<(String, f64)>,
    /// What C of a program depends on.
    pub work: Work,
}

/// C of `other` over `base`, of each kind of work that fits on the machine and together.
///
/// # Errors
/// When the loops cannot be run.
pub fn factor(plan: &Plan, base: &Build, other: &Build) -> Result<Found> {
    let mut kinds = Vec::new();
    let mut loops = Vec::new();
    for (name, replicas, size, count) in KINDS {
        if replicas > plan.cpus.len() {
            continue;
        }
        let (mut ratios, mut works, mut mix) = (Samples::default(), Samples::default(), None);
        for _ in 0..plan.settings.runs.clamp(1, PAIRS) {
            let (base_s, leader) = own_work(plan, base, replicas, size, count)?;
            let (hardened_s, _) = own_work(plan, other, replicas, size, count)?;
            ensure!(base_s > 0.0, "the agent's work in the loop of {name} cannot be told from noise here");
            ratios.push(hardened_s / base_s);
            works.push(base_s);
            mix = Some(leader.mix());
        }
        let (ratio, base_s) = (ratios.median().context("no runs")?, works.median().context("no runs")?);
        // Pairs are closer to each other than runs minutes apart: the ratio says what the hardened build takes.
        loops.push(Loop { mix: mix.context("no runs")?, base_s, hardened_s: base_s * ratio });
        kinds.push((name.to_owned(), ratio));
    }
    let values: Vec<f64> = kinds.iter().map(|(_, ratio)| *ratio).collect();
    let factor = geometric_mean(&values).context("no kind of work fits on this machine")?;
    let alone = loops.first().and_then(Costs::of_calls);
    let together = loops.get(1).zip(loops.get(2)).and_then(|(votes, digests)| Costs::of_loops(votes, digests));
    Ok(Found { factor, kinds, work: Work { alone, together } })
}

/// CPU time of the leader's agent in one loop, and its counters.
fn own_work(plan: &Plan, build: &Build, replicas: usize, size: &str, count: &str) -> Result<(f64, Account)> {
    let calls = subject(plan, &["/bin/dd", "if=/dev/zero", "of=/dev/null", size, count, "status=none"]);
    let (alone, _) = native(plan, &calls)?;
    let (_, record) = replicated(plan, &calls, replicas, build, None)?;
    let leader = record.replicas[0];
    Ok((leader.work_s() - leader.spin_s() - alone.user_s - alone.system_s, leader))
}

/// Adds to the variants of the first build what the formula predicts for the others, beside what they took. C is that of
/// the calls and bytes of the first build's run.
pub fn compare(program: &mut Program, slowdowns: &[Slowdown]) {
    let all = program.variants.clone();
    let Some(base) = all.first().map(|variant| variant.build.clone()) else { return };
    let of = |replicas: usize, build: &str| all.iter().find(|one| one.replicas == replicas && one.build == build);
    for variant in &mut program.variants {
        let Some(mix) = of(variant.replicas, &base).map(Variant::mix) else { continue };
        if variant.build != base {
            let own = slowdowns.iter().find(|slowdown| slowdown.name == variant.build);
            variant.factor = own.map(|slowdown| slowdown.factor(variant.replicas, mix));
            continue;
        }
        for slowdown in slowdowns {
            let (name, factor) = (slowdown.name.clone(), slowdown.factor(variant.replicas, mix));
            let measured_s = of(variant.replicas, &name).map(|other| other.mean_s);
            for scope in [Scope::Built, Scope::Added] {
                let error_s = variant.error_s.unwrap_or(0.0);
                let time = predict(variant.mean_s, error_s, &variant.parts, factor, scope);
                variant.predictions.push(Predicted { name: name.clone(), factor, scope, time, measured_s });
            }
        }
    }
}

/// What the formula misses, program by program: which term grew otherwise than it says.
pub fn misses(document: &Document) -> String {
    let mut out = String::from("what the formula misses (seconds; measured growth against predicted)\n");
    for program in &document.programs {
        for hardened in program.variants.iter().filter(|variant| variant.factor.is_some()) {
            let base = program.variants.iter().find(|base| base.replicas == hardened.replicas && base.factor.is_none());
            if let Some(base) = base {
                out.push_str(&missed(program, base, hardened));
            }
        }
    }
    out
}

fn missed(program: &Program, base: &Variant, hardened: &Variant) -> String {
    let predicted = (hardened.factor.unwrap_or(1.0) - 1.0) * base.parts.master_s;
    let growth = hardened.parts.plus(&base.parts, -1.0);
    let all = hardened.mean_s - base.mean_s;
    let mut out = format!("  {}, n = {}, {}: ", program.name, base.replicas, hardened.build);
    _ = write!(out, "{all:+.3} against {predicted:+.3}; agent and supervisor {:+.3}", growth.master_s);
    let rest = [
        ("kernel for replication", growth.kernel_extra_s),
        ("waiting", growth.wait_s),
        ("unexplained", hardened.unexplained_s - base.unexplained_s),
    ];
    for (name, seconds) in rest {
        _ = write!(out, ", {name} {seconds:+.3}");
    }
    let largest = rest.iter().copied().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    if let Some((name, seconds)) = largest
        && seconds.abs() > 0.01 * base.mean_s
    {
        _ = write!(out, "; mostly missed: {name}");
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Rates;

    /// A document with a hardened run beside that of the base.
    fn measured() -> Document {
        let mut document = crate::text::tests::document();
        let variants = &mut document.programs[0].variants;
        variants[0].predictions.clear();
        variants[0].build = "none".into();
        let mut hardened = variants[0].clone();
        hardened.build = "swift".into();
        hardened.mean_s = 2.16;
        hardened.parts.master_s = 0.07;
        hardened.parts.wait_s = 0.06;
        variants.push(hardened);
        document
    }

    #[test]
    fn predictions_stand_beside_what_was_measured() {
        let mut document = measured();
        let program = &mut document.programs[0];
        compare(program, &[Slowdown::fixed("swift".into(), 1.5)]);
        let built = &program.variants[0].predictions[0];
        assert_eq!(built.measured_s, Some(2.16));
        assert!((built.time.seconds - 2.125).abs() < 1e-9, "{built:?}");
        assert!((built.error().unwrap() - (2.125 / 2.16 - 1.0)).abs() < 1e-9);
        assert_eq!(program.variants[1].factor, Some(1.5));
        assert!(program.variants[1].predictions.is_empty());
        let text = misses(&document);
        assert!(text.contains("+0.060 against +0.025") && text.contains("mostly missed: waiting"), "{text}");
    }

    #[test]
    fn every_place_shows_the_factor_of_the_program_itself() {
        let mut document = measured();
        let program = &mut document.programs[0];
        // 1000 calls and 5000 bytes: (1000 * 300 + 5000 * 10) / (1000 * 200 + 5000 * 10) = 1.4.
        let (base, hardened) = (Rates { call_ns: 200.0, byte_ns: 10.0 }, Rates { call_ns: 300.0, byte_ns: 10.0 });
        let work = Work { alone: None, together: Some(Costs { base, hardened }) };
        // The hardened run does other calls, which say nothing about what was predicted.
        program.variants[1].calls = 9;
        compare(program, &[Slowdown { name: "swift".into(), factor: 1.1, work }]);
        let [base, hardened] = &program.variants[..] else { panic!("two variants") };
        assert!((hardened.factor.unwrap() - 1.4).abs() < 1e-12);
        assert_eq!(base.factor, None);
        for predicted in &base.predictions {
            assert!((predicted.factor - 1.4).abs() < 1e-12);
        }
        assert!((base.predictions[0].time.seconds - (2.1 + 0.4 * 0.05)).abs() < 1e-9);
        assert!((base.predictions[1].time.seconds - (2.1 + 0.4 * 0.1)).abs() < 1e-9);
        let text = crate::text::page(&document);
        assert!(text.contains(" 1.40  agent and supervisor") && !text.contains("1.10"), "{text}");
        assert!(crate::csv::text(&document).contains("swift,1.4,built"));
        assert!(misses(&document).contains("+0.060 against +0.020"));
    }
}

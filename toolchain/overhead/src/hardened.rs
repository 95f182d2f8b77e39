//! The factor C of a hardened build of supervisor and agent, measured on their own work, and what the formula misses.
//!
//! Own work is what the leader's CPU time holds beyond the native run, the spins and the start: all that a call costs in
//! the agent, from the entry to the answer. It is taken from loops of calls that do little else:
//!
//! | kind | loop |
//! |---|---|
//! | calls | single bytes read and written by one replica: interception and book-keeping |
//! | votes | the same by two: posting, comparing, handing out |
//! | digests | 64 KiB at a time written by two: every byte is hashed |

use crate::calibrate::subject;
use crate::document::{Document, Predicted, Program, Variant};
use crate::model::{Scope, predict};
use crate::samples::{Samples, geometric_mean};
use crate::session::{Build, Plan, native, replicated};
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

/// C of `other` over `base`: the geometric mean over the kinds of work that fit on the machine, and each of them.
///
/// # Errors
/// When the loops cannot be run.
pub fn factor(plan: &Plan, base: &Build, other: &Build) -> Result<(f64, Vec<(String, f64)>)> {
    let mut kinds = Vec::new();
    for (name, replicas, size, count) in KINDS {
        if replicas > plan.cpus.len() {
            continue;
        }
        let mut ratios = Samples::default();
        for _ in 0..plan.settings.runs.clamp(1, PAIRS) {
            let one = own_work_s(plan, base, replicas, size, count)?;
            let hardened = own_work_s(plan, other, replicas, size, count)?;
            ensure!(one > 0.0, "the agent's work in the loop of {name} cannot be told from noise here");
            ratios.push(hardened / one);
        }
        kinds.push((name.to_owned(), ratios.median().context("no runs")?));
    }
    let values: Vec<f64> = kinds.iter().map(|(_, ratio)| *ratio).collect();
    Ok((geometric_mean(&values).context("no kind of work fits on this machine")?, kinds))
}

/// CPU time of the leader's agent in one loop.
fn own_work_s(plan: &Plan, build: &Build, replicas: usize, size: &str, count: &str) -> Result<f64> {
    let calls = subject(plan, &["/bin/dd", "if=/dev/zero", "of=/dev/null", size, count, "status=none"]);
    let (alone, _) = native(plan, &calls)?;
    let (_, record) = replicated(plan, &calls, replicas, build, None)?;
    let leader = &record.replicas[0];
    Ok(leader.work_s() - leader.spin_s() - alone.user_s - alone.system_s)
}

/// Adds to the variants of the first build what the formula predicts for the others, beside what they took.
pub fn compare(program: &mut Program, factors: &[(String, f64)]) {
    let all = program.variants.clone();
    let Some(base) = all.first().map(|variant| variant.build.clone()) else { return };
    for variant in &mut program.variants {
        if variant.build != base {
            variant.factor = factors.iter().find(|(name, _)| *name == variant.build).map(|(_, factor)| *factor);
            continue;
        }
        for (name, factor) in factors {
            let other = all.iter().find(|other| other.replicas == variant.replicas && other.build == *name);
            for scope in [Scope::Built, Scope::Added] {
                let error_s = variant.error_s.unwrap_or(0.0);
                let time = predict(variant.mean_s, error_s, &variant.parts, factor.max(1.0), scope);
                let measured_s = other.map(|other| other.mean_s);
                variant.predictions.push(Predicted { name: name.clone(), factor: *factor, scope, time, measured_s });
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

    #[test]
    fn predictions_stand_beside_what_was_measured() {
        let mut document = crate::text::tests::document();
        let program = &mut document.programs[0];
        program.variants[0].predictions.clear();
        program.variants[0].build = "none".into();
        let mut hardened = program.variants[0].clone();
        hardened.build = "swift".into();
        hardened.mean_s = 2.16;
        hardened.parts.master_s = 0.07;
        hardened.parts.wait_s = 0.06;
        program.variants.push(hardened);
        compare(program, &[("swift".into(), 1.5)]);
        let built = &program.variants[0].predictions[0];
        assert_eq!(built.measured_s, Some(2.16));
        assert!((built.time.seconds - 2.125).abs() < 1e-9, "{built:?}");
        assert!((built.error().unwrap() - (2.125 / 2.16 - 1.0)).abs() < 1e-9);
        assert_eq!(program.variants[1].factor, Some(1.5));
        assert!(program.variants[1].predictions.is_empty());
        let text = misses(&document);
        assert!(text.contains("+0.060 against +0.025") && text.contains("mostly missed: waiting"), "{text}");
    }
}

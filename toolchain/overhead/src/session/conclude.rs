//! From all rounds of a program to what is kept of it.

use super::{Plan, Rounds, Taken, Task};
use crate::document::{Program, Variant};
use crate::model::Parts;
use crate::outliers;
use crate::samples::Samples;
use crate::split::{Constants, Native, Observed, split};
use crate::subject::Subject;

/// Other programs taking more than this share of the CPUs is worth a word.
const FOREIGN: f64 = 0.04;

/// Rounds in which no task stands apart.
fn kept(rounds: &Rounds) -> Vec<usize> {
    let count = rounds.values().map(Vec::len).min().unwrap_or(0);
    let mut flagged = vec![false; count];
    for taken in rounds.values() {
        let walls: Vec<f64> = taken.iter().map(|taken| taken.wall_s).collect();
        for (flag, apart) in flagged.iter_mut().zip(outliers::flags(&walls)) {
            *flag |= apart;
        }
    }
    let kept: Vec<usize> = (0..count).filter(|round| !flagged[*round]).collect();
    // Each task may have another bad round; then none is better than the others.
    if kept.len() * 2 < count { (0..count).collect() } else { kept }
}

/// What is kept of all rounds of a program.
pub(super) fn conclude(
    plan: &Plan,
    subject: &Subject,
    rounds: &Rounds,
    constants: &impl Fn(usize, usize) -> Constants,
    mut notes: Vec<String>,
) -> Program {
    let kept = kept(rounds);
    let of = |task: Task| -> Vec<&Taken> {
        rounds.get(&task).map(|taken| kept.iter().map(|round| &taken[*round]).collect()).unwrap_or_default()
    };
    let natives = of(Task::Native);
    let outliers = plan.settings.runs - kept.len();
    let first = !kept.contains(&0);
    notes.extend(outliers::advice(outliers, plan.settings.runs, first));
    let foreign = rounds.values().flat_map(|taken| kept.iter().map(|round| taken[*round].foreign)).fold(0.0, f64::max);
    if foreign > FOREIGN {
        notes.push(format!("other programs took up to {:.0} % of the CPUs meanwhile", foreign * 100.0));
    }
    let mut variants = Vec::new();
    for &replicas in &plan.replicas {
        for (build, name) in plan.builds.iter().map(|build| &build.name).enumerate() {
            let copies = of(Task::Copies(replicas));
            let runs = of(Task::Replicated(replicas, build));
            let constants = constants(replicas, build);
            variants.push(variant(replicas, name, &natives, &copies, &runs, &constants));
            let refused = runs.first().map(|run| run.record.refused.clone()).unwrap_or_default();
            if !refused.is_empty() && variants.len() == 1 {
                notes.push(format!("refused under replication: {}", refused.join(", ")));
            }
        }
    }
    let sum = |value: fn(&Native) -> f64| natives.iter().map(|taken| value(&taken.native)).sum::<f64>();
    let (user, system) = (sum(|native| native.user_s), sum(|native| native.system_s));
    Program {
        name: subject.name(),
        command: subject.command(),
        outliers,
        foreign,
        native_s: natives.iter().map(|taken| taken.wall_s).collect(),
        traced_s: of(Task::Traced).iter().map(|taken| taken.wall_s).collect(),
        kernel_share: if user + system > 0.0 { system / (user + system) } else { 0.0 },
        variants,
        notes,
    }
}

fn variant(
    replicas: usize,
    build: &str,
    natives: &[&Taken],
    copies: &[&Taken],
    runs: &[&Taken],
    constants: &Constants,
) -> Variant {
    let mut parts = Parts::default();
    #[allow(clippy::cast_precision_loss, reason = "a number of rounds is small")]
    let share = 1.0 / runs.len().max(1) as f64;
    let mut walls = Samples::default();
    for (index, (native, run)) in natives.iter().zip(runs).enumerate() {
        let observed = Observed {
            native: native.native,
            copies_s: copies.get(index).map_or(native.native.undisturbed_s(), |copies| copies.undisturbed_s),
            wall_s: run.wall_s,
            leader: run.record.replicas[0],
        };
        walls.push(observed.net_wall_s());
        parts = parts.plus(&split(&observed, constants), share);
    }
    let mean_s = walls.mean().unwrap_or(0.0);
    let leader = runs.first().map(|run| run.record.replicas[0]).unwrap_or_default();
    Variant {
        replicas,
        build: build.to_owned(),
        factor: None,
        copies_s: copies.iter().map(|taken| taken.wall_s).collect(),
        error_s: outliers::half_width(walls.values()),
        wall_s: walls,
        mean_s,
        unexplained_s: mean_s - parts.sum_s(),
        parts,
        calls: leader.calls,
        bytes_compared: leader.bytes_compared,
        moves: runs.iter().map(|run| run.record.moves).sum(),
        predictions: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;

    fn taken(walls: &[f64]) -> Vec<Taken> {
        walls.iter().map(|wall_s| Taken { wall_s: *wall_s, ..Taken::default() }).collect()
    }

    #[test]
    fn a_round_counts_for_all_tasks_or_for_none() {
        let replicated = Task::Replicated(2, 0);
        let mut rounds = Rounds::from([
            (Task::Native, taken(&[1.0, 1.0, 1.01, 1.0, 9.0])),
            (replicated, taken(&[7.0, 1.1, 1.1, 1.11, 1.1])),
        ]);
        assert_eq!(kept(&rounds), [1, 2, 3]);
        rounds.insert(Task::Copies(2), taken(&[1.0, 5.0, 1.0, 1.0, 1.0]));
        rounds.insert(Task::Copies(3), taken(&[1.0, 1.0, 5.0, 1.0, 1.0]));
        assert_eq!(kept(&rounds), [0, 1, 2, 3, 4], "too few would be left");
    }

    #[test]
    fn the_split_of_a_variant_adds_up() {
        let native = Taken {
            wall_s: 1.0,
            native: Native { wall_s: 1.0, user_s: 0.9, system_s: 0.1, delayed_s: 0.0 },
            ..Taken::default()
        };
        let mut run = Taken { wall_s: 1.3, ..Taken::default() };
        run.record.replicas = vec![Account { own_s: 0.1, system_s: 0.15, ..Account::default() }];
        let copies = Taken { wall_s: 1.1, undisturbed_s: 1.1, ..Taken::default() };
        let both =
            variant(2, "default", &[&native, &native], &[&copies, &copies], &[&run, &run], &Constants::default());
        assert!((both.parts.sum_s() - 1.2).abs() < 1e-9, "{:?}", both.parts);
        assert!((both.unexplained_s - 0.1).abs() < 1e-9);
        assert!((both.over_copies().unwrap() - 1.3 / 1.1).abs() < 1e-9);
    }
}

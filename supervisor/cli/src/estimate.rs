//! `rcb estimate`: what it costs to run a program replicated, and to harden what replication cannot protect.

use crate::sessions::{ResultArgs, SessionArgs, document, end, or_without, tell};
use anyhow::{Context, Result};
use clap::Args;
use rcb_keeper::Outcome;
use rcb_overhead::document::{Calibration, ESTIMATE, Predicted, Program};
use rcb_overhead::factor::Factor;
use rcb_overhead::model::{Scope, predict};
use rcb_overhead::session::{self, Build};
use rcb_overhead::store::{Measured, Store, build_id};
use rcb_overhead::work::Slowdown;
use rcb_overhead::{calibrate, text};
use std::collections::BTreeMap;

/// Text behind the options of `rcb estimate --help`.
const NOTES: &str = "\
The program runs natively, as native copies at the same time, and replicated, in rounds, and really: what it writes is
written each time. Its output must be the same in every run.

  t_prot = t_app + C * (t_kern + t_master + t_kern') + t_hw

The text says what replication costs, where the time goes, and what the run would take if agent and supervisor (or the
kernel, too) were built with a hardening that slows them by C. With `--c measured`, C is that of the program's own calls
and compared bytes.

Examples:
  rcb estimate -- bzip2 -kc data
  rcb estimate -n 2 --c swift,1.5 --runs 9 --json -- ./simulate input > cost.json
  rcb estimate --prepare 'rm -f data.bz2' -- bzip2 -k data
  rcb report cost.json -o cost.html";

#[derive(Args)]
#[command(after_help = NOTES, override_usage = "rcb estimate [OPTIONS] [--] PROGRAM [ARGS]...\n       rcb estimate [OPTIONS] --suite FILE --inputs DIR")]
pub(crate) struct EstimateArgs {
    /// Slowdowns by hardening: none, swift (1.09), anbd (3.89), a number from 1 on, or measured (by `rcb measure`).
    #[arg(long = "c", value_name = "LIST", value_delimiter = ',', default_value = "swift,anbd")]
    factors: Vec<String>,
    #[command(flatten)]
    result: ResultArgs,
    #[command(flatten)]
    session: SessionArgs,
}

/// Measures, predicts, prints.
pub(crate) fn run(args: &EstimateArgs) -> Result<Outcome> {
    // Everything that can be wrong about the command line, before anything runs.
    let own = std::env::current_exe().context("finding the rcb command itself")?;
    let slowdowns = resolve(&args.factors, &own)?;
    let scratch = tempfile::tempdir().context("making a folder for outputs")?;
    let build = Build { name: "default".into(), rcb: own };
    let plan = args.session.plan(vec![build.clone()], scratch.path(), 2)?;
    let subjects = args.session.subjects(scratch.path())?;
    let mut document = document(ESTIMATE, &plan);
    // A program that cannot be measured is known before time is spent on anything else.
    let check =
        |subject| or_without(session::reference(&plan, subject).with_context(|| subject.name()), subjects.len());
    let likes = subjects.iter().map(check).collect::<Result<Vec<_>>>()?;
    tell("calibrating");
    let mut constants = BTreeMap::new();
    for &replicas in &plan.replicas {
        let found = calibrate::constants(&plan, replicas, &build).context("measuring what a start and a call cost")?;
        constants.insert(replicas, found);
        document.calibration.push(Calibration { replicas, build: build.name.clone(), constants: found });
    }
    for (subject, like) in subjects.iter().zip(&likes) {
        let Some(like) = like else { continue };
        let of = |replicas: usize, _build: usize| constants.get(&replicas).copied().unwrap_or_default();
        let name = subject.name();
        let mut told = |text: &str| tell(&format!("{name}: {text}"));
        let measured = session::measure(&plan, subject, like, &of, &mut document.round_trip_ns, &mut told);
        let measured = or_without(measured.with_context(|| name.clone()), subjects.len())?;
        let Some(mut program) = measured else { continue };
        add_predictions(&mut program, &slowdowns);
        document.programs.push(program);
    }
    let end = end(&document, subjects.len())?;
    args.result.write(&document, || text::page(&document))?;
    Ok(end)
}

/// The slowdowns that are meant; `measured` becomes all that were measured against this build.
fn resolve(texts: &[String], own: &std::path::Path) -> Result<Vec<Slowdown>> {
    let mut slowdowns = Vec::new();
    for text in texts {
        let factor: Factor = text.parse().with_context(|| format!("--c {}", texts.join(",")))?;
        if let Some(value) = factor.value() {
            slowdowns.push(Slowdown::fixed(factor.to_string(), value));
        } else {
            let known = Store::of_user()?.of_base(&build_id(own)?).context("--c measured")?;
            let measured =
                |one: Measured| Slowdown { name: format!("{}*", one.name), factor: one.factor, work: one.work };
            slowdowns.extend(known.into_iter().map(measured));
        }
    }
    Ok(slowdowns)
}

/// Predictions for each slowdown: agent and supervisor hardened, and the kernel, too.
fn add_predictions(program: &mut Program, slowdowns: &[Slowdown]) {
    for variant in &mut program.variants {
        let error_s = variant.error_s.unwrap_or(0.0);
        for slowdown in slowdowns {
            let factor = slowdown.factor(variant.replicas, variant.mix());
            for scope in [Scope::Built, Scope::Whole] {
                let time = predict(variant.mean_s, error_s, &variant.parts, factor, scope);
                let name = slowdown.name.clone();
                variant.predictions.push(Predicted { name, factor, scope, time, measured_s: None });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_checked_before_anything_runs() {
        let own = std::path::Path::new("/bin/true");
        let resolve = |text: &str| resolve(&[text.to_owned()], own);
        assert_eq!(resolve("swift").unwrap(), [Slowdown::fixed("swift".to_owned(), 1.09)]);
        for bad in ["0.5", "x", ""] {
            let error = format!("{:#}", resolve(bad).unwrap_err());
            assert!(error.starts_with("--c "), "{error}");
        }
    }
}

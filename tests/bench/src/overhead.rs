//! The programs of the suite as two and three replicas, over one native copy, over as many native copies at once, and
//! beside strace: what a monitor outside the process pays at least, when it stops the program at nothing but writes and
//! looks at nothing.

use crate::programs::Plan as Programs;
use crate::report::{Part, Table};
use anyhow::{Context, Result, ensure};
use rcb_overhead::calibrate;
use rcb_overhead::document::{Calibration, Document, ESTIMATE, Program, SCHEMA, Settings, Variant};
use rcb_overhead::launch::Rcb;
use rcb_overhead::machine::Machine;
use rcb_overhead::samples::{Samples, geometric_mean, number};
use rcb_overhead::session::{Build, Plan, measure, reference};
use rcb_overhead::split::Constants;
use rcb_overhead::subject::Subject;
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Instant, SystemTime};

/// Numbers of replicas.
const REPLICAS: [usize; 2] = [2, 3];
/// The tracer: a filter in the kernel stops the program at writes only.
const TRACER: [&str; 7] = ["/usr/bin/strace", "-f", "--seccomp-bpf", "-e", "trace=write", "-o", "/dev/null"];

/// Measures `rounds` rounds of every program that is begun before the plan's deadline.
pub fn part(programs: &Programs<'_>, rcb: Option<&Rcb>, cpus: &[usize], rounds: usize) -> Result<(Part, Document)> {
    let rcb = rcb.context("there is no rcb command")?;
    ensure!(cpus.len() >= 2, "two CPUs are needed for two copies at the same time");
    std::fs::create_dir_all(programs.scratch)?;
    let tracer = if Path::new(TRACER[0]).exists() { TRACER.map(OsString::from).into() } else { Vec::new() };
    let settings = Settings { runs: rounds, warmup: 0, lockstep: "output".into(), ..Settings::default() };
    let build = Build { name: "default".into(), rcb: rcb.binary().to_owned() };
    let plan = Plan {
        builds: vec![build.clone()],
        cpus: cpus.to_vec(),
        replicas: REPLICAS.into(),
        settings: settings.clone(),
        copies: true,
        tracer,
        scratch: programs.scratch.canonicalize()?,
    };
    let mut constants: BTreeMap<usize, Constants> = BTreeMap::new();
    for replicas in REPLICAS {
        constants.insert(replicas, calibrate::constants(&plan, replicas, &build)?);
    }
    let calibration = constants
        .iter()
        .map(|(replicas, constants)| Calibration {
            replicas: *replicas,
            build: build.name.clone(),
            constants: *constants,
        })
        .collect();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut document = Document {
        schema: SCHEMA,
        kind: ESTIMATE.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        unix_s: now.as_secs_f64(),
        machine: Machine::look(cpus.to_vec()),
        round_trip_ns: Samples::default(),
        settings,
        calibration,
        programs: Vec::new(),
    };
    let mut problems = Vec::new();
    for entry in programs.entries {
        if Instant::now() > programs.deadline {
            problems.push((entry.name.clone(), "not begun: the time was over".to_owned()));
            continue;
        }
        let subject = Subject::Suite {
            entry: Box::new(entry.clone()),
            inputs: programs.inputs.to_owned(),
            scratch: plan.scratch.clone(),
        };
        let of = |replicas, _build| constants.get(&replicas).copied().unwrap_or_default();
        let mut tell = |text: &str| eprintln!("  {:<18} {text}", entry.name);
        let measured = reference(&plan, &subject)
            .and_then(|like| measure(&plan, &subject, &like, &of, &mut document.round_trip_ns, &mut tell));
        match measured {
            Ok(program) => document.programs.push(program),
            Err(error) => problems.push((entry.name.clone(), format!("failed: {error:#}"))),
        }
    }
    let part = summary(&document, &problems, cpus.len(), rounds);
    Ok((part, document))
}

/// The variant with so many replicas.
fn variant(program: &Program, replicas: usize) -> Option<&Variant> {
    program.variants.iter().find(|variant| variant.replicas == replicas)
}

fn summary(document: &Document, problems: &[(String, String)], cpus: usize, rounds: usize) -> Part {
    let shared = if cpus < 3 { " There are fewer CPUs than three replicas, so n=3 takes turns." } else { "" };
    let note = format!(
        "Wall time, medians over {rounds} round(s). `/ native`: over one native copy; `/ copies`: over as many native copies at \
         once. `strace`: over one native copy, stopped by a seccomp filter at writes only.{shared}"
    );
    let columns = ["program", "native s", "n=2 / native", "/ copies", "n=3 / native", "/ copies", "strace / native"];
    let mut table = Table::new("The suite", &note, &columns);
    let ratios = |program: &Program| {
        let of = |replicas| variant(program, replicas);
        let traced = || Some(program.traced_s.median()? / program.native_s.median()?);
        [
            of(2).and_then(|one| one.over_native(program)),
            of(2).and_then(Variant::over_copies),
            of(3).and_then(|one| one.over_native(program)),
            of(3).and_then(Variant::over_copies),
            traced(),
        ]
    };
    for program in &document.programs {
        let cells = ratios(program).map(|ratio| number(ratio, 3));
        table.row([program.name.clone(), number(program.native_s.median(), 3)].into_iter().chain(cells));
    }
    for (name, problem) in problems {
        table.row([name.clone(), problem.clone()]);
    }
    let all: Vec<_> = document.programs.iter().map(ratios).collect();
    let mean = |index: usize| {
        let values: Vec<f64> = all.iter().filter_map(|ratios| ratios[index]).collect();
        number(geometric_mean(&values), 3)
    };
    table.row(["geometric mean".to_owned(), String::new()].into_iter().chain((0..5).map(mean)));
    Part { name: "suite", tables: vec![table], limits: Vec::new(), samples: json!({ "document": "suite.json" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_shown_and_not_in_the_mean() {
        let text = include_str!("../../pages/cost.json");
        let document = Document::parse(text).unwrap();
        let part = summary(&document, &[("broken".into(), "failed: x".into())], 2, 1);
        let rows = &part.tables[0].rows;
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[2], ["broken", "failed: x"]);
        assert_eq!(rows[3][0], "geometric mean");
        assert_eq!(rows[0][4], "-", "three replicas were not measured");
        let expected = geometric_mean(
            &document.programs.iter().map(|one| one.variants[0].over_native(one).unwrap()).collect::<Vec<_>>(),
        );
        assert_eq!(rows[3][2], number(expected, 3));
        assert!(part.tables[0].note.contains("takes turns"));
    }
}

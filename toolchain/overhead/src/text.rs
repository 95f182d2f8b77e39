//! A document as text for the terminal: what it costs, where the time goes, what hardening would add, what to decide.

use crate::bars;
use crate::document::{Document, Program, Variant};
use crate::latency::NEAR_NS;
use crate::model::Scope;
use crate::samples::geometric_mean;
use std::fmt::Write;

/// A sum of parts that misses the wall time by more than this share is worth a word.
const GAP: f64 = 0.03;

/// The whole document.
pub fn page(document: &Document) -> String {
    let mut out = String::new();
    for program in &document.programs {
        _ = writeln!(out, "{}", one(program));
    }
    if document.programs.len() > 1 {
        out.push_str(&means(document));
    }
    out.push_str(&footer(document));
    out
}

fn one(program: &Program) -> String {
    let mut out = String::new();
    let native = program.native_s.median().unwrap_or(0.0);
    _ = writeln!(
        out,
        "{}: {native:.3} s natively, {:.0} % of the CPU time in the kernel",
        program.name,
        program.kernel_share * 100.0
    );
    let full_s = program.variants.iter().map(|variant| variant.mean_s).fold(native, f64::max);
    for variant in &program.variants {
        out.push_str(&cost(program, variant, full_s));
    }
    for note in &program.notes {
        _ = writeln!(out, "  note: {note}");
    }
    out
}

fn cost(program: &Program, variant: &Variant, full_s: f64) -> String {
    let mut out = String::new();
    let error = variant.error_s.map_or_else(String::new, |error| format!(" +- {error:.3}"));
    let ratio = variant.over_native(program).map_or_else(String::new, |ratio| format!("{ratio:.3} x native"));
    let copies = variant
        .over_copies()
        .map_or_else(String::new, |ratio| format!(", {ratio:.3} x {} native copies at once", variant.replicas));
    let build = if variant.build == "default" { String::new() } else { format!(" [{}]", variant.build) };
    let word = if variant.replicas == 1 { "replica" } else { "replicas" };
    _ = writeln!(out, "\n  {} {word}{build}: {:.3} s{error}, {ratio}{copies}", variant.replicas, variant.mean_s);
    _ = writeln!(out, "    [{}]", bars::line(&variant.parts, variant.unexplained_s, full_s));
    let share = |value: f64| if variant.mean_s > 0.0 { value / variant.mean_s * 100.0 } else { 0.0 };
    let parts = variant.parts.named().into_iter().chain([("unexplained", variant.unexplained_s)]);
    for (name, value) in parts {
        _ = writeln!(out, "    {name:<24} {value:>9.4} s {:>6.1} %", share(value));
    }
    if share(variant.unexplained_s).abs() > GAP * 100.0 {
        _ = writeln!(
            out,
            "    The parts miss the wall time by more than 3 %: the machine was not quiet, or take more --runs."
        );
    }
    if !variant.predictions.is_empty() {
        out.push_str(&predictions(program, variant));
    }
    out
}

/// What is hardened, in the words of the table.
fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Built => "agent and supervisor",
        Scope::Whole => "and the kernel",
        Scope::Added => "all that is added",
    }
}

fn predictions(program: &Program, variant: &Variant) -> String {
    let mut out = String::new();
    let native = program.native_s.median().unwrap_or(0.0);
    _ = writeln!(
        out,
        "    {:<10} {:>5}  {:<20} {:>10}  {:<19} {:>8}",
        "hardened", "C", "what", "t_prot", "band", "x native"
    );
    for predicted in &variant.predictions {
        let time = &predicted.time;
        let band = format!("{:.3} .. {:.3}", time.low_s, time.high_s);
        let measured = match (predicted.measured_s, predicted.error()) {
            (Some(measured), Some(error)) => format!("  measured {measured:.3} s, error {:+.1} %", error * 100.0),
            _ => String::new(),
        };
        let times = if native > 0.0 { time.seconds / native } else { 0.0 };
        _ = writeln!(
            out,
            "    {:<10} {:>5.2}  {:<20} {:>8.3} s  {band:<19} {times:>8.3}{measured}",
            predicted.name,
            predicted.factor,
            scope_name(predicted.scope),
            time.seconds
        );
    }
    out
}

/// Geometric means over the programs, per number of replicas and build.
fn means(document: &Document) -> String {
    let mut keys: Vec<(usize, &str)> = Vec::new();
    for variant in document.programs.iter().flat_map(|program| &program.variants) {
        if !keys.contains(&(variant.replicas, variant.build.as_str())) {
            keys.push((variant.replicas, &variant.build));
        }
    }
    let mut out = String::from("geometric means over all programs\n");
    for (replicas, build) in keys {
        let pairs = document.programs.iter().flat_map(|program| program.variants.iter().map(move |one| (program, one)));
        let chosen: Vec<_> = pairs.filter(|(_, one)| one.replicas == replicas && one.build == build).collect();
        let native: Vec<f64> = chosen.iter().filter_map(|(program, one)| one.over_native(program)).collect();
        let copies: Vec<f64> = chosen.iter().filter_map(|(_, one)| one.over_copies()).collect();
        let text = |values: &[f64]| geometric_mean(values).map_or_else(|| "-".into(), |mean| format!("{mean:.3}"));
        _ = writeln!(
            out,
            "  {replicas} replicas [{build}]: {} x native, {} x {replicas} native copies at once ({} programs)",
            text(&native),
            text(&copies),
            chosen.len()
        );
    }
    out + "\n"
}

fn footer(document: &Document) -> String {
    let mut out = format!("{}\n", bars::legend());
    let trip = document.round_trip_ns.median().map_or_else(String::new, |trip| {
        let word = if trip < NEAR_NS { "near" } else { "far" };
        format!(" A cache line goes to the next CPU and back in {trip:.0} ns ({word}).")
    });
    _ = writeln!(out, "Machine: {}{trip}", document.machine.text());
    out.push_str(
        "t_prot is the run if what replication cannot protect were slowed by C: `agent and supervisor` is what our compiler \
         can harden, `and the kernel` the formula of the literature, `all that is added` what replication takes beyond the \
         native run, caches and memory. A measured C is that of the program's own calls and compared bytes. The band is the \
         error of the runs, and upwards the waiting that might grow too.\n",
    );
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::document::{ESTIMATE, Predicted, SCHEMA, Settings};
    use crate::machine::Machine;
    use crate::model::{Parts, predict};

    /// A document with one program, for the tests of all formats.
    pub(crate) fn document() -> Document {
        let parts = Parts { app_s: 1.8, kernel_s: 0.2, master_s: 0.05, wait_s: 0.02, ..Parts::default() };
        let of = |name: &str, factor, scope| Predicted {
            name: name.into(),
            factor,
            scope,
            time: predict(2.1, 0.01, &parts, factor, scope),
            measured_s: (name == "anbd").then_some(2.25),
        };
        let variant = Variant {
            replicas: 2,
            build: "default".into(),
            factor: None,
            copies_s: [2.02, 2.02].into_iter().collect(),
            wall_s: [2.09, 2.11].into_iter().collect(),
            mean_s: 2.1,
            error_s: Some(0.01),
            parts,
            unexplained_s: 2.1 - parts.sum_s(),
            calls: 1000,
            bytes_compared: 5000,
            moves: 0,
            predictions: vec![of("swift", 1.09, Scope::Built), of("anbd", 3.89, Scope::Whole)],
        };
        let program = Program {
            name: "prog".into(),
            command: "prog x".into(),
            outliers: 0,
            foreign: 0.0,
            native_s: [2.0, 2.0].into_iter().collect(),
            traced_s: crate::samples::Samples::default(),
            kernel_share: 0.1,
            variants: vec![variant],
            notes: vec!["a note".into()],
        };
        Document {
            schema: SCHEMA,
            kind: ESTIMATE.into(),
            version: "0.1.0".into(),
            unix_s: 0.0,
            machine: Machine::default(),
            round_trip_ns: [90.0].into_iter().collect(),
            settings: Settings::default(),
            calibration: Vec::new(),
            programs: vec![program],
        }
    }

    #[test]
    fn says_what_it_costs() {
        let text = page(&document());
        for part in
            ["2.000 s natively, 10 %", "2 replicas: 2.100 s +- 0.010, 1.050 x native", "1.040 x 2 native copies"]
        {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(text.contains("swift") && text.contains("measured 2.250 s") && text.contains("note: a note"), "{text}");
        assert!(!text.contains("miss the wall time"), "{text}");
        assert!(!text.contains("geometric"), "one program has no mean");
    }

    #[test]
    fn a_split_that_does_not_add_up_is_told() {
        let mut document = document();
        document.programs[0].variants[0].unexplained_s = 0.1;
        assert!(page(&document).contains("miss the wall time"));
    }

    #[test]
    fn a_document_survives_being_written() {
        let document = document();
        assert_eq!(Document::parse(&document.to_json()).unwrap(), document);
        let other = document.to_json().replacen("\"schema\": 1", "\"schema\": 2", 1);
        assert!(Document::parse(&other).unwrap_err().to_string().contains("schema is 2"));
        assert!(Document::parse("[]").is_err());
    }
}

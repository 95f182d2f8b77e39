//! `make bench`: the command. What it measures and how stands in the library.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use rcb_bench::options::{Choice, Options};
use rcb_bench::report::{self, Part};
use rcb_bench::{calls, cycles, memory, mending, overhead, programs, start, touch, trees};
use rcb_overhead::launch::{self, Rcb};
use rcb_overhead::machine::{self, Machine};
use rcb_overhead::report::{input::Input, page};
use rcb_overhead::suite;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode> {
    let allowed = machine::allowed_cpus();
    let cpus = if options.cpus.is_empty() { allowed.iter().copied().take(3).collect() } else { options.cpus.clone() };
    ensure!(
        cpus.iter().all(|cpu| allowed.contains(cpu)),
        "not all of the CPUs {cpus:?} are among those allowed here: {allowed:?}"
    );
    let machine = Machine::look(cpus.clone());
    println!("{}\n", machine.text());
    fs::create_dir_all(&options.out).with_context(|| format!("cannot make {}", options.out.display()))?;
    let out = options.out.canonicalize()?;
    let rcb = Rcb::find(&options.rcb, &cpus);
    match &rcb {
        Some(rcb) => println!("Replicas are run by {}.\n", rcb.binary().display()),
        None => println!("There is no {}: native columns only.\n", options.rcb.display()),
    }
    let parts = measure(options, &out, rcb.as_ref(), &cpus)?;
    println!("{}", report::limits(&parts).markdown());
    fs::write(out.join("report.md"), report::markdown(&machine.text(), &parts))?;
    fs::write(out.join("report.json"), serde_json::to_string_pretty(&report::json(&machine.json(), &parts))?)?;
    fs::write(out.join("report.html"), page(&out, &parts)?)?;
    println!("Written: {0}/report.md, {0}/report.json, {0}/report.html", out.display());
    let kept = parts.iter().flat_map(|part| &part.limits).all(report::Limit::is_kept);
    Ok(if options.check && !kept { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Runs the chosen parts, the short ones first, and prints the tables of each as soon as it is done.
fn measure(options: &Options, out: &Path, rcb: Option<&Rcb>, cpus: &[usize]) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut add = |part: Part| {
        for table in &part.tables {
            println!("{}", table.markdown());
        }
        parts.push(part);
    };
    if options.wants(Choice::Calls) || options.wants(Choice::Cycles) {
        let measured = calls::measure(out, rcb, cpus, options.quick)?;
        if options.wants(Choice::Calls) {
            add(calls::part(&measured, rcb));
        }
        if options.wants(Choice::Cycles) {
            add(cycles::part(&measured));
        }
    }
    if options.wants(Choice::Start) {
        add(start::part(rcb, cpus, options.quick)?);
    }
    if options.wants(Choice::Memory) {
        add(memory::part(rcb, cpus));
    }
    if options.wants(Choice::Touch) {
        add(touch::part(out, rcb, cpus, options.quick)?);
    }
    if options.wants(Choice::Trees) {
        add(trees::part(out, rcb, cpus, options.quick)?);
    }
    if options.wants(Choice::Programs) {
        let (entries, inputs) = suite_of(options, out)?;
        add(programs::part(&plan_of(options, &entries, &inputs, &out.join("scratch")), rcb, cpus)?);
    }
    if options.wants(Choice::Mending) {
        let (entries, inputs) = suite_of(options, out)?;
        add(mending::part(&plan_of(options, &entries, &inputs, &out.join("scratch")), rcb, cpus)?);
    }
    if options.wants(Choice::Suite) {
        let (entries, inputs) = suite_of(options, out)?;
        let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 3 });
        let scratch = out.join("scratch");
        let mut plan = plan_of(options, &entries, &inputs, &scratch);
        // Six runs in a round, where the part `programs` has two in a pair.
        plan.deadline += Duration::from_secs_f64(options.minutes * 60.0);
        let (part, document) = overhead::part(&plan, rcb, cpus, rounds)?;
        fs::write(out.join("suite.json"), document.to_json())?;
        add(part);
    }
    Ok(parts)
}

/// The entries of the suite that are to run, and their inputs.
fn suite_of(options: &Options, out: &Path) -> Result<(Vec<suite::Entry>, PathBuf)> {
    let chosen = |entry: &suite::Entry| options.only.is_empty() || options.only.contains(&entry.name);
    let mut entries = suite::read(&options.suite.join("suite.tsv"))?;
    entries.retain(|entry| entry.is_single() && chosen(entry));
    if options.quick {
        entries = entries.into_iter().map(suite::Entry::into_small).collect();
    }
    ensure!(!entries.is_empty(), "no entry of the suite is called {}", options.only.join(", "));
    let inputs = match &options.inputs {
        Some(inputs) => inputs.canonicalize().with_context(|| format!("{} is not there", inputs.display()))?,
        None => prepare(options, out)?,
    };
    Ok((entries, inputs))
}

fn plan_of<'a>(
    options: &Options,
    entries: &'a [suite::Entry],
    inputs: &'a Path,
    scratch: &'a Path,
) -> programs::Plan<'a> {
    programs::Plan {
        entries,
        inputs,
        scratch,
        pairs: options.pairs.unwrap_or(if options.quick { 2 } else { 5 }),
        is_full: !options.quick,
        deadline: Instant::now() + Duration::from_secs_f64(options.minutes * 60.0),
    }
}

/// The same as a page, with the figures of the suite if they were measured in this run.
fn page(out: &Path, parts: &[Part]) -> Result<String> {
    let mut input = Input::default();
    input.add("report.json", &fs::read_to_string(out.join("report.json"))?)?;
    if parts.iter().any(|part| part.name == "suite") {
        input.add("suite.json", &fs::read_to_string(out.join("suite.json"))?)?;
    }
    Ok(page::html(&input))
}

/// Makes the inputs of the suite, or finds them made.
fn prepare(options: &Options, out: &Path) -> Result<PathBuf> {
    let size = if options.quick { "small" } else { "full" };
    let inputs = out.with_file_name(format!("suite-{size}"));
    eprintln!("preparing the {size} inputs of the suite in {}", inputs.display());
    let mut command = Command::new("sh");
    command.arg(options.suite.join("prepare.sh")).arg(&inputs).arg(size).stdout(std::io::stderr());
    launch::succeed(&mut command, &machine::allowed_cpus()).context("the inputs of the suite could not be prepared")?;
    Ok(inputs)
}

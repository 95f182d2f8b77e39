//! What `rcb estimate` and `rcb measure` have in common on the command line: what to run, how often, where.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rcb_keeper::placement::choose;
use rcb_keeper::topology::{Policy, Topology};
use rcb_overhead::document::{Document, SCHEMA, Settings};
use rcb_overhead::machine::{self, Machine};
use rcb_overhead::samples::Samples;
use rcb_overhead::session::{Build, Plan};
use rcb_overhead::subject::{Subject, UserProgram};
use rcb_overhead::{csv, suite};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where the result goes.
#[derive(Args)]
pub(crate) struct ResultArgs {
    /// Write the whole document as JSON to standard output.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Write comma-separated values to standard output.
    #[arg(long)]
    csv: bool,
    /// Also write the document as JSON to this file, for `rcb report`.
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ResultArgs {
    /// Writes the document; `page` is its text for people.
    pub(crate) fn write(&self, document: &Document, page: impl FnOnce() -> String) -> Result<()> {
        if let Some(path) = &self.output {
            std::fs::write(path, document.to_json()).with_context(|| format!("writing {}", path.display()))?;
        }
        let page = match (self.json, self.csv) {
            (true, _) => document.to_json(),
            (_, true) => csv::text(document),
            _ => page(),
        };
        std::io::stdout().write_all(page.as_bytes()).context("writing the result")
    }
}

#[derive(Args)]
pub(crate) struct SessionArgs {
    /// Numbers of replicas [default: those of 2 and 3 for which there are CPUs].
    #[arg(short = 'n', long = "replicas", value_name = "LIST", value_delimiter = ',')]
    replicas: Vec<usize>,
    /// Rounds; each runs every variant once.
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,
    /// Rounds before, not counted: caches get warm.
    #[arg(long, value_name = "N", default_value_t = 1)]
    warmup: usize,
    /// When replicas meet, as for `rcb run`.
    #[arg(long, value_parser = ["output", "strict"], default_value = "output")]
    lockstep: String,
    /// CPUs for copies and replicas, in this order [default: as near to each other as possible].
    #[arg(long, value_name = "LIST", conflicts_with = "placement")]
    cpus: Option<String>,
    /// Where replicas stand, as for `rcb run`; copies stand as for --cpus.
    #[arg(long, value_name = "WHERE")]
    placement: Option<String>,
    /// Run replicas with --huge-pages.
    #[arg(long)]
    huge_pages: bool,
    /// More replicas than CPUs are fine.
    #[arg(long)]
    oversubscribe: bool,
    /// Measure no native copies at the same time: the program does not stand it, for instance because it locks a file.
    #[arg(long)]
    no_copies: bool,
    /// Standard input of every run [default: empty].
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Shell command before every run; it is not timed.
    #[arg(long, value_name = "COMMAND")]
    prepare: Option<String>,
    /// Exit status that counts as success.
    #[arg(long, value_name = "STATUS", default_value_t = 0)]
    expect: i32,
    /// Do not compare standard output between runs.
    #[arg(long)]
    ignore_output: bool,
    /// Run the programs of a suite (a table such as tests/suite/suite.tsv) instead of one.
    #[arg(long, value_name = "FILE", requires = "inputs", conflicts_with = "command")]
    suite: Option<PathBuf>,
    /// Prepared inputs of the suite (see tests/suite/prepare.sh).
    #[arg(long, value_name = "DIR", requires = "suite")]
    inputs: Option<PathBuf>,
    /// Only these programs of the suite.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "suite")]
    only: Vec<String>,
    /// The suite's commands for small inputs.
    #[arg(long, requires = "suite")]
    small: bool,
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, required_unless_present = "suite", value_name = "PROGRAM [ARGS]")]
    command: Vec<OsString>,
}

impl SessionArgs {
    /// What to run, for these builds, with files in `scratch`.
    pub(crate) fn plan(&self, builds: Vec<Build>, scratch: &Path, least: usize) -> Result<Plan> {
        ensure!(self.runs >= 1, "--runs {}: at least one round is needed", self.runs);
        let cpus = match &self.cpus {
            Some(list) => checked(&crate::options::cpu_list(list)?)?,
            None => default_cpus(),
        };
        let replicas = self.numbers(cpus.len(), least)?;
        self.check_placement(&cpus, &replicas)?;
        let settings = Settings {
            runs: self.runs,
            warmup: self.warmup,
            lockstep: self.lockstep.clone(),
            placement: self.placement.clone().unwrap_or_default(),
            huge_pages: self.huge_pages,
        };
        Ok(Plan {
            builds,
            cpus,
            replicas,
            settings,
            copies: !self.no_copies,
            tracer: Vec::new(),
            scratch: scratch.to_owned(),
        })
    }

    /// Whether the replicas can be placed as wanted, before anything runs.
    fn check_placement(&self, cpus: &[usize], replicas: &[usize]) -> Result<()> {
        let Some(text) = &self.placement else { return Ok(()) };
        let wanted = crate::topology::placement(text)?;
        let allowed: Vec<u32> = cpus.iter().map(|cpu| *cpu as u32).collect();
        let topology = Topology::system().context("reading the topology of this machine")?;
        let from = allowed.first().copied().unwrap_or(0);
        for n in replicas {
            choose(&topology, *n, &allowed, &wanted, from)?;
        }
        Ok(())
    }

    /// The numbers of replicas; `least` is the smallest one that makes sense.
    fn numbers(&self, cpus: usize, least: usize) -> Result<Vec<usize>> {
        let most = rcb_abi::MAX_REPLICAS;
        let fits = |n: usize| self.oversubscribe || n <= cpus;
        if self.replicas.is_empty() {
            let fitting: Vec<usize> = (least..=3).filter(|n| fits(*n)).collect();
            ensure!(!fitting.is_empty(), "{}", too_few(2, cpus));
            return Ok(fitting);
        }
        for &n in &self.replicas {
            ensure!((1..=most).contains(&n), "-n {n}: 1 to {most} replicas are possible");
            ensure!(fits(n), "{}", too_few(n, cpus));
        }
        let mut sorted = self.replicas.clone();
        sorted.sort_unstable();
        sorted.dedup();
        Ok(sorted)
    }

    /// The programs.
    pub(crate) fn subjects(&self, scratch: &Path) -> Result<Vec<Subject>> {
        let (Some(table), Some(inputs)) = (&self.suite, &self.inputs) else {
            let (program, args) = self.command.split_first().context("no program is named")?;
            // The same search as for a run, for the same errors before anything is measured.
            rcb_keeper::program::resolve(program, args, std::env::var_os("PATH").as_deref())?;
            if let Some(input) = &self.input {
                ensure!(input.is_file(), "--input {}: there is no such file", input.display());
            }
            return Ok(vec![Subject::User(UserProgram {
                command: self.command.clone(),
                input: self.input.clone(),
                prepare: self.prepare.clone(),
                expected: self.expect,
                ignore_output: self.ignore_output,
                scratch: scratch.to_owned(),
            })]);
        };
        let inputs = inputs.canonicalize().with_context(|| format!("--inputs {}", inputs.display()))?;
        let mut entries = suite::read(table)?;
        if let Some(unknown) = self.only.iter().find(|name| !entries.iter().any(|entry| entry.name == **name)) {
            bail!("--only {unknown}: no entry of {} has this name", table.display());
        }
        entries.retain(|entry| entry.is_single() && (self.only.is_empty() || self.only.contains(&entry.name)));
        ensure!(!entries.is_empty(), "{} has no entry that could be run", table.display());
        let made = |entry: suite::Entry| Subject::Suite {
            entry: Box::new(if self.small { entry.into_small() } else { entry }),
            inputs: inputs.clone(),
            scratch: scratch.to_owned(),
        };
        Ok(entries.into_iter().map(made).collect())
    }
}

/// The CPUs of `--cpus`, all of which must be allowed.
fn checked(list: &[u32]) -> Result<Vec<usize>> {
    let allowed = machine::allowed_cpus();
    let cpus: Vec<usize> = list.iter().map(|cpu| *cpu as usize).collect();
    if let Some(cpu) = cpus.iter().find(|cpu| !allowed.contains(cpu)) {
        bail!("--cpus: CPU {cpu} is not among those that may be used here ({allowed:?})");
    }
    Ok(cpus)
}

fn too_few(n: usize, cpus: usize) -> String {
    format!(
        "{n} replicas need {n} CPUs, and {cpus} may be used here: the figures would show how they take turns, not what \
         replication costs; take fewer, allow more CPUs, or say --oversubscribe"
    )
}

/// All CPUs that may be used, the nearest ones first.
fn default_cpus() -> Vec<usize> {
    let allowed = machine::allowed_cpus();
    let ids: Vec<u32> = allowed.iter().map(|cpu| *cpu as u32).collect();
    let chosen = Topology::system().ok().and_then(|topology| {
        topology.choose(ids.len().min(rcb_abi::MAX_REPLICAS), &ids, Policy::Near, ids.first().copied()?).ok()
    });
    chosen.map_or(allowed, |cpus| cpus.into_iter().map(|cpu| cpu as usize).collect())
}

/// A document without programs.
pub(crate) fn document(kind: &str, plan: &Plan) -> Document {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Document {
        schema: SCHEMA,
        kind: kind.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        unix_s: now.as_secs_f64(),
        machine: Machine::look(plan.cpus.clone()),
        round_trip_ns: Samples::default(),
        settings: plan.settings.clone(),
        calibration: Vec::new(),
        programs: Vec::new(),
    }
}

/// What to do about a program that cannot be measured: alone it is the error of the whole command, in a suite the others
/// are measured nevertheless.
pub(crate) fn or_without<T>(result: Result<T>, programs: usize) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if programs == 1 => Err(error),
        Err(error) => {
            rcb_keeper::run::say(&format!("error: left out: {error:#}"));
            Ok(None)
        }
    }
}

/// The end of a command that wanted so many programs: a failure if some of them are left out.
pub(crate) fn end(document: &Document, wanted: usize) -> Result<rcb_keeper::Outcome> {
    ensure!(!document.programs.is_empty(), "none of {wanted} programs could be measured");
    let complete = document.programs.len() == wanted;
    Ok(rcb_keeper::Outcome::Exit(if complete { 0 } else { rcb_keeper::exit::FAILED }))
}

/// A line of progress, where somebody watches.
pub(crate) fn tell(text: &str) {
    use std::io::IsTerminal;
    if std::io::stderr().is_terminal() {
        rcb_keeper::run::say(text);
    }
}

//! `rcb inject`: many runs of a program, each with one fault, and what came of them.

mod progress;

use crate::campaign::progress::Progress;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rcb_inject::{Campaign, Class, Faults, Golden, Kind, Store, Subject, Summary, Target, Trial, merge};
use rcb_keeper::Outcome;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Exit status of a campaign in which something happened that replication promises not to happen.
const BROKEN: u8 = 1;

/// Silence that counts as a hang: longer than a busy machine lets a replica wait for its CPU, and short, because every fault
/// that makes a replica loop costs so much.
const DEADLINE: Duration = Duration::from_secs(2);

/// Text behind the options of `rcb inject --help`.
const NOTES: &str = "\
First the program runs undisturbed, several times: output, standard error, files (with --workdir) and status are what every
trial is compared with, so it must do the same each time. Then each trial runs it, stops one process of one replica at a time
that is uniform over the run, changes bits, lets it go and waits for the end.

Classes:
  no effect               as undisturbed, and no fault was reported
  detected and corrected  as undisturbed, and the fault was reported and healed
  detected and stopped    the fault was reported and the run ended, without a wrong byte before
  crashed                 the program died by a signal; alone also: it ended with a status of failure
  hung                    it had not ended after ten times its time and what detection takes
  silent corruption       output, files or status are wrong, and nobody has said so
  service lost            rcb itself failed

When and what is hit follows from seed and number, so that --trial repeats one; what the program does at that time may differ
a little. Exit status: 1 if with two or more replicas a trial crashed, hung, was lost or silently corrupted.

Examples:
  rcb inject -n 3 --trials 1000 -- bzip2 -kc data
  rcb inject -n 2 --target agent,log --store trials.db -- sha256sum data      goes on where it was interrupted
  rcb inject -n 2 --workdir inputs -- sort -o sorted words                    in copies of a folder, whose files count
  rcb inject -n 2 --trial 17 -- bzip2 -kc data                                one trial again, with all that was said
  rcb inject --replicas 0 --own-code -- ./hardened                            a program alone
  rcb inject --summarise a.db b.db --markdown                                 several stores as one table";

#[derive(Args)]
#[command(after_help = NOTES, override_usage = "rcb inject [OPTIONS] [--] PROGRAM [ARGS]...\n       rcb inject --summarise STORE... [--markdown] [--json FILE]")]
pub(crate) struct InjectArgs {
    /// Number of replicas; 0 for the program alone, hardened or not.
    #[arg(short = 'n', long = "replicas", value_name = "N", default_value_t = rcb_keeper::config::DEFAULT_REPLICAS)]
    replicas: usize,
    /// Number of trials.
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    trials: u64,
    /// Seed of all draws.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// What is hit: registers, flags, ip, vector, memory (of the program), agent, log, control; each register of a list is as
    /// likely as any other one, each of the others as 16 of them.
    #[arg(
        long = "target",
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "registers,flags,ip,vector,memory"
    )]
    targets: Vec<Target>,
    /// How: flip inverts bits, stuck forces them again and again, skip leaves out an instruction instead.
    #[arg(long, value_name = "KIND", default_value = "flip")]
    kind: Kind,
    /// Bits that change at once.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    bits: u32,
    /// Trials at a time [default: as many as there are CPUs for].
    #[arg(long, value_name = "COUNT")]
    jobs: Option<usize>,
    /// Each trial runs in a copy of this folder, and files count [default: all in the present folder, and files do not].
    #[arg(long, value_name = "DIR")]
    workdir: Option<PathBuf>,
    /// Of the folder only these files count; may be repeated.
    #[arg(long, value_name = "FILE", requires = "workdir")]
    compare: Vec<PathBuf>,
    /// Standard input of every run [default: empty].
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Standard error of the program does not count.
    #[arg(long)]
    ignore_stderr: bool,
    /// Hit only where code of the program's own file runs, not its libraries.
    #[arg(long)]
    own_code: bool,
    /// Passed on to `rcb run`.
    #[arg(long, value_name = "SECONDS")]
    checkpoint: Option<f64>,
    /// A replica that lets another one wait for so long counts as hanging.
    #[arg(long, value_name = "SECONDS", default_value_t = DEADLINE.as_secs_f64())]
    deadline: f64,
    /// Another option for `rcb run`; may be repeated.
    #[arg(long = "run-option", value_name = "WORD", allow_hyphen_values = true)]
    run_options: Vec<OsString>,
    /// The rcb command that runs the replicas [default: this one].
    #[arg(long, value_name = "FILE")]
    rcb: Option<PathBuf>,
    /// Keep trials in this file (SQLite) and do not make again those that it has.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Make only part I of N, counted from 1; the stores of all parts are summarised together.
    #[arg(long, value_name = "I/N", value_parser = shard, default_value = "1/1", hide_default_value = true)]
    shard: (u64, u64),
    /// Make only this trial and tell everything about it.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["store", "shard", "json", "markdown"])]
    trial: Option<u64>,
    /// Run nothing; show what these stores have, the same campaigns together.
    #[arg(long, value_name = "STORE", num_args = 1.., conflicts_with_all = ["command", "store", "trial"])]
    summarise: Vec<PathBuf>,
    /// Write figures and trials as JSON to this file (- for standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print a table of Markdown with one row for each campaign.
    #[arg(long)]
    markdown: bool,
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, required_unless_present = "summarise", value_name = "PROGRAM [ARGS]")]
    command: Vec<OsString>,
}

/// Makes a campaign, or shows some.
pub(crate) fn run(args: &InjectArgs) -> Result<Outcome> {
    if !args.summarise.is_empty() {
        return summarise(args);
    }
    let campaign = campaign(args)?;
    let mut progress = Progress::new()?;
    if let Some(number) = args.trial {
        let found = campaign.repeat(number, &mut progress)?;
        return progress.end(|| match found {
            Some((golden, trial)) => {
                print(&described(&golden, &trial))?;
                Ok(status(campaign.subject.replicas >= 2 && trial.class.breaks_promise()))
            }
            None => Ok(Outcome::Exit(0)),
        });
    }
    let store = match &args.store {
        Some(path) => Store::open(path)?,
        None => Store::in_memory()?,
    };
    let found = campaign.run(&store, &mut progress)?;
    progress.end(|| {
        let key = campaign.key();
        let stored = store.campaigns()?.into_iter().filter(|stored| stored.key == key);
        let shown: Vec<_> = if found.is_some() { stored.collect() } else { Vec::new() };
        show(args, &shown.into_iter().map(Summary::new).collect::<Vec<_>>())
    })
}

/// The campaign of a command line.
fn campaign(args: &InjectArgs) -> Result<Campaign> {
    ensure!(
        args.replicas <= rcb_abi::MAX_REPLICAS,
        "-n {}: 0 to {} are possible",
        args.replicas,
        rcb_abi::MAX_REPLICAS
    );
    for (option, path) in [("--workdir", &args.workdir), ("--input", &args.input)] {
        if let Some(path) = path.as_ref().filter(|path| !path.exists()) {
            bail!("{option} {}: there is no such file or folder", path.display());
        }
    }
    if let Some(path) = args.compare.iter().find(|path| path.is_absolute() || path.starts_with("..")) {
        bail!("--compare {}: a path inside the folder of --workdir is wanted", path.display());
    }
    let seconds = |option, value: f64| {
        Duration::try_from_secs_f64(value)
            .ok()
            .filter(|time| !time.is_zero())
            .with_context(|| format!("--{option} {value}: a number of seconds above 0 is wanted"))
    };
    let mut options = args.run_options.clone();
    if let Some(value) = args.checkpoint {
        seconds("checkpoint", value)?;
        options.extend(["--checkpoint".into(), value.to_string().into()]);
    }
    let program = args.command.first().context("no program is named")?;
    // The same search as for a run, for the same errors before anything runs.
    let base = args.workdir.as_deref().unwrap_or(Path::new("."));
    if !program.as_encoded_bytes().contains(&b'/') || base == Path::new(".") {
        rcb_keeper::program::resolve(program, &args.command[1..], std::env::var_os("PATH").as_deref())?;
    }
    let absolute = |path: &PathBuf| std::path::absolute(path).with_context(|| path.display().to_string());
    let subject = Subject {
        command: args.command.clone(),
        replicas: args.replicas,
        rcb: match &args.rcb {
            Some(path) => absolute(path)?,
            None => std::env::current_exe().context("finding the rcb command itself")?,
        },
        options,
        deadline: seconds("deadline", args.deadline)?,
        template: args.workdir.as_ref().map(absolute).transpose()?,
        compare: args.compare.clone(),
        input: args.input.as_ref().map(absolute).transpose()?,
        ignore_stderr: args.ignore_stderr,
        own_code: args.own_code,
    };
    let faults = Faults { targets: args.targets.clone(), kind: args.kind, bits: args.bits, seed: args.seed };
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = args.jobs.unwrap_or(cpus / args.replicas.max(1)).max(1);
    Ok(Campaign { subject, faults, trials: args.trials, jobs, shard: args.shard })
}

/// `I/N`.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let numbers = text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
    numbers.filter(|(part, parts)| (1..=*parts).contains(part)).ok_or_else(|| "I/N with I from 1 to N is wanted".into())
}

/// What stores have.
fn summarise(args: &InjectArgs) -> Result<Outcome> {
    let read = |path: &PathBuf| -> Result<_> {
        ensure!(path.exists(), "--summarise {}: there is no such file", path.display());
        Store::open(path)?.campaigns()
    };
    let stores = args.summarise.iter().map(read).collect::<Result<Vec<_>>>()?;
    show(args, &merge(stores)?.into_iter().map(Summary::new).collect::<Vec<_>>())
}

/// Prints campaigns as wanted.
fn show(args: &InjectArgs, summaries: &[Summary]) -> Result<Outcome> {
    let to_stdout = args.json.as_deref() == Some(Path::new("-"));
    if let Some(path) = &args.json {
        let page = format!("{:#}\n", serde_json::json!({ "campaigns": summaries }));
        if to_stdout {
            print(&page)?;
        } else {
            std::fs::write(path, page).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    if args.markdown {
        print(&rcb_inject::markdown(summaries))?;
    } else if !to_stdout {
        let texts: Vec<String> = summaries.iter().map(rcb_inject::text).collect();
        print(&texts.join("\n"))?;
    }
    Ok(status(summaries.iter().any(Summary::breaks_promise)))
}

fn status(is_broken: bool) -> Outcome {
    Outcome::Exit(if is_broken { BROKEN } else { 0 })
}

fn print(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("writing the result")
}

/// Everything about one trial.
fn described(golden: &Golden, trial: &Trial) -> String {
    let hit = &trial.hit;
    let mut text = format!("trial {}: {}\n", trial.number, trial.class);
    let replica = hit.replica.map_or_else(String::new, |replica| format!("replica {replica}, "));
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let _ = writeln!(
        text,
        "  {replica}process {}, {:.3} ms after the start (undisturbed run: {:.3} to {:.3} ms), attempt {}",
        hit.pid,
        milliseconds(hit.after),
        milliseconds(golden.begin),
        milliseconds(golden.length),
        trial.attempt
    );
    let _ = writeln!(text, "  {}: {}\n  at {}", hit.target, hit.place, hit.at);
    if !trial.difference.is_empty() {
        let _ = writeln!(text, "  differs: {}", trial.difference);
    }
    if trial.class != Class::NoEffect {
        let _ = writeln!(text, "  ended after {:.3} ms", milliseconds(trial.length));
    }
    text + &trial.report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_parts() {
        assert_eq!(shard("2/3"), Ok((2, 3)));
        for bad in ["0/3", "4/3", "1", "a/b", "1/0", ""] {
            assert!(shard(bad).is_err(), "{bad}");
        }
    }
}

//! The command line.

use crate::{campaign, check, doctor, estimate, history, inject, measure, report, topology};
use anyhow::{Context, Result, bail};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use rcb_keeper::checkpoint::Terms;
use rcb_keeper::config::{DEFAULT_BUDGET, DEFAULT_DEADLINE, Placement, RunConfig};
use rcb_keeper::{Inherited, Outcome, exit};
use rcb_syscalls::{Support, render};
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Text behind the options of `rcb run --help`.
const RUN_NOTES: &str = "\
Exit status:
  The guest's own exit status or death by signal passes through. Codes of rcb itself:
    120  the replicas disagreed and it could not be corrected; nothing wrong has left
    125  rcb itself failed, or was called in a wrong way
    126  the program was found but cannot be executed (not x86-64 ELF, no permission, set-user-ID of another)
    127  the program was not found

  Standard output and standard error belong to the guest. What rcb has to say goes to standard
  error, and every line of it starts with \"rcb: \".

Examples:
  rcb run -- bzip2 -k file             two replicas, stop when they disagree
  rcb run --checkpoint 1 -- ./control  two replicas that go back to a checkpoint instead
  rcb run -n 3 -- ./simulate input     three replicas, the one that is wrong is replaced
  rcb run --cpus 0,1 --stats -- xz f   on chosen CPUs, with counters at the end";

/// Run unmodified Linux programs as replicas that agree on every system call.
///
/// Each replica is a process with its own copy of the program. Before anything leaves, all of them must have asked for
/// the same; what comes in is handed to all. A replica that was hit by a hardware fault asks for something else, or for
/// nothing: then it is replaced, or both go back to a checkpoint, or the run stops with a report; nothing wrong has left.
#[derive(Parser)]
#[command(name = "rcb", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a program as replicas.
    Run(Box<RunArgs>),
    /// Tell which system calls of a program are refused or supported in part.
    Check(check::CheckArgs),
    /// Measure what a program costs as replicas, and estimate what hardening would add.
    Estimate(Box<estimate::EstimateArgs>),
    /// Put the estimate to the test with hardened builds of supervisor and agent.
    Measure(Box<measure::MeasureArgs>),
    /// Show measurements as one page or as single figures.
    Report(report::ReportArgs),
    /// Flip bits in many runs of a program, and say what came of it.
    Inject(Box<campaign::InjectArgs>),
    /// Show which CPU disagrees more often than chance, over all runs with --history.
    History(history::HistoryArgs),
    /// Print the table of system calls and how each is treated.
    Syscalls(SyscallsArgs),
    /// Draw the CPUs of this or another machine and where replicas would stand.
    Topology(topology::TopologyArgs),
    /// Tell what this machine offers and what is missing.
    Doctor(doctor::DoctorArgs),
}

/// One line per call, unless another form is asked for.
#[derive(Args)]
#[group(multiple = false)]
struct SyscallsArgs {
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// As a page of documentation.
    #[arg(long)]
    markdown: bool,
}

/// When the replicas meet.
#[derive(Clone, Copy, ValueEnum)]
enum Lockstep {
    /// At every system call.
    Strict,
    /// Before every call that is visible outside or takes input away; the others are compared afterwards.
    Output,
}

#[derive(Args)]
#[command(after_help = RUN_NOTES, override_usage = "rcb run [OPTIONS] [--] PROGRAM [ARGS]...")]
struct RunArgs {
    /// Number of replicas: 1 only watches, 2 detect an error (and correct it with --checkpoint), 3 also tell which one is
    /// wrong and replace it.
    #[arg(short = 'n', long = "replicas", value_name = "N", default_value_t = rcb_keeper::config::DEFAULT_REPLICAS)]
    replicas: usize,
    /// When the replicas must meet.
    #[arg(long, value_enum, default_value = "output")]
    lockstep: Lockstep,
    /// CPUs for the replicas, in this order, such as 0,2 or 0-3 [default: from the current one on].
    #[arg(long, value_name = "LIST", conflicts_with = "placement")]
    cpus: Option<String>,
    /// Where replicas stand: same-socket (they tell each other quickly), different-socket (each has a cache of its own),
    /// auto (near at first, moved when that pays), or a list of CPUs [default: near, wherever there is room].
    #[arg(long, value_name = "WHERE")]
    placement: Option<String>,
    /// Ask for transparent huge pages (2 MiB) for the memory of the replicas.
    #[arg(long)]
    huge_pages: bool,
    /// Stop at the first fault, even where the replica to blame could be replaced (three replicas or more).
    #[arg(long, conflicts_with = "checkpoint")]
    no_heal: bool,
    /// Compare the memory of the replicas, a slice every so many seconds, and mend what differs from the majority; with two
    /// replicas a difference ends the run [default: never].
    #[arg(long, value_name = "SECONDS")]
    scrub: Option<f64>,
    /// Leave frozen copies of all replicas every so many seconds, to go back to when they disagree and no majority is right;
    /// they meet at every call then [default: never].
    #[arg(long, value_name = "SECONDS")]
    checkpoint: Option<f64>,
    /// Share of the time that checkpoints may take; they become rarer where they would take more.
    #[arg(long, value_name = "PERCENT", requires = "checkpoint", default_value_t = DEFAULT_BUDGET * 100.0)]
    checkpoint_budget: f64,
    /// A replica that lets another one wait for so long counts as faulty, one of three that computes on and on before; 0 waits
    /// for ever.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_DEADLINE.as_secs_f64())]
    deadline: f64,
    /// Write a record of the run to this file: JSON lines, with a version of the schema in the first.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Add the run to this store of CPUs and faults, for `rcb history` [default: what RCB_HISTORY names, if anything].
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Print counters at the end: calls by class, waits, bytes, times.
    #[arg(long)]
    stats: bool,
    /// Inject a fault (test facility): replica=R,call=N and one of reg=NAME,bit=B; mem=ADDRESS,bit=B;
    /// stack=OFFSET,bit=B; heap=OFFSET,bit=B; data=OFFSET,bit=B; result,bit=B; input,bit=B; hang; kill; kill-begun; kill-done.
    ///
    /// At system call number N (from 1) of replica R (from 0), bit B (0 unless said) of a register or of a byte of
    /// memory is inverted. Offsets count from the stack pointer, from the start of the brk heap and from the start of
    /// the program's writable data. `result` is the result register of the call, `input` the bytes it passes to the
    /// kernel; `hang` makes the replica spin for ever, `kill` ends it; `kill-begun` and `kill-done` end the leader when
    /// it has begun the call, or performed it, and has told nobody.
    #[arg(long, value_name = "SPEC", hide_short_help = true)]
    inject: Option<String>,
    /// Keep every system call on the slow signal path (measuring facility).
    #[arg(long, hide_short_help = true)]
    no_patch: bool,
    /// Pass descriptors over sockets, as where pidfd_getfd is denied (test facility).
    #[arg(long, hide_short_help = true)]
    force_fd_passing: bool,
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, required = true, value_name = "PROGRAM [ARGS]")]
    command: Vec<OsString>,
}

/// Reads the command line and does what it says.
pub(crate) fn dispatch(inherited: &Inherited) -> Result<Outcome> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            rcb_keeper::run::say(&error.to_string());
            return Ok(Outcome::Exit(exit::FAILED));
        }
        Err(help) => {
            let _ = help.print();
            return Ok(Outcome::Exit(if help.use_stderr() { exit::FAILED } else { 0 }));
        }
    };
    match cli.command {
        Command::Run(args) => match history::file(args.history.clone()) {
            Some(path) => history::recorded(config(*args)?, &path, inherited),
            None => Ok(rcb_keeper::run(&config(*args)?, inherited)?),
        },
        Command::History(args) => history::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Estimate(args) => estimate::run(&args),
        Command::Measure(args) => measure::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Inject(args) => campaign::run(&args),
        Command::Topology(args) => topology::run(&args),
        Command::Syscalls(args) => {
            print_table(&args)?;
            Ok(Outcome::Exit(0))
        }
    }
}

fn print_table(args: &SyscallsArgs) -> Result<()> {
    let text = if args.json {
        render::json::page()
    } else if args.markdown {
        render::markdown::page()
    } else {
        let mut lines = String::new();
        for row in rcb_syscalls::rows() {
            let (word, sentence) = match row.support {
                Support::Full => ("full", ""),
                Support::Partial(sentence) => ("partial", sentence),
                Support::None(sentence) => ("refused", sentence),
            };
            let line = format!("{:>4} {:<24} {word:<8} {sentence}", row.nr, row.name);
            lines.push_str(line.trim_end());
            lines.push('\n');
        }
        lines
    };
    std::io::stdout().write_all(text.as_bytes()).context("writing the table")
}

fn config(args: RunArgs) -> Result<RunConfig> {
    let mut command = args.command.into_iter();
    let program = command.next().context("no program is named")?;
    let mut config = RunConfig::new(program, command.collect());
    config.replicas = args.replicas;
    config.lockstep = match args.lockstep {
        Lockstep::Strict => rcb_keeper::config::Lockstep::Strict,
        Lockstep::Output => rcb_keeper::config::Lockstep::Output,
    };
    if let Some(list) = &args.cpus {
        config.placement = Placement::List(cpu_list(list)?);
    }
    if let Some(text) = &args.placement {
        config.placement = topology::placement(text)?;
    }
    config.deadline = match Duration::try_from_secs_f64(args.deadline) {
        Ok(deadline) => Some(deadline).filter(|deadline| !deadline.is_zero()),
        Err(_) => bail!("--deadline {}: a number of seconds is wanted, 0 for none", args.deadline),
    };
    config.record = args.record;
    config.stats = args.stats;
    config.hook = args.inject.as_deref().map(inject::parse).transpose()?;
    config.hook_text = args.inject;
    config.huge_pages = args.huge_pages;
    config.heals = !args.no_heal;
    config.scrub = args.scrub.map(|seconds| period("--scrub", seconds)).transpose()?;
    let budget = args.checkpoint_budget;
    if !(budget > 0.0 && budget <= 100.0) {
        bail!("--checkpoint-budget {budget}: a percentage above 0 and up to 100 is wanted");
    }
    let terms = |seconds| period("--checkpoint", seconds).map(|period| Terms { period, budget: budget / 100.0 });
    config.checkpoint = args.checkpoint.map(terms).transpose()?;
    config.no_patch = args.no_patch;
    config.force_fd_passing = args.force_fd_passing;
    Ok(config)
}

/// The period of an option.
fn period(option: &str, seconds: f64) -> Result<Duration> {
    let period = Duration::try_from_secs_f64(seconds).ok().filter(|period| *period >= Duration::from_millis(1));
    period.with_context(|| format!("{option} {seconds}: a number of seconds from 0.001 on is wanted"))
}

/// `0,2` or `0-3` or both.
pub(crate) fn cpu_list(text: &str) -> Result<Vec<u32>> {
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|cpu| *cpu < 1024);
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            bail!("--cpus {text}: '{part}' is neither a CPU (0 to 1023) nor a range such as 0-3");
        };
        if first > last {
            bail!("--cpus {text}: the range {part} runs backwards");
        }
        cpus.extend(first..=last);
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<RunConfig> {
        let cli = Cli::try_parse_from(line.split(' '))?;
        let Command::Run(args) = cli.command else { bail!("not a run") };
        config(*args)
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lists_of_cpus() {
        assert_eq!(cpu_list("0,2").expect("list"), [0, 2]);
        assert_eq!(cpu_list("3,0-2").expect("list"), [3, 0, 1, 2]);
        for bad in ["", "a", "2-1", "1-", "-1", "0,,1", "1024"] {
            assert!(cpu_list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn everything_behind_the_program_is_its_own() {
        let with = parse("rcb run -n 3 --deadline 0 -- ls -n 5 --stats").expect("parses");
        assert_eq!((with.replicas, with.stats, with.deadline), (3, false, None));
        assert_eq!(with.args, ["-n", "5", "--stats"]);
        let without = parse("rcb run --stats ls -n 5 -- x").expect("parses");
        assert_eq!((without.replicas, without.stats), (2, true));
        assert_eq!(without.args, ["-n", "5", "--", "x"]);
    }

    #[test]
    fn wrong_use_is_refused() {
        for line in [
            "rcb run",
            "rcb run --checkpoint-budget 3 -- x",
            "rcb run --",
            "rcb run --deadline -1 -- x",
            "rcb run -n x -- x",
            "rcb walk",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

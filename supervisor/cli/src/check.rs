//! `rcb check`: whether a program would run as replicas, from the calls it makes natively.

use anyhow::{Context, Result, bail};
use clap::Args;
use rcb_keeper::strace::assess::{Assessment, Level, assess};
use rcb_keeper::strace::observe::{Run, observe};
use rcb_keeper::strace::parse::parse;
use rcb_keeper::{Outcome, exit};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Text behind the options of `rcb check --help`.
const NOTES: &str = "\
The program runs once, natively and really: files it writes are written. Its input and output are its own; the
report goes to standard error. A call that this run does not make is not seen.

Exit status:
      0  nothing the program did is refused; what is supported in part only is told
      1  something is refused; the report says what
    125  rcb itself failed, 126 and 127 the program cannot be executed or was not found

Examples:
  rcb check bzip2 -k file
  strace -f -o calls.txt ./service & ...; rcb check --strace calls.txt";

#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct CheckArgs {
    /// Read what strace wrote instead of running a program.
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    strace: Option<PathBuf>,
    /// The program and its arguments.
    #[arg(trailing_var_arg = true, required_unless_present = "strace", value_name = "PROGRAM [ARGS]")]
    command: Vec<OsString>,
}

/// Observes or reads, then tells.
pub(crate) fn run(args: &CheckArgs) -> Result<Outcome> {
    let assessment = match &args.strace {
        Some(file) => read(file)?,
        None => watch(&args.command)?,
    };
    rcb_keeper::run::say(&describe(&assessment));
    Ok(Outcome::Exit(u8::from(!assessment.is_expected_to_run())))
}

fn read(file: &Path) -> Result<Assessment> {
    // strace may print bytes of file names that are no UTF-8.
    let text = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let parsed = parse(&String::from_utf8_lossy(&text));
    if parsed.observed.calls.is_empty() {
        bail!("{}: no system call is found in it; is it what strace -f -o wrote?", file.display());
    }
    if let Some((number, line)) = parsed.strange {
        rcb_keeper::run::say(&format!("{}:{number}: not understood and left out: {line}", file.display()));
    }
    Ok(assess(&parsed.observed))
}

fn watch(command: &[OsString]) -> Result<Assessment> {
    let (program, args) = command.split_first().context("no program is named")?;
    // The same search as for a replicated run, for the same errors.
    rcb_keeper::program::resolve(program, args, std::env::var_os("PATH").as_deref())?;
    let Run { observed, status, signal } = observe(command).context("observing the program (is ptrace allowed?)")?;
    match (status, signal) {
        (_, Some(signal)) => rcb_keeper::run::say(&format!("the program was ended by signal {signal}")),
        (Some(status), None) if status != 0 => {
            rcb_keeper::run::say(&format!("the program ended with status {status}"));
        }
        _ => {}
    }
    Ok(assess(&observed))
}

/// The report.
fn describe(assessment: &Assessment) -> String {
    let started = |count: u64, one: &str, many: &str| match count {
        0 => String::new(),
        1 => format!(", 1 {one} started"),
        count => format!(", {count} {many} started"),
    };
    let mut lines = vec![format!(
        "{} system calls{}{}",
        assessment.total,
        started(assessment.processes, "process", "processes"),
        started(assessment.threads, "thread", "threads"),
    )];
    let width = assessment.lines.iter().map(|line| line.count.to_string().len()).max().unwrap_or(0);
    for line in &assessment.lines {
        let level = match line.level {
            Level::Refused => "refused",
            Level::Partial => "partial",
        };
        lines.push(format!("{level}  {:>width$} x {}: {}", line.count, line.name, line.reason));
    }
    let verdict = if assessment.is_full() {
        "nothing is refused (exit status 0): the program is expected to run, every call it made is supported"
    } else if assessment.is_expected_to_run() {
        "nothing is refused (exit status 0): the program is expected to run, unless it needs what is missing in part"
    } else if assessment.threads > 0 {
        "calls are refused (exit status 1): the program starts threads and is not expected to run"
    } else {
        "calls are refused (exit status 1): the program gets errors from them and runs only if it can do without them"
    };
    lines.push(verdict.into());
    lines.join("\n")
}

/// Codes of our own that this command gives, so that the text above cannot go stale.
const _: () = assert!(exit::FAILED == 125 && exit::CANNOT_EXECUTE == 126 && exit::NOT_FOUND == 127);

#[cfg(test)]
mod tests {
    use super::*;
    use rcb_keeper::strace::assess::Line;

    fn assessment(lines: &[(Level, &str)], processes: u64) -> Assessment {
        let line = |(level, name): &(Level, &str)| Line {
            level: *level,
            name: (*name).into(),
            count: 12,
            reason: "a reason".into(),
        };
        Assessment { total: 100, threads: 0, processes, lines: lines.iter().map(line).collect() }
    }

    #[test]
    fn the_last_line_says_whether_it_runs() {
        let last = |lines: &[(Level, &str)], threads| {
            let assessed = Assessment { threads, ..assessment(lines, 0) };
            describe(&assessed).lines().last().map(String::from)
        };
        assert!(
            last(&[], 0)
                .unwrap()
                .starts_with("nothing is refused (exit status 0): the program is expected to run, every")
        );
        assert!(last(&[(Level::Partial, "a")], 0).unwrap().contains("expected to run, unless"));
        assert!(last(&[(Level::Refused, "a"), (Level::Partial, "b")], 0).unwrap().contains("gets errors"));
        assert!(last(&[(Level::Refused, "clone")], 2).unwrap().contains("(exit status 1): the program starts threads"));
    }

    #[test]
    fn every_call_is_told_with_count_and_reason() {
        let text = describe(&assessment(&[(Level::Refused, "fork"), (Level::Partial, "capget")], 1));
        assert!(text.starts_with("100 system calls, 1 process started\n"), "{text}");
        assert!(text.contains("refused  12 x fork: a reason\n"), "{text}");
        assert!(text.contains("partial  12 x capget: a reason\n"), "{text}");
    }

    #[test]
    fn text_that_is_no_strace_output_is_refused() {
        let folder = std::env::temp_dir().join(format!("rcb-check-{}", std::process::id()));
        fs::write(&folder, "hello\n").unwrap();
        let result = read(&folder);
        fs::remove_file(&folder).unwrap();
        assert!(result.is_err());
    }
}

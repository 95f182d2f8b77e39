//! `rcb doctor`: prints what was found about kernel and machine.

use anyhow::{Context, Result};
use clap::Args;
use rcb_keeper::Outcome;
use rcb_keeper::doctor::{Finding, Level, examine, is_usable};
use serde::Serialize;
use std::io::Write;

/// Text behind the options of `rcb doctor --help`.
const NOTES: &str = "\
Exit status:
    0  replicated runs work here (perhaps within the limits that are told)
    1  they do not; what is missing is told";

#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct DoctorArgs {
    /// Print the findings as one JSON object.
    #[arg(long)]
    json: bool,
}

/// The JSON form.
#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    usable: bool,
    findings: &'a [Finding],
}

/// Examines and prints.
pub(crate) fn run(args: &DoctorArgs) -> Result<Outcome> {
    let findings = examine();
    let usable = is_usable(&findings);
    let text = if args.json {
        serde_json::to_string_pretty(&Report { schema: 1, usable, findings: &findings })? + "\n"
    } else {
        describe(&findings)
    };
    std::io::stdout().write_all(text.as_bytes()).context("writing the findings")?;
    Ok(Outcome::Exit(u8::from(!usable)))
}

/// One line for each finding, and two more where something is wrong.
fn describe(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for finding in findings {
        let level = match finding.level {
            Level::Ok => "ok",
            Level::Limited => "limited",
            Level::Missing => "MISSING",
        };
        lines.push(format!("{level:<8} {:<width$}  {}", finding.name, finding.found));
        for (word, sentence) in [("then", finding.effect), ("do", finding.advice)] {
            if !sentence.is_empty() {
                let word = format!("{word}:");
                lines.push(format!("{:<8} {word:>width$}  {sentence}", ""));
            }
        }
    }
    let limited = findings.iter().filter(|finding| finding.level == Level::Limited).count();
    let verdict = match (is_usable(findings), limited) {
        (true, 0) => "Replicated runs work here.",
        (true, _) => "Replicated runs work here, within the limits above.",
        (false, _) => "Replicated runs do not work here: see what is MISSING.",
    };
    lines.push(verdict.into());
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(level: Level, effect: &'static str, advice: &'static str) -> Finding {
        Finding { name: "thing", level, found: "seen".into(), effect, advice }
    }

    #[test]
    fn each_level_reads_well() {
        let good = describe(&[finding(Level::Ok, "", "")]);
        assert_eq!(good, "ok       thing  seen\nReplicated runs work here.\n");
        let limited = describe(&[finding(Level::Limited, "it is slow", "wait")]);
        assert_eq!(limited.lines().count(), 4, "{limited}");
        assert!(limited.contains("then:  it is slow\n") && limited.contains("do:  wait\n"), "{limited}");
        assert!(limited.ends_with("within the limits above.\n"));
        assert!(describe(&[finding(Level::Missing, "a", "b")]).ends_with("see what is MISSING.\n"));
    }
}

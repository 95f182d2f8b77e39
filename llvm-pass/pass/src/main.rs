//! `rcb-harden IN -o OUT [--protect P] [--only PATTERN] [--except PATTERN] [--list FILE] [--report FILE] [--text]`:
//! the pass as a program of its own, which rcbcc starts, so that rcbcc itself needs no LLVM to say that it is missing.
//!
//! Reads bitcode or IR text, writes bitcode (IR text with `--text`). The report is JSON.

use anyhow::{Context, Result, bail};
use rcb_pass::{Mistake, Options, Protection, harden};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: rcb-harden IN -o OUT [--protect none|swift|swift+cfc] [--only PATTERN]... \
                     [--except PATTERN]... [--list FILE]... [--report FILE] [--text]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rcb-harden: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut words = std::env::args_os().skip(1);
    let mut options = Options::new(Protection::SWIFT);
    let (mut input, mut output, mut report) = (None, None, None);
    let mut with_text = false;
    while let Some(word) = words.next() {
        let mut next = || words.next().context(USAGE);
        match word.to_str() {
            Some("-o") => output = Some(PathBuf::from(next()?)),
            Some("--report") => report = Some(PathBuf::from(next()?)),
            Some("--text") => with_text = true,
            Some("--protect") => {
                options.protection = next()?.to_string_lossy().parse().map_err(anyhow::Error::msg)?;
            }
            Some("--only") => options.only.push(next()?.to_string_lossy().into_owned()),
            Some("--except") => options.except.push(next()?.to_string_lossy().into_owned()),
            Some("--list") => {
                let path = PathBuf::from(next()?);
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                options.read_list(&text).map_err(anyhow::Error::msg).with_context(|| path.display().to_string())?;
            }
            Some("--mistake") => {
                options.mistake = Some(match next()?.to_str() {
                    Some("shared-operand") => Mistake::SharedOperand,
                    Some("wrong-operation") => Mistake::WrongOperation,
                    Some("late-shared-operand") => Mistake::LateSharedOperand,
                    _ => bail!("--mistake: shared-operand, late-shared-operand or wrong-operation"),
                });
            }
            Some(option) if option.starts_with("--") => bail!("unknown option {option}\n{USAGE}"),
            _ if input.is_none() => input = Some(PathBuf::from(word)),
            _ => bail!("{USAGE}"),
        }
    }
    let (Some(input), Some(output)) = (input, output) else { bail!("{USAGE}") };
    let bytes = std::fs::read(&input).with_context(|| input.display().to_string())?;
    let hardened = harden(&bytes, &input.to_string_lossy(), &options, with_text)?;
    let content = hardened.text.as_ref().map_or(&hardened.bitcode[..], |text| text.as_bytes());
    if let Err(error) = std::fs::write(&output, content) {
        let _ = std::fs::remove_file(&output);
        return Err(error).with_context(|| output.display().to_string());
    }
    if let Some(path) = report {
        std::fs::write(&path, serde_json::to_vec(&hardened.report)?).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

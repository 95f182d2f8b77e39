//! rcbcc: a C and C++ compiler, and a linker for rustc, whose programs notice bit flips.
//!
//! ```text
//!   source --clang -O2 -emit-llvm--> bitcode --rcb-harden--> bitcode --clang, code generation only--> object
//!                                                                        |
//!                                                         audit: is the redundancy still there?
//! ```
//!
//! Exit status: the failing step's own; 1 for errors of rcbcc itself.

mod args;
mod cargo;
mod compile;
mod harden;
mod link;
mod show;
mod tools;
mod unhardened;

use args::Stop;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;

const USAGE: &str = "\
usage: rcbcc [OPTIONS OF rcbcc] OPTIONS AND FILES AS FOR clang
       rcbc++ ...                      the same for C++
       rcbcc cargo build --release     a Rust program with its standard library
       rcbcc --show FILE               what was done to an object, an archive or an executable

  --protect none|swift|swift+cfc   the scheme (swift)
  --protect-only PATTERN           only functions whose symbol matches (may be given again; * stands for any text)
  --no-protect PATTERN             not these functions
  --protect-list FILE              lines `protect PATTERN` and `leave PATTERN`
  --report FILE                    per function: protected or why not, checks, growth (JSON when FILE ends in .json)
  --require-hardening              fail when anything stays unprotected
  --allow-unhardened PATTERN       but not because of this function or file
  --catch-signals                  SIGSEGV, SIGBUS and SIGILL arrive at the fault handler, too (when linking)
  --no-audit                       do not look at the machine code
  -v                               show the steps

The environment variable RCBCC_OPTIONS holds options that are put before the others.";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            // A step that failed has said why itself; its status is ours.
            if let Some(failed) = error.downcast_ref::<tools::Failed>() {
                return end_like(failed.0);
            }
            eprintln!("rcbcc: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Ends as a step ended: with its exit status, or by its signal.
fn end_like(status: std::process::ExitStatus) -> ExitCode {
    if let Some(number) = status.signal()
        && let Ok(signal) = nix::sys::signal::Signal::try_from(number)
    {
        let _ = nix::sys::signal::raise(signal);
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn run() -> anyhow::Result<ExitCode> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let name = if words.is_empty() { OsString::new() } else { words.remove(0) };
    let is_cpp = name.to_string_lossy().ends_with("++");
    if words.is_empty() || words.first().is_some_and(|word| word == "--help") {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let preset = std::env::var("RCBCC_OPTIONS").unwrap_or_default();
    let preset: Vec<OsString> = preset.split_whitespace().map(OsString::from).collect();
    if let Some(at) = words.iter().position(|word| word == "cargo") {
        let ours = args::parse([preset, words[..at].to_vec()].concat()).map_err(anyhow::Error::msg)?;
        return cargo::run(&words[..at], &ours, &words[at + 1..]);
    }
    let words = args::expand([preset, words].concat());
    let parsed = args::parse(words.clone()).map_err(anyhow::Error::msg)?;
    if let Some(path) = &parsed.ours.show {
        return show::show(path);
    }
    let tools = tools::Tools::find(is_cpp, parsed.ours.verbose)?;
    if let Some((option, reason)) = parsed.refused.first() {
        anyhow::bail!("{} cannot be honoured: {reason}", option.to_string_lossy());
    }
    match parsed.stop {
        Stop::Other => only_clang(&tools, &words),
        _ if parsed.inputs.is_empty() => only_clang(&tools, &words),
        Stop::Object | Stop::Assembly => compile::each(&tools, &parsed),
        Stop::Link => link::link(&tools, &parsed),
    }
}

/// Nothing is generated: the compiler's own business, without our options.
fn only_clang(tools: &tools::Tools, words: &[OsString]) -> anyhow::Result<ExitCode> {
    let mut command = tools.clang();
    let mut rest = words.iter();
    let ours = ["--protect", "--protect-only", "--no-protect", "--protect-list", "--report", "--allow-unhardened"];
    let flags = ["--no-audit", "--require-hardening", "--catch-signals"];
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy();
        if ours.contains(&&*text) {
            rest.next();
        } else if !flags.contains(&&*text) && !ours.iter().any(|name| text.starts_with(&format!("{name}="))) {
            command.arg(word);
        }
    }
    tools.run(&mut command)?;
    Ok(ExitCode::SUCCESS)
}

//! `rcbcc cargo ...`: cargo with the settings under which rustc hands over one piece of bitcode for the whole program,
//! standard library included, and with rcbcc as the linker.
//!
//! The target is named, so that build scripts and procedural macros, which run on this machine, are built without.

use crate::args::Args;
use crate::tools;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::process::{Command, ExitCode};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs cargo. `own` are the words before `cargo`: options of rcbcc, which reach the linker through the environment.
pub(crate) fn run(own: &[OsString], parsed: &Args, words: &[OsString]) -> Result<ExitCode> {
    if !parsed.inputs.is_empty() || !parsed.compile.is_empty() {
        bail!("only options of rcbcc may stand before `cargo`");
    }
    tools::Tools::find(false, false)?;
    let mut profile = "dev".to_owned();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy();
        if text == "--release" || text == "-r" {
            "release".clone_into(&mut profile);
        } else if let Some(name) = text.strip_prefix("--profile=") {
            name.clone_into(&mut profile);
        } else if text == "--profile" {
            rest.clone()
                .next()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
                .clone_into(&mut profile);
        } else if text.starts_with("--target") && !text.starts_with("--target-dir") && !text.ends_with(TARGET) {
            let next = rest.clone().next();
            if text != "--target" || next.is_none_or(|next| next != TARGET) {
                bail!("only --target {TARGET} can be hardened");
            }
        } else if text == "--" {
            break;
        }
    }
    let linker = std::env::current_exe().context("cannot find this program")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(words).env("CARGO_BUILD_TARGET", TARGET);
    let prefix = format!("CARGO_PROFILE_{}", profile.to_uppercase().replace('-', "_"));
    for (name, value) in [("LTO", "fat"), ("CODEGEN_UNITS", "1"), ("PANIC", "abort"), ("INCREMENTAL", "false")] {
        cargo.env(format!("{prefix}_{name}"), value);
    }
    let given = std::env::var("RUSTFLAGS").unwrap_or_default();
    cargo.env("RUSTFLAGS", format!("{given} -C linker-plugin-lto -C linker={}", linker.display()).trim());
    let mut options: Vec<_> = std::env::var("RCBCC_OPTIONS").into_iter().collect();
    options.extend(own.iter().map(|word| word.to_string_lossy().into_owned()));
    cargo.env("RCBCC_OPTIONS", options.join(" "));
    let status = cargo.status().context("cannot start cargo")?;
    if status.success() { Ok(ExitCode::SUCCESS) } else { Err(tools::Failed(status).into()) }
}

//! `rcb-inject [--count N] [--seed N] [--group general|vector|ip] PROGRAM ARGS`: a campaign on one program.

use anyhow::{Context, Result, bail};
use rcb_inject::{Group, Program, campaign};

const USAGE: &str = "usage: rcb-inject [--count N] [--seed N] [--group general|vector|ip] PROGRAM [ARGUMENTS]";

fn main() -> Result<()> {
    let mut words = std::env::args_os().skip(1).peekable();
    let (mut count, mut seed, mut group) = (1000, 1, Group::GeneralAndVector);
    while let Some(option) = words.next_if(|word| word.to_string_lossy().starts_with("--")) {
        let value = words.next().context(USAGE)?.to_string_lossy().into_owned();
        match option.to_string_lossy().as_ref() {
            "--count" => count = value.parse().context("--count")?,
            "--seed" => seed = value.parse().context("--seed")?,
            "--group" => {
                group = match value.as_str() {
                    "general" => Group::General,
                    "vector" => Group::GeneralAndVector,
                    "ip" => Group::InstructionPointer,
                    _ => bail!(USAGE),
                }
            }
            _ => bail!(USAGE),
        }
    }
    let path = words.next().context(USAGE)?.into();
    let program = Program { path, arguments: words.collect() };
    let found = campaign(&program, group, count, seed)?;
    println!("{}; undisturbed run {:.2} ms, seed {seed}", found.counts, found.golden.length.as_secs_f64() * 1e3);
    for injection in &found.silent {
        println!("  silent: number {}, {} at {:#x}", injection.index, injection.place, injection.at);
    }
    Ok(())
}

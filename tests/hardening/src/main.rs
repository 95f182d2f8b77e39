//! `rcb-hardening-bench [--quick] [--programs FOLDER | --module | --campaign COUNT]`: what hardening costs and detects.
//!
//! Cost: user time of each kernel at -O2, `none` and the schemes through the same pipeline, runs interleaved, medians,
//! geometric mean. With `--programs` the same for the programs that `programs.sh` has put into a folder, with `--module`
//! the time that hardening itself takes. Campaign: single-bit flips in general registers, flags and vector registers, and
//! in the instruction pointer.

mod cost;
mod module;

use anyhow::{Context, Result};
use rcb_hardening_tests::{DATA, KERNELS, build, campaign, kernel};
use rcb_inject::{Class, Counts, Target};
use std::path::Path;

const SCHEMES: [&str; 3] = ["none", "swift", "swift+cfc"];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| words.iter().any(|word| word == option);
    let value = |option: &str| {
        let at = words.iter().position(|word| word == option);
        at.map(|at| words.get(at + 1).with_context(|| format!("{option} wants a word behind it"))).transpose()
    };
    let is_quick = has("--quick");
    let rounds = if is_quick { 3 } else { 11 };
    let folder = tempfile::tempdir()?;
    if let Some(programs) = value("--programs")? {
        return cost::programs(Path::new(programs), rounds);
    }
    if has("--module") {
        return module::module(folder.path(), if is_quick { 1 } else { 3 });
    }
    let count = value("--campaign")?.map(|count| count.parse::<u64>().context("--campaign COUNT")).transpose()?;
    for (name, ..) in KERNELS {
        for scheme in SCHEMES {
            build(&kernel(name), &folder.path().join(format!("{name}-{scheme}")), &["--protect", scheme, "-O2"])?;
        }
    }
    match count {
        Some(count) => inject(folder.path(), count),
        None => cost::kernels(folder.path(), &SCHEMES, rounds),
    }
}

fn inject(folder: &Path, count: u64) -> Result<()> {
    let groups = [("general, flags, vector", &DATA[..]), ("instruction pointer", &[Target::Ip])];
    for (title, targets) in groups {
        println!(
            "{title}\n\n| kernel | scheme | run, ms | outcome | silent x time, against none |\n|---|---|---:|---|---:|"
        );
        let mut pooled = [Counts::default(); 3];
        for (name, argument, _) in KERNELS {
            let mut unhardened = None;
            for (scheme, pooled) in SCHEMES.iter().zip(&mut pooled) {
                let path = folder.join(format!("{name}-{scheme}"));
                let found = campaign(&path, argument, targets, count, 1)?;
                let counts = found.counts();
                *pooled += counts;
                let milliseconds = found.golden.length.as_secs_f64() * 1e3;
                let failures = counts.share(Class::Silent).share * milliseconds;
                let against = failures / *unhardened.get_or_insert(failures);
                println!("| {name} | {scheme} | {milliseconds:.1} | {counts} | {against:.4} |");
            }
        }
        for (scheme, pooled) in SCHEMES.iter().zip(pooled) {
            println!("| all | {scheme} | | {pooled} | |");
        }
        println!();
    }
    Ok(())
}

//! `rcb-hardening-bench [--quick] [--campaign COUNT]`: what hardening costs, and with `--campaign` what it detects.
//!
//! Cost: user time of each kernel at -O2, `none` and the schemes through the same pipeline, runs interleaved, medians,
//! geometric mean. Campaign: single-bit flips in general registers, flags and vector registers.

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use rcb_hardening_tests::{DATA, KERNELS, build, campaign, kernel};
use rcb_inject::{Class, Counts, Target};
use std::path::Path;
use std::process::{Command, Stdio};

const SCHEMES: [&str; 3] = ["none", "swift", "swift+cfc"];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let rounds = if words.iter().any(|word| word == "--quick") { 3 } else { 11 };
    let at = words.iter().position(|word| word == "--campaign");
    let count =
        at.map(|at| words.get(at + 1).context("--campaign COUNT")?.parse::<u64>().context("COUNT")).transpose()?;
    let folder = tempfile::tempdir()?;
    for (name, ..) in KERNELS {
        for scheme in SCHEMES {
            build(&kernel(name), &folder.path().join(format!("{name}-{scheme}")), &["--protect", scheme, "-O2"])?;
        }
    }
    match count {
        Some(count) => inject(folder.path(), count),
        None => cost(folder.path(), rounds),
    }
}

fn cost(folder: &Path, rounds: usize) -> Result<()> {
    println!("| kernel | none, s | swift | swift+cfc |\n|---|---:|---:|---:|");
    let mut logarithms = [0.0; 2];
    for (name, _, argument) in KERNELS {
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..rounds {
            for (scheme, times) in SCHEMES.iter().zip(&mut times) {
                times.push(user_seconds(&folder.join(format!("{name}-{scheme}")), argument)?);
            }
        }
        let medians = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        });
        let ratios = [medians[1] / medians[0], medians[2] / medians[0]];
        println!("| {name} | {:.2} | {:.2} | {:.2} |", medians[0], ratios[0], ratios[1]);
        for (sum, ratio) in logarithms.iter_mut().zip(ratios) {
            *sum += ratio.ln() / KERNELS.len() as f64;
        }
    }
    println!("| geometric mean | | {:.2} | {:.2} |", logarithms[0].exp(), logarithms[1].exp());
    Ok(())
}

/// User time of one run in seconds.
fn user_seconds(program: &Path, argument: &str) -> Result<f64> {
    let used = || -> Result<f64> {
        let time = getrusage(UsageWho::RUSAGE_CHILDREN)?.user_time();
        Ok(time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6)
    };
    let before = used()?;
    if !Command::new(program).arg(argument).stdout(Stdio::null()).status()?.success() {
        bail!("{} failed", program.display());
    }
    Ok(used()? - before)
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

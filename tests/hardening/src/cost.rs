//! What hardened programs cost: user time, runs of all schemes interleaved, medians.

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use rcb_hardening_tests::KERNELS;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The kernels, `none` and every other scheme, with the geometric mean.
pub(crate) fn kernels(folder: &Path, schemes: &[&str], rounds: usize) -> Result<()> {
    println!("| kernel | {}, s | {} |", schemes[0], schemes[1..].join(" | "));
    println!("|---|{}", "---:|".repeat(schemes.len()));
    let mut logarithms = vec![0.0; schemes.len()];
    for (name, _, argument) in KERNELS {
        let commands = schemes.iter().map(|scheme| {
            let mut command = Command::new(folder.join(format!("{name}-{scheme}")));
            command.arg(argument).stdout(Stdio::null());
            command
        });
        let medians: Vec<_> = interleaved(commands.collect(), rounds)?.iter().map(|times| median(times)).collect();
        let ratios: Vec<_> = medians.iter().map(|time| time / medians[0]).collect();
        println!("| {name} | {:.2} | {} |", medians[0], row(&ratios[1..]));
        for (sum, ratio) in logarithms.iter_mut().zip(ratios) {
            *sum += ratio.ln() / KERNELS.len() as f64;
        }
    }
    let means: Vec<_> = logarithms.iter().map(|sum| sum.exp()).collect();
    println!("| geometric mean | | {} |", row(&means[1..]));
    Ok(())
}

fn row(ratios: &[f64]) -> String {
    ratios.iter().map(|ratio| format!("{ratio:.2}")).collect::<Vec<_>>().join(" | ")
}

/// Real programs in a folder that `programs.sh` has filled: `none` against `swift`, pair by pair.
pub(crate) fn programs(folder: &Path, rounds: usize) -> Result<()> {
    let text = folder.join("text");
    let input = || File::open(&text).with_context(|| format!("{}: programs.sh makes it", text.display()));
    let all: [(&str, &[&str]); 3] = [
        ("sqlite3 speedtest1", &["--size", "40", ":memory:"]),
        ("zlib minigzip", &["-9"]),
        ("hexyl", &["--color", "always"]),
    ];
    println!("| program | none, s | swift | range |\n|---|---:|---:|---:|");
    for (name, arguments) in all {
        let mut pairs = Vec::new();
        let mut none = Vec::new();
        for _ in 0..rounds {
            let mut times = Vec::new();
            for scheme in ["none", "swift"] {
                let program = name.rsplit(' ').next().unwrap_or(name);
                let mut command = Command::new(folder.join(format!("{program}-{scheme}")));
                command.args(arguments).stdin(input()?).stdout(Stdio::null());
                times.push(cpu_seconds(&mut command, Cpu::User)?);
            }
            pairs.push(times[1] / times[0]);
            none.push(times[0]);
        }
        pairs.sort_by(f64::total_cmp);
        let range = format!("{:.2} to {:.2}", pairs[0], pairs[pairs.len() - 1]);
        println!("| {name} | {:.2} | {:.2} | {range} |", median(&none), median(&pairs));
    }
    Ok(())
}

/// Every command once per round: their user times.
fn interleaved(mut commands: Vec<Command>, rounds: usize) -> Result<Vec<Vec<f64>>> {
    let mut times = vec![Vec::new(); commands.len()];
    for _ in 0..rounds {
        for (command, times) in commands.iter_mut().zip(&mut times) {
            times.push(cpu_seconds(command, Cpu::User)?);
        }
    }
    Ok(times)
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Which time of the CPU.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cpu {
    User,
    UserAndSystem,
}

/// Time that one run, with all its children, has spent on the CPU, in seconds.
pub(crate) fn cpu_seconds(command: &mut Command, which: Cpu) -> Result<f64> {
    let used = || -> Result<f64> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let times = [Some(usage.user_time()), (which == Cpu::UserAndSystem).then(|| usage.system_time())];
        Ok(times.iter().flatten().map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6).sum())
    };
    let before = used()?;
    let program = PathBuf::from(command.get_program());
    if !command.status().with_context(|| program.display().to_string())?.success() {
        bail!("{} failed", program.display());
    }
    Ok(used()? - before)
}

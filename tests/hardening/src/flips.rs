//! What hardened programs notice: single-bit flips in every kernel, hardened and not.

use anyhow::{Result, bail};
use rcb_hardening_tests::{DATA, KERNELS, campaign};
use rcb_inject::{Class, Counts, Store, Target};
use std::path::Path;

/// What is hit, and its title.
type Group = (&'static str, &'static [Target]);

const GROUPS: [Group; 2] = [("general, flags, vector", &DATA), ("instruction pointer", &[Target::Ip])];

/// The groups of a word: `data`, `ip`, or both.
pub(crate) fn groups(word: Option<&String>) -> Result<Vec<Group>> {
    match word.map(String::as_str) {
        None => Ok(GROUPS.to_vec()),
        Some("data") => Ok(vec![GROUPS[0]]),
        Some("ip") => Ok(vec![GROUPS[1]]),
        Some(other) => bail!("--target {other}: there are data and ip"),
    }
}

/// So many flips per group, kernel and scheme: a table of each group, and the numbers of the silent trials where they are few.
pub(crate) fn all(folder: &Path, groups: &[Group], schemes: &[&str], count: u64, store: &Store) -> Result<()> {
    for (title, targets) in groups {
        println!(
            "{title}\n\n| kernel | scheme | run, ms | outcome | silent x time, against {} |\n|---|---|---:|---|---:|",
            schemes[0]
        );
        let mut pooled = vec![Counts::default(); schemes.len()];
        let mut silent = Vec::new();
        for (name, argument, _) in KERNELS {
            let mut first = None;
            for (scheme, pooled) in schemes.iter().zip(&mut pooled) {
                let path = folder.join(format!("{name}-{scheme}"));
                let found = campaign(&path, argument, targets, count, 1, store)?;
                let counts = found.counts();
                *pooled += counts;
                let milliseconds = found.golden.length.as_secs_f64() * 1e3;
                let failures = counts.share(Class::Silent).share * milliseconds;
                let base = *first.get_or_insert(failures);
                let against = if base > 0.0 { format!("{:.4}", failures / base) } else { "-".to_owned() };
                println!("| {name} | {scheme} | {milliseconds:.1} | {counts} | {against} |");
                if *scheme != "none" {
                    let rows = found.rows.iter().filter(|row| row.class == Class::Silent);
                    silent.extend(rows.map(|row| format!("{name} {scheme}: trial {} at {}", row.number, row.at)));
                }
            }
        }
        for (scheme, pooled) in schemes.iter().zip(pooled) {
            println!("| all | {scheme} | | {pooled} | |");
        }
        println!();
        if !silent.is_empty() {
            println!("silent:\n{}\n", silent.join("\n"));
        }
    }
    Ok(())
}

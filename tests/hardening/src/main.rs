//! `rcb-hardening-bench [--quick] [--programs FOLDER | --module | --campaign COUNT]`: what hardening costs and detects.
//!
//! Cost: user time of each kernel at -O2, `none` and the schemes through the same pipeline, runs interleaved, medians,
//! geometric mean. With `--programs` the same for the programs that `programs.sh` has put into a folder, with `--module`
//! the time that hardening itself takes. Campaign: single-bit flips in general registers, flags and vector registers, and
//! in the instruction pointer; `--target data` or `--target ip` takes one of the two, `--schemes LIST` some of the
//! schemes, `--keep FOLDER` leaves the programs and the store of trials there, so that an interrupted campaign goes on and
//! `rcb inject --trial` repeats one (another state of the pass needs another folder).

mod cost;
mod flips;
mod module;

use anyhow::{Context, Result, bail};
use rcb_hardening_tests::{KERNELS, build, kernel};
use rcb_inject::Store;
use std::path::{Path, PathBuf};

const SCHEMES: [&str; 3] = ["none", "swift", "swift+cfc"];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| words.iter().any(|word| word == option);
    let value = |option: &str| {
        let at = words.iter().position(|word| word == option);
        at.map(|at| words.get(at + 1).with_context(|| format!("{option} wants a word behind it"))).transpose()
    };
    let mut unread = words.iter();
    while let Some(word) = unread.next() {
        match word.as_str() {
            "--quick" | "--module" => {}
            "--programs" | "--campaign" | "--target" | "--schemes" | "--keep" => _ = unread.next(),
            _ => bail!("{word}: there are --quick, --module, --programs, --campaign, --target, --schemes and --keep"),
        }
    }
    let is_quick = has("--quick");
    let rounds = if is_quick { 3 } else { 11 };
    let temporary = tempfile::tempdir()?;
    let kept = value("--keep")?.map(PathBuf::from);
    let folder = kept.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    if let Some(programs) = value("--programs")? {
        return cost::programs(Path::new(programs), rounds);
    }
    if has("--module") {
        return module::module(folder, if is_quick { 1 } else { 3 });
    }
    let count = value("--campaign")?.map(|count| count.parse::<u64>().context("--campaign COUNT")).transpose()?;
    let schemes: Vec<&str> = value("--schemes")?.map_or(SCHEMES.to_vec(), |list| list.split(',').collect());
    for (name, ..) in KERNELS {
        for scheme in &schemes {
            build(&kernel(name), &folder.join(format!("{name}-{scheme}")), &["--protect", scheme, "-O2"])?;
        }
    }
    let Some(count) = count else {
        return cost::kernels(folder, &schemes, rounds);
    };
    let groups = flips::groups(value("--target")?)?;
    let store = if kept.is_some() { Store::open(&folder.join("trials.db"))? } else { Store::in_memory()? };
    flips::all(folder, &groups, &schemes, count, &store)
}

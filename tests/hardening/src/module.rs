//! What hardening a large module costs: the CPU time of `rcbcc`, which is the pass, code generation of what it has made
//! and the audit, against code generation alone of the module as it was.
//!
//! The module is the sqlite3 that the store of campaigns is linked with, its extensions and assertions switched on:
//! 4.5 MB of bitcode after -O2. What disturbs a run makes it longer, so the shortest of several is shown.

use crate::cost::{Cpu, cpu_seconds};
use anyhow::{Context, Result, bail};
use rcb_hardening_tests::{clang, rcbcc, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Extensions and assertions.
const WITH: [&str; 8] = [
    "DEBUG",
    "ENABLE_FTS3",
    "ENABLE_FTS4",
    "ENABLE_FTS5",
    "ENABLE_GEOPOLY",
    "ENABLE_RTREE",
    "ENABLE_SESSION",
    "ENABLE_PREUPDATE_HOOK",
];

/// Hardens it as often as there are rounds, without and with debug information.
pub(crate) fn module(folder: &Path, rounds: usize) -> Result<()> {
    println!("| module | MB | code generation alone, s | pass, s | rcbcc, s | times |\n|---|---:|---:|---:|---:|---:|");
    for (name, debug) in [("sqlite3 -O2", "-g0"), ("sqlite3 -O2 -g", "-g")] {
        let [plain, hardened, object] = ["plain.bc", "hardened.bc", "module.o"].map(|name| folder.join(name));
        let mut front = Command::new(clang());
        front.args(["-O2", debug, "-c", "-emit-llvm"]).arg(sqlite3()?).arg("-o").arg(&plain);
        front.args(WITH.map(|option| format!("-DSQLITE_{option}")));
        cpu_seconds(&mut front, Cpu::UserAndSystem)?;
        let mut alone = Command::new(clang());
        alone.args(["-O2", "-c", "-Xclang", "-disable-llvm-passes", "-Wno-override-module", "-x", "ir"]);
        alone.arg(&plain).arg("-o").arg(&object);
        let mut pass = Command::new(rcbcc()?.with_file_name("rcb-harden"));
        pass.arg(&plain).arg("-o").arg(&hardened);
        let mut whole = Command::new(rcbcc()?);
        whole.args(["-O2", "-c", "-x", "ir"]).arg(&plain).arg("-o").arg(&object);
        let mut least = [f64::MAX; 3];
        for _ in 0..rounds {
            for (command, least) in [&mut alone, &mut pass, &mut whole].into_iter().zip(&mut least) {
                *least = least.min(cpu_seconds(command, Cpu::UserAndSystem)?);
            }
        }
        let size = std::fs::metadata(&plain)?.len() as f64 / 1e6;
        let [alone, pass, whole] = least;
        println!("| {name} | {size:.1} | {alone:.2} | {pass:.2} | {whole:.2} | {:.2} |", whole / alone);
    }
    Ok(())
}

/// The source, where cargo has put it.
fn sqlite3() -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let found = cargo.args(["metadata", "--locked", "--format-version", "1"]).current_dir(root()).output()?;
    if !found.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&found.stderr));
    }
    let all: serde_json::Value = serde_json::from_slice(&found.stdout)?;
    let packages = all["packages"].as_array().context("cargo metadata lists packages")?;
    let package = packages.iter().find(|package| package["name"] == "libsqlite3-sys");
    let manifest =
        package.and_then(|package| package["manifest_path"].as_str()).context("libsqlite3-sys is missing")?;
    Ok(Path::new(manifest).with_file_name("sqlite3").join("sqlite3.c"))
}

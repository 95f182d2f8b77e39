//! What the tests and the benchmark of hardened programs share: kernels, and building them with `rcbcc`.

use anyhow::{Context, Result, bail};
use rcb_inject::{Campaign, Faults, Found, Kind, Nobody, Store, Subject, Target};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A kernel: name, argument for a run of some milliseconds, argument for a run that can be timed.
pub const KERNELS: [(&str, &str, &str); 6] = [
    ("crc32", "20", "3000"),
    ("matmul", "8", "3000"),
    ("quicksort", "60000", "5000000"),
    ("dijkstra", "10", "3000"),
    ("sha256", "6000", "3000000"),
    ("vote", "200", "100000"),
];

/// General registers, flags and vector registers: data.
pub const DATA: [Target; 3] = [Target::Registers, Target::Flags, Target::Vector];

/// The rcbcc under test: `RCBCC`, or the release build of this workspace.
///
/// # Errors
/// Says how to build it when it is not there.
pub fn rcbcc() -> Result<PathBuf> {
    let path = std::env::var_os("RCBCC").map_or_else(|| root().join("target/release/rcbcc"), PathBuf::from);
    if !path.exists() || !path.with_file_name("rcb-harden").exists() {
        bail!("{} and rcb-harden beside it are needed: make build", path.display());
    }
    Ok(path)
}

/// The clang that rcbcc drives.
pub fn clang() -> PathBuf {
    std::env::var_os("RCBCC_LLVM").map_or_else(|| PathBuf::from("/usr/lib/llvm-22/bin"), PathBuf::from).join("clang")
}

/// Top of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Source of a kernel.
pub fn kernel(name: &str) -> PathBuf {
    root().join("tests/hardening/kernels").join(name).with_extension("c")
}

/// Builds sources with `rcbcc OPTIONS`; C++ sources select the C++ driver.
///
/// # Errors
/// With what the compiler wrote.
pub fn build(source: &Path, output: &Path, options: &[&str]) -> Result<()> {
    let mut compiler = Command::new(rcbcc()?);
    if source.extension().is_some_and(|extension| extension == "cpp") {
        std::os::unix::process::CommandExt::arg0(&mut compiler, "rcbc++");
    }
    let made = compiler.args(options).arg(source).arg("-o").arg(output).args(["-lm", "-pthread"]).output();
    let made = made.context("rcbcc cannot be started")?;
    if !made.status.success() {
        bail!("rcbcc {options:?} {}: {}", source.display(), String::from_utf8_lossy(&made.stderr));
    }
    Ok(())
}

/// Flips in the registers of a kernel, while its own code runs. Trials that the store has are not made again.
///
/// # Errors
/// When it cannot be run, or hardly ever runs code of its own.
pub fn campaign(
    program: &Path,
    argument: &str,
    targets: &[Target],
    count: u64,
    seed: u64,
    store: &Store,
) -> Result<Found> {
    let mut subject = Subject::alone(vec![program.into(), argument.into()]);
    subject.own_code = true;
    let faults = Faults { targets: targets.into(), kind: Kind::Flip, bits: 1, seed };
    let found = Campaign::new(subject, faults, count).run(store, &mut Nobody)?;
    found.context("nobody stops a campaign that nobody watches")
}

/// Runs a program.
///
/// # Panics
/// When it cannot be started.
pub fn output(program: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

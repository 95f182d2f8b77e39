//! Compiles the hardening runtime (`llvm-pass/rt`, one file tree without dependencies) to one object that rcbcc carries
//! and links into what it builds.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    let variable = |name: &str| std::env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}"));
    let source = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("../../llvm-pass/rt/src");
    println!("cargo::rerun-if-changed={}", source.display());
    let object = PathBuf::from(variable("OUT_DIR")).join("rcb_pass_rt.o");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["--edition", "2024", "--crate-type", "lib", "--crate-name", "rcb_pass_rt", "--cap-lints", "allow"]);
    rustc.args(["--target", "x86_64-unknown-linux-gnu", "-C", "panic=abort", "-C", "opt-level=s"]);
    rustc.args(["-C", "codegen-units=1", "-C", "relocation-model=pic", "-C", "debuginfo=0"]);
    rustc.arg("--emit").arg(format!("obj={}", object.display())).arg(source.join("lib.rs"));
    let status = rustc.status().expect("rustc can be started");
    assert!(status.success(), "compiling the hardening runtime failed: {status}");
    println!("cargo::rustc-env=RCB_PASS_RT={}", object.display());
}

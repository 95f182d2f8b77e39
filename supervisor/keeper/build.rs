//! Builds the agent, a freestanding executable of its own, so that the library can carry it.
//!
//! The agent is another kind of program than everything else here: no libc, linked at an address of its own (its own
//! build script says how), aborting instead of unwinding. So it is built by a second cargo in a target directory of
//! its own. `RCB_AGENT_IMAGE` names a finished image (a hardened one) to carry instead.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Settings of the agent's profile, whatever profile the rest is built with.
const PROFILE: &[&str] = &[
    "profile.release.panic=\"abort\"",
    "profile.release.opt-level=3",
    "profile.release.lto=\"fat\"",
    "profile.release.codegen-units=1",
    "profile.release.debug=false",
    "profile.release.overflow-checks=false",
    "profile.release.incremental=false",
];

fn main() {
    println!("cargo::rerun-if-env-changed=RCB_AGENT_IMAGE");
    println!("cargo::rerun-if-changed=build.rs");
    let image = match env::var_os("RCB_AGENT_IMAGE").filter(|path| !path.is_empty()) {
        Some(path) => {
            let path = PathBuf::from(path).canonicalize().expect("RCB_AGENT_IMAGE must name an agent image");
            println!("cargo::rerun-if-changed={}", path.display());
            path
        }
        None => build_agent(),
    };
    println!("cargo::rustc-env=RCB_AGENT_PATH={}", image.display());
}

/// Runs cargo for the agent and returns the path of the executable.
fn build_agent() -> PathBuf {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let runtime = here.join("../../rcb-runtime").canonicalize().expect("rcb-runtime stands beside supervisor");
    for part in ["abi", "sys", "syscalls", "vote", "agent"] {
        for piece in ["src", "Cargo.toml", "build.rs"].map(|piece| runtime.join(part).join(piece)) {
            // A path that does not exist would count as changed every time.
            if piece.exists() {
                println!("cargo::rerun-if-changed={}", piece.display());
            }
        }
    }
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("agent");
    run_cargo(&runtime, &target);
    target.join("release").join("rcb-agent")
}

fn run_cargo(runtime: &Path, target: &Path) {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        // Settings of the outer build would leak into the agent: flags, features, profile, target.
        let ours = text.starts_with("CARGO_") && text != "CARGO_HOME" && !text.starts_with("CARGO_NET_");
        if ours || text == "RUSTFLAGS" || text == "RUSTDOCFLAGS" || text == "RUSTC_WORKSPACE_WRAPPER" {
            cargo.env_remove(&name);
        }
    }
    cargo.arg("rustc").arg("--offline").arg("--release").args(["--bin", "rcb-agent"]);
    cargo.arg("--manifest-path").arg(runtime.join("agent/Cargo.toml")).arg("--target-dir").arg(target);
    for setting in PROFILE {
        cargo.args(["--config", setting]);
    }
    // Position-independent code although the image is not: its addresses lie above 2 GiB, where the static model's
    // 32-bit absolute addresses do not reach.
    cargo.args(["--", "-C", "relocation-model=pic", "-C", "strip=debuginfo"]);
    let status = cargo.status().expect("cargo can be started");
    assert!(status.success(), "building the agent failed: {status}");
}

//! What each phase makes of a few lines of IR: `phases/*.ll`, checked by LLVM's FileCheck and then taken through code
//! generation and the audit.
//!
//! `; RUN: SCHEME` names the protection; the rest are FileCheck's lines.

use rcb_hardening_tests::{rcbcc, root};
use std::path::Path;
use std::process::{Command, Output};

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Hardens a file, checks the text, generates code.
fn check(file: &Path, checks: &Path) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = std::fs::read_to_string(checks).expect("a file of this repository");
    let scheme = text.lines().find_map(|line| line.strip_prefix("; RUN: ")).expect("a line `; RUN: SCHEME`");
    let hard = folder.path().join("hard.ll");
    let pass = rcbcc().expect("rcbcc").with_file_name("rcb-harden");
    let result = run(Command::new(pass).arg(file).args(["--protect", scheme, "--text"]).arg("-o").arg(&hard));
    let said = |result: &Output| String::from_utf8_lossy(&result.stderr).into_owned();
    if !result.status.success() {
        return Err(said(&result));
    }
    let mut file_check = Command::new("/usr/lib/llvm-22/bin/FileCheck");
    let result = run(file_check.arg(checks).arg("--input-file").arg(&hard));
    if !result.status.success() {
        return Err(said(&result));
    }
    // rcbcc does the same again and looks at the machine code.
    let mut compiler = Command::new(rcbcc().expect("rcbcc"));
    compiler.args(["--protect", scheme, "-O2", "-c"]).arg(file).arg("-o").arg(folder.path().join("hard.o"));
    let result = run(&mut compiler);
    if result.status.success() { Ok(()) } else { Err(said(&result)) }
}

#[test]
fn every_phase_does_what_its_file_says() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(root().join("tests/hardening/phases")).expect("a folder of this repository") {
        let path = entry.expect("an entry").path();
        if let Err(reason) = check(&path, &path) {
            wrong.push(format!("{}:\n{reason}", path.display()));
        }
        count += 1;
    }
    assert!(wrong.is_empty() && count >= 7, "{count} files\n{}", wrong.join("\n"));
}

#[test]
fn a_file_that_says_something_else_fails() {
    let folder = root().join("tests/hardening/phases");
    let result = check(&folder.join("ways.ll"), &folder.join("stores.ll"));
    assert!(result.is_err_and(|reason| reason.contains("stores.ll")));
}

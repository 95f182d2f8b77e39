//! The pass as a plugin of clang and opt.

use rcb_hardening_tests::{build, kernel, output, rcbcc};
use std::path::{Path, PathBuf};
use std::process::Command;

fn plugin() -> PathBuf {
    let path = rcbcc().expect("rcbcc").with_file_name("rcb-pass.so");
    assert!(path.exists(), "{} is needed: make build", path.display());
    path
}

fn llvm(program: &str) -> Command {
    Command::new(Path::new("/usr/lib/llvm-22/bin").join(program))
}

fn loaded(option: &str) -> String {
    format!("{option}={}", plugin().display())
}

#[test]
fn clang_hardens_through_the_plugin() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = folder.path().join("plain");
    build(&kernel("vote"), &plain, &["--protect", "none", "-O2"]).expect("it builds");
    let expected = output(&plain, &["20"]).stdout;
    for (level, scheme) in [("-O0", "swift"), ("-O2", "swift"), ("-O2", "swift+cfc")] {
        let object = folder.path().join("vote.o");
        let mut clang = llvm("clang");
        clang.args([level, "-c"]).arg(loaded("-fpass-plugin")).arg(kernel("vote")).arg("-o").arg(&object);
        let result = clang.env("RCB_PROTECT", scheme).output().expect("clang starts");
        assert!(result.status.success(), "{result:?}");
        // rcbcc links it with the fault handler; it tells the object from one that is not hardened.
        let program = folder.path().join("program");
        build(&object, &program, &["--require-hardening", "--allow-unhardened=-l*"]).expect("it links");
        assert_eq!(output(&program, &["20"]).stdout, expected, "{level} {scheme}");
        let shown = Command::new(rcbcc().expect("rcbcc")).arg("--show").arg(&program).output().expect("rcbcc starts");
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains(&format!("vote.c: {scheme}, ")), "{shown}");
    }
}

#[test]
fn opt_hardens_through_the_plugin_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [plain, hard, again] = ["plain.bc", "hard.bc", "again.bc"].map(|name| folder.path().join(name));
    let mut clang = llvm("clang");
    let made = clang.args(["-O2", "-c", "-emit-llvm"]).arg(kernel("crc32")).arg("-o").arg(&plain).status();
    assert!(made.expect("clang starts").success());
    let opt = |pass: &str, from: &Path, to: &Path| {
        let mut opt = llvm("opt");
        opt.arg(loaded("-load-pass-plugin")).arg(format!("-passes={pass}")).arg(from).arg("-o").arg(to);
        opt.output().expect("opt starts")
    };
    let result = opt("rcb-swift", &plain, &hard);
    assert!(result.status.success(), "{result:?}");
    let text = llvm("llvm-dis").arg(&hard).args(["-o", "-"]).output().expect("llvm-dis starts").stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(text.contains("@__rcb_fault") && text.contains("define internal") && text.contains(".rcb.swift"));
    let result = opt("rcb-swift", &hard, &again);
    // opt creates the file before it reads anything.
    let written = std::fs::metadata(&again).map_or(0, |file| file.len());
    assert!(!result.status.success() && written == 0, "{result:?}");
    assert!(String::from_utf8_lossy(&result.stderr).contains("already hardened"), "{result:?}");
}

#[test]
fn a_wrong_scheme_is_an_error_of_the_compiler() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let object = folder.path().join("crc32.o");
    let mut clang = llvm("clang");
    clang.args(["-O2", "-c"]).arg(loaded("-fpass-plugin")).arg(kernel("crc32")).arg("-o").arg(&object);
    let result = clang.env("RCB_PROTECT", "wrong").output().expect("clang starts");
    let said = String::from_utf8_lossy(&result.stderr).into_owned();
    assert!(!result.status.success() && !object.exists(), "{said}");
    assert!(said.contains("error: rcb-pass: RCB_PROTECT: unknown protection `wrong`"), "{said}");
    assert!(!said.contains("Stack dump"), "{said}");
}

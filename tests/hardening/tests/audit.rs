//! The audit of machine code: what it sees in good objects, and that it finds redundancy that is gone.

use rcb_hardening_tests::rcbcc;
use rcb_pass::audit::audit;
use std::path::Path;
use std::process::{Command, Output};

/// The exclusive-or is computed in the function, so its result is a register of the program; the sum uses it.
const SOURCE: &str = "void put(long *to, long a, long b) { to[0] = ((a ^ 99) + b) * 5; }\n";

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Hardens [`SOURCE`] with a mistake, generates code as rcbcc does, and gives what the audit says is lost.
fn lost(folder: &Path, mistake: &[&str]) -> Vec<String> {
    let [source, plain, hard, object, report] =
        ["a.c", "a.bc", "h.bc", "a.o", "report.json"].map(|name| folder.join(name));
    std::fs::write(&source, SOURCE).expect("written");
    let mut clang = Command::new("/usr/lib/llvm-22/bin/clang");
    let result = run(clang.args(["-O2", "-c", "-emit-llvm"]).arg(&source).arg("-o").arg(&plain));
    assert!(result.status.success(), "{result:?}");
    let mut pass = Command::new(rcbcc().expect("rcbcc").with_file_name("rcb-harden"));
    let result = run(pass.arg(&plain).arg("-o").arg(&hard).arg("--report").arg(&report).args(mistake));
    assert!(result.status.success(), "{result:?}");
    let mut clang = Command::new("/usr/lib/llvm-22/bin/clang");
    clang.args(["-O2", "-c", "-Xclang", "-disable-llvm-passes", "-mllvm", "-disable-lsr", "-x", "ir"]);
    let result = run(clang.arg(&hard).arg("-o").arg(&object));
    assert!(result.status.success(), "{result:?}");
    let report = serde_json::from_slice(&std::fs::read(&report).expect("a report")).expect("a report");
    let audit = audit(&std::fs::read(&object).expect("an object")).expect("an object");
    assert!(audit.functions["put"].checks >= 2, "{audit:?}");
    let lost = audit.lost(&report);
    if mistake.is_empty() {
        assert!(audit.functions["put"].twins >= 2, "{audit:?}");
    }
    lost
}

#[test]
fn twins_are_in_different_registers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(lost(folder.path(), &[]), Vec::<String>::new());
}

#[test]
fn a_register_that_feeds_both_slices_is_found() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lost = lost(folder.path(), &["--mistake", "late-shared-operand"]);
    assert!(lost.len() == 1 && lost[0].starts_with("put: both slices use the results at 0x"), "{lost:?}");
}

/// That both sides are equal is seen by code generation alone, in the branch as in its checks.
#[test]
fn a_comparison_that_the_program_makes_for_nothing_is_no_loss() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [source, object] = ["a.c", "a.o"].map(|name| folder.path().join(name));
    let text = "long grow(int count) { long size = 16L * count + 32;\n\
        if (size != 16L * (count + 2)) __builtin_trap();\n return size * count; }\n";
    std::fs::write(&source, text).expect("written");
    let result = run(Command::new(rcbcc().expect("rcbcc")).args(["-O2", "-c"]).arg(&source).arg("-o").arg(&object));
    assert!(result.status.success(), "{result:?}");
}

#[test]
fn equal_input_gives_equal_objects() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = rcb_hardening_tests::root().join("tests/hardening/torture/language.cpp");
    let objects = ["a.o", "b.o"].map(|name| {
        let object = folder.path().join(name);
        let result = run(Command::new(rcbcc().expect("rcbcc")).args(["-O2", "-c"]).arg(&source).arg("-o").arg(&object));
        assert!(result.status.success(), "{result:?}");
        std::fs::read(object).expect("an object")
    });
    assert!(objects[0] == objects[1]);
}

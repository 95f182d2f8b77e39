//! Every program of the suite, with small inputs (`RCB_SUITE=full`: with the benchmark's): natively, then with one, two
//! and three replicas in both modes.

use libtest_mimic::Arguments;
use rcb_tests::case::Case;
use rcb_tests::conform::{Expected, conform};
use rcb_tests::outcome::Ended;
use rcb_tests::require::trial;
use rcb_tests::runtime::both_modes;
use rcb_tests::{inherited, table};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn main() {
    inherited::settle();
    let full = std::env::var_os("RCB_SUITE").is_some_and(|size| size == "full");
    let inputs = prepare(if full { "full" } else { "small" });
    let mut trials = Vec::new();
    for row in table::read(&rcb_tests::tests_dir().join("suite/suite.tsv"), 10) {
        let folder = inputs.join(&row[2]);
        let command = if full || row[9] == "-" { row[3].clone() } else { row[9].clone() };
        let needs = program_of(&command, &folder);
        let (name, filter, exit) = (row[0].clone(), row[4].clone(), row[5].clone());
        trials.push(trial(name.clone(), [needs.as_str()], move || {
            let mut case = Case::shell(&name, &command);
            case.template = Some(folder);
            case.filter = (filter != "-").then_some(filter);
            // x264 writes its speed there.
            case.compare_stderr = false;
            case.deadline = Duration::from_mins(if full { 30 } else { 1 });
            let ended = Ended::Exit(exit.parse().expect("column `exit` is a number"));
            conform("suite", &case, &Expected { ended: Some(ended), last_line: None }, &both_modes())
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Makes the inputs of a size, unless they were made from the same scripts with the same packages installed: another
/// test process may be copying them just now.
fn prepare(size: &str) -> PathBuf {
    let dir = rcb_tests::target_dir().join(format!("suite-{size}"));
    let lock = std::fs::File::create(rcb_tests::target_dir().join(format!("suite-{size}.lock")))
        .expect("the target directory is writable");
    lock.lock().expect("a file of ours can be locked");
    let stamp = dir.join(".made-from");
    let sources = sources();
    if std::fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == sources) {
        return dir;
    }
    let output = Command::new("sh")
        .arg(rcb_tests::tests_dir().join("suite/prepare.sh"))
        .arg(&dir)
        .arg(size)
        .env("SUITE_NO_INSTALL", "1")
        .output()
        .expect("sh can be started");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "suite/prepare.sh failed: {}", output.status);
    std::fs::write(stamp, sources).expect("the target directory is writable");
    dir
}

/// What the inputs are made from: a digest of the scripts, and when packages were last installed.
fn sources() -> String {
    let suite = rcb_tests::tests_dir().join("suite");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(suite.join("src"))
        .expect("the sources of the suite are there")
        .map(|entry| entry.expect("a folder can be listed").path())
        .collect();
    paths.push(suite.join("prepare.sh"));
    paths.sort();
    let mut digest = DefaultHasher::new();
    for path in paths {
        std::fs::read(path).expect("a source of the suite can be read").hash(&mut digest);
    }
    let packages = std::fs::metadata("/var/lib/dpkg/status").and_then(|meta| meta.modified());
    format!("{:016x} {packages:?}", digest.finish())
}

/// The program that a command runs, as a need: its name, or its path in the prepared folder.
fn program_of(command: &str, folder: &Path) -> String {
    let word = command.split("$RUN ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or("sh");
    match word.strip_prefix("./") {
        Some(local) => folder.join(local).display().to_string(),
        None => word.into(),
    }
}

//! Everyday commands of a Debian system that are a single process, from a table.

use libtest_mimic::Arguments;
use rcb_tests::case::Case;
use rcb_tests::conform::{Expected, conform};
use rcb_tests::require::trial;
use rcb_tests::runtime::settings;
use rcb_tests::{inherited, table};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

fn main() {
    inherited::settle();
    let mut trials = Vec::new();
    for row in table::read(&rcb_tests::tests_dir().join("commands/everyday.tsv"), 3) {
        let [name, needs, command] = [&row[0], &row[1], &row[2]].map(String::clone);
        let words = needs.split_whitespace().filter(|&need| need != "-");
        trials.push(trial(name.clone(), words, move || {
            let mut case = Case::shell(&name, &command);
            case.template = Some(inputs());
            conform("commands", &case, &Expected::ANYTHING, &settings())
        }));
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    // `exit` runs no destructors: the inputs are removed here.
    if let Some(dir) = INPUTS.get() {
        let _ = std::fs::remove_dir_all(dir.path());
    }
    conclusion.exit();
}

static INPUTS: OnceLock<TempDir> = OnceLock::new();

/// The folder with the files that the commands work on; each run gets a copy.
fn inputs() -> PathBuf {
    let dir = INPUTS.get_or_init(|| {
        let dir = tempfile::Builder::new().prefix("rcb-inputs-").tempdir().expect("a temporary folder can be made");
        let status = Command::new("sh")
            .arg(rcb_tests::tests_dir().join("commands/inputs.sh"))
            .arg(dir.path().join("work"))
            .status()
            .expect("sh can be started");
        assert!(status.success(), "commands/inputs.sh failed");
        dir
    });
    dir.path().join("work")
}

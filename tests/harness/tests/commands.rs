//! Everyday commands of a Debian system that are a single process, from a table.

use libtest_mimic::Arguments;
use rcb_tests::case::Case;
use rcb_tests::conform::{Expected, conform};
use rcb_tests::require::trial;
use rcb_tests::runtime::settings;
use rcb_tests::{inherited, made_once, table};
use std::path::PathBuf;
use std::process::Command;

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
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The folder with the files that the commands work on, made once; each run gets a copy.
fn inputs() -> PathBuf {
    let script = rcb_tests::tests_dir().join("commands/inputs.sh");
    made_once("rcb-tests-inputs", &[&std::fs::read(&script).expect("the script can be read")], |folder| {
        let status = Command::new("sh").arg(&script).arg(folder).status().expect("sh can be started");
        assert!(status.success(), "commands/inputs.sh failed");
    })
}

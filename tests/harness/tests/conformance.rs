//! Tiny programs, one per feature of the kernel: natively, then with one, two and three replicas.

use libtest_mimic::{Arguments, Failed};
use rcb_tests::conform::conform;
use rcb_tests::require::trial;
use rcb_tests::runtime::every_path;
use rcb_tests::{inherited, program};

fn main() {
    inherited::settle();
    let mut trials = Vec::new();
    for program in program::all() {
        for variant in program.variants.clone() {
            let name = format!("{}-{variant}", program.name);
            let needs = program.needs.clone();
            let program = program.clone();
            trials.push(trial(name.clone(), needs.iter().map(String::as_str), move || {
                let case = program.case(&name, &variant).map_err(|error| Failed::from(error.to_string()))?;
                conform("conformance", &case, &program.expected(), &every_path())
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

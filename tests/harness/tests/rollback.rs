//! Going back to a checkpoint: every tiny program loses a replica before its last call, does all its calls again from the
//! journal, and ends as it does natively, whatever the calls were.

use libtest_mimic::{Arguments, Failed};
use rcb_tests::case::Case;
use rcb_tests::conform::failure;
use rcb_tests::outcome::{Ended, Outcome, differences};
use rcb_tests::require::trial;
use rcb_tests::runtime::Setting;
use rcb_tests::sandbox::Sandbox;
use rcb_tests::{inherited, program, victim};

/// Programs that cannot go back, by name, and what the report must say of it.
const NO_WAY_BACK: [(&str, &str); 4] = [
    // It reads more than the journal holds.
    ("memory/layout", "there is no checkpoint that could be gone back to"),
    ("signals/timers", "had record locks or timers"),
    ("memory/shared", "there is no checkpoint that could be gone back to"),
    ("tree/shared", "there is no checkpoint that could be gone back to"),
];

/// These spend seconds of CPU time, which says nothing about going back.
const TOO_LONG: [&str; 1] = ["process/limits-cpu"];

fn main() {
    inherited::settle();
    let mut trials = Vec::new();
    for program in program::all().into_iter().filter(|program| !TOO_LONG.contains(&program.name.as_str())) {
        let Some(variant) = program.variants.first().cloned() else { continue };
        for who in [0, 1] {
            let name = format!("{}-{who}", program.name);
            let needs = program.needs.clone();
            let program = program.clone();
            let variant = variant.clone();
            trials.push(trial(name.clone(), needs.iter().map(String::as_str), move || {
                let case = program.case(&name, &variant).map_err(|error| Failed::from(error.to_string()))?;
                let sandbox = Sandbox::new()?;
                match goes_back(&sandbox, &case, who, &program.name) {
                    Ok(()) => Ok(()),
                    Err(text) => Err(failure("rollback", &case.name, sandbox, &text)),
                }
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// With so small a share of the time (percent) nothing but these checkpoints can be made: the supervisor would ask for another
/// one once the journal is full, and whether the program still makes calls by then depends on the machine.
const BUDGET: &str = "0.00001";

/// A run with checkpoints at the beginning of programs and processes only, and a replica that dies at a call.
fn run(sandbox: &Sandbox, case: &Case, who: usize, call: u64) -> Result<Outcome, String> {
    let mut case = case.clone();
    let inject = format!("replica={who},call={call},kill");
    case.options =
        ["--checkpoint", "1000", "--checkpoint-budget", BUDGET, "--inject", &inject].map(String::from).into();
    let command = case.command(Setting::strict(2));
    sandbox.run_words(&case, &command, &format!("call-{call}")).map_err(|error| error.to_string())
}

fn goes_back(sandbox: &Sandbox, case: &Case, who: usize, name: &str) -> Result<(), String> {
    let native = sandbox.run(case, Setting::Native).map_err(|error| error.to_string())?;
    // A call that is never reached: the warning says which one is the last.
    let whole = run(sandbox, case, who, 1 << 40)?;
    let text = differences(&native, &whole, case.compare_files);
    if !text.is_empty() {
        return Err(format!("with checkpoints, and without a fault: {text}\n{}", whole.report));
    }
    let said = whole.report.split("ended at call ").nth(1).and_then(|rest| rest.split(' ').next());
    let last: u64 =
        said.and_then(|text| text.parse().ok()).ok_or_else(|| format!("no last call:\n{}", whole.report))?;
    // The latest call at which it can die: some do not return.
    let mut died = None;
    for call in (1..last).rev().take(12) {
        let seen = run(sandbox, case, who, call)?;
        if !seen.report.contains("not injected") {
            died = Some((call, seen));
            break;
        }
    }
    let Some((call, seen)) = died else { return Err(format!("no call before {last} is one at which it can die")) };
    if let Some((_, reason)) = NO_WAY_BACK.iter().find(|(known, _)| *known == name) {
        let is_told = seen.ended == Ended::Exit(victim::DISAGREED) && seen.report.contains(reason);
        return if is_told { Ok(()) } else { Err(format!("{reason:?} should stand here:\n{}", seen.report)) };
    }
    let text = differences(&native, &seen, case.compare_files);
    if !text.is_empty() {
        return Err(format!("after a fault at call {call} of {last}: {text}\n{}", seen.report));
    }
    if !seen.report.contains("corrected:") {
        return Err(format!("nothing was corrected at call {call} of {last}:\n{}", seen.report));
    }
    Ok(())
}

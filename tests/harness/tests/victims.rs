//! Deaths, hangs, signals and wrong calls: everything ends cleanly, with the right code, and nothing is left behind.

use libtest_mimic::{Arguments, Failed, Trial};
use rcb_tests::inherited;

#[path = "victims/beginnings.rs"]
mod beginnings;
#[path = "victims/checkpoints.rs"]
mod checkpoints;
#[path = "victims/codes.rs"]
mod codes;
#[path = "victims/costs.rs"]
mod costs;
#[path = "victims/deaths.rs"]
mod deaths;
#[path = "victims/harms.rs"]
mod harms;
#[path = "victims/heals.rs"]
mod heals;
#[path = "victims/logs.rs"]
mod logs;
#[path = "victims/pages.rs"]
mod pages;
#[path = "victims/pipes.rs"]
mod pipes;
#[path = "victims/pulses.rs"]
mod pulses;
#[path = "victims/records.rs"]
mod records;
#[path = "victims/surroundings.rs"]
mod surroundings;
#[path = "victims/threes.rs"]
mod threes;
#[path = "victims/tools.rs"]
mod tools;
#[path = "victims/trees.rs"]
mod trees;

fn main() {
    inherited::settle();
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(deaths::trials());
    trials.extend(heals::trials());
    trials.extend(checkpoints::trials());
    trials.extend(beginnings::trials());
    trials.extend(threes::trials());
    trials.extend(harms::trials());
    trials.extend(pipes::trials());
    trials.extend(pulses::trials());
    trials.extend(logs::trials());
    trials.extend(codes::trials());
    trials.extend(records::trials());
    trials.extend(surroundings::trials());
    trials.extend(tools::trials());
    trials.extend(costs::trials());
    trials.extend(pages::trials());
    trials.extend(trees::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Fails a test with a sentence unless a claim holds.
fn claim(holds: bool, sentence: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(sentence().into()) }
}

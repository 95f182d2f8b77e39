//! Runs a group with another agent than the one the library carries: `supervise IMAGE N DEADLINE [--record FILE]
//! [--inject] [WORDS...]`. Used with `stand_in_agent` to test the supervisor without a guest.

use rcb_abi::control::{Hook, hook_target};
use rcb_keeper::{Inherited, Outcome, RunConfig};
use std::time::Duration;

fn main() {
    let inherited = Inherited::capture().expect("capture");
    let mut words = std::env::args().skip(1);
    let image = std::fs::read(words.next().expect("an image")).expect("readable");
    let mut config = RunConfig::new("true", vec![]);
    config.replicas = words.next().and_then(|word| word.parse().ok()).expect("a number of replicas");
    let deadline: f64 = words.next().and_then(|word| word.parse().ok()).expect("a deadline in seconds");
    config.deadline = Some(Duration::from_secs_f64(deadline));
    config.args = words.map(Into::into).collect();
    if config.args.first().is_some_and(|word| word == "--record") {
        config.args.remove(0);
        config.record = Some(config.args.remove(0).into());
        config.stats = true;
    }
    if config.args.first().is_some_and(|word| word == "--inject") {
        config.args.remove(0);
        config.hook = Some(Hook { target: hook_target::RESULT, replica: 1, call: 9, ..Hook::NONE });
    }
    match rcb_keeper::run::run_with(&image, &config, &inherited) {
        Ok(Outcome::Exit(status)) => std::process::exit(i32::from(status)),
        Ok(Outcome::Signal(signal)) => rcb_keeper::inherited::die_by(signal),
        Err(error) => {
            rcb_keeper::run::say(&format!("error: {error}"));
            std::process::exit(i32::from(error.exit_code()));
        }
    }
}

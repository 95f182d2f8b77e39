//! Everything behind the `rcb` command: options, subcommands, exit codes.
//!
//! ```text
//!  options   the command line of all subcommands, and which function serves which
//!  inject    the little language of `rcb run --inject`
//!  campaign  `rcb inject`
//!  check     `rcb check`
//!  doctor    `rcb doctor`
//!  estimate  `rcb estimate`
//!  history   `rcb history`, and what `rcb run --history` adds to it
//!  measure   `rcb measure`
//!  report    `rcb report`
//!  sessions  what estimate and measure have in common
//!  topology  `rcb topology`, and the words of --placement
//! ```

mod campaign;
mod check;
mod doctor;
mod estimate;
mod history;
mod inject;
mod measure;
mod options;
mod report;
mod sessions;
mod topology;

use anyhow::Error;
use rcb_keeper::{Inherited, Outcome, exit};

/// The whole command; returns the exit code, or dies by the signal the guest died of.
///
/// To be called before anything else, see [`Inherited`].
pub fn main() -> u8 {
    let inherited = match Inherited::capture() {
        Ok(inherited) => inherited,
        Err(error) => return complain(&error.into()),
    };
    std::panic::set_hook(Box::new(|info| {
        rcb_keeper::run::say(&format!("error: internal error, please report it: {info}"));
        std::process::exit(i32::from(exit::FAILED));
    }));
    match options::dispatch(&inherited) {
        Ok(Outcome::Exit(status)) => status,
        Ok(Outcome::Signal(signal)) => rcb_keeper::inherited::die_by(signal),
        Err(error) => complain(&error),
    }
}

/// Prints an error with its causes, once, and returns the exit code for it.
fn complain(error: &Error) -> u8 {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    rcb_keeper::run::say(&format!("error: {}", causes.join(": ")));
    error.downcast_ref::<rcb_keeper::Error>().map_or(exit::FAILED, rcb_keeper::Error::exit_code)
}

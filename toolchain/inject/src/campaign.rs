//! Many injections.

use crate::draw::Draw;
use crate::outcome::{Counts, Outcome};
use crate::place::{Group, Place};
use crate::run::{Flip, Golden, Program, golden, inject};
use anyhow::{Result, bail};
use std::time::Duration;

/// What was found.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The undisturbed run.
    pub golden: Golden,
    /// How many of each outcome.
    pub counts: Counts,
    /// Every silent corruption.
    pub silent: Vec<Injection>,
}

/// One injection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Injection {
    /// Its number: with the seed it gives place and time again.
    pub index: u64,
    /// The bit.
    pub place: Place,
    /// Address of the instruction before which it was flipped.
    pub at: u64,
}

/// Draws that may be in vain, per wanted injection.
const IN_VAIN: u64 = 20;

/// Makes `count` injections into registers of `group`.
///
/// # Errors
/// When the program cannot be run, or hardly ever runs code of its own.
pub fn campaign(program: &Program, group: Group, count: u64, seed: u64) -> Result<Campaign> {
    let golden = golden(program, 9)?;
    let length = u64::try_from(golden.length.as_nanos())?;
    let mut found = Campaign { golden, counts: Counts::default(), silent: Vec::new() };
    let mut index = 0;
    while found.counts.total() < count {
        if index >= count * IN_VAIN {
            bail!("only {} of {index} stops were in the program's own code", found.counts.total());
        }
        let mut draw = Draw::new(seed, index);
        let after = Duration::from_nanos(draw.below(length));
        let steps = draw.below(64) as u32;
        let place = Place::choose(group, &mut draw);
        if let Some((outcome, at)) = inject(program, &found.golden, Flip { after, steps, place })? {
            found.counts.add(outcome);
            if outcome == Outcome::Silent {
                found.silent.push(Injection { index, place, at });
            }
        }
        index += 1;
    }
    Ok(found)
}

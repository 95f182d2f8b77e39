//! What one trial will do, drawn before it starts: a pure function of seed, number and attempt.

use crate::draw::{Draw, scale};
use crate::target::{Kind, Target};

/// Most single steps after a stop: the kernel stops a program at few places (after a system call, at a tick of the timer),
/// steps spread these over the instructions that follow.
const STEPS: u64 = 64;

/// How often a bit that is stuck is forced again.
const AGAIN: usize = 8;

/// Draws of a trial. A number is used as a share of whatever there turns out to be: processes, bytes, bits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    /// When, as a share of the time in which the program runs.
    pub(crate) after: Share,
    /// Which of the processes.
    pub(crate) process: Share,
    /// Single steps after the stop.
    pub(crate) steps: u32,
    /// What is hit.
    pub(crate) target: Target,
    /// How.
    pub(crate) kind: Kind,
    /// Place and bit of each flip.
    pub(crate) bits: Vec<[Share; 2]>,
    /// Whether a fault of the agent is one of its registers, while it runs, or of its memory.
    pub(crate) in_registers: bool,
    /// Pauses between the later blows of a fault that stays, as shares of an eighth of the run.
    pub(crate) again: Vec<Share>,
    /// What else has to be drawn while the trial runs: pauses before the next stop.
    pub(crate) rest: Draw,
}

/// A number in [0, 1) of which parts are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Share(pub(crate) u64);

impl Share {
    /// This part of `bound` things: a number in `0..bound`.
    pub(crate) fn of(self, bound: u64) -> u64 {
        scale(self.0, bound)
    }
}

/// What the trials of a campaign have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults {
    /// What may be hit.
    pub targets: Vec<Target>,
    /// How.
    pub kind: Kind,
    /// Bits of one fault.
    pub bits: u32,
    /// The seed.
    pub seed: u64,
}

impl Faults {
    /// The plan of trial `number`; the next attempt is for when nothing could be hit.
    pub(crate) fn plan(&self, number: u64, attempt: u32) -> Plan {
        let mut draw = Draw::new(self.seed ^ u64::from(attempt).wrapping_mul(0xA076_1D64_78BD_642F), number);
        let mut share = || Share(draw.next());
        let (after, process, steps) = (share(), share(), share().of(STEPS) as u32);
        let bits = (0..self.bits).map(|_| [share(), share()]).collect();
        let count = if self.kind == Kind::Stuck { AGAIN } else { 0 };
        let again = (0..count).map(|_| share()).collect();
        let target = Target::choose(&self.targets, &mut draw);
        // An instruction is left out where the program's own instructions run.
        let target = if self.kind == Kind::Skip { Target::Ip } else { target };
        let in_registers = draw.below(2) == 0;
        Plan { after, process, steps, target, kind: self.kind, bits, in_registers, again, rest: draw }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(kind: Kind) -> Faults {
        Faults { targets: vec![Target::Registers, Target::Memory], kind, bits: 2, seed: 5 }
    }

    #[test]
    fn the_same_numbers_give_the_same_plan() {
        let flips = faults(Kind::Flip);
        assert_eq!(flips.plan(7, 0), flips.plan(7, 0));
        assert_ne!(flips.plan(7, 0), flips.plan(8, 0));
        assert_ne!(flips.plan(7, 0), flips.plan(7, 1));
        assert_ne!(Faults { seed: 6, ..flips.clone() }.plan(7, 0), flips.plan(7, 0));
        assert_eq!(flips.plan(7, 0).bits.len(), 2);
    }

    #[test]
    fn times_are_uniform() {
        let flips = faults(Kind::Flip);
        let mut tenths = [0u32; 10];
        (0..5000).for_each(|number| tenths[flips.plan(number, 0).after.of(10) as usize] += 1);
        assert!(tenths.iter().all(|count| (400..600).contains(count)), "{tenths:?}");
    }

    #[test]
    fn what_stays_comes_again_and_what_is_skipped_is_code() {
        assert_eq!(faults(Kind::Stuck).plan(1, 0).again.len(), AGAIN);
        assert!((0..50).all(|number| faults(Kind::Skip).plan(number, 0).target == Target::Ip));
    }
}

//! What a fault hits and how: the words of `--target` and `--kind`.

use crate::draw::Draw;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Part of a program or replica that a fault may hit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The 16 general registers, while code of the program runs.
    Registers,
    /// Nine bits of the flags register, while code of the program runs.
    Flags,
    /// The instruction pointer, while code of the program runs.
    Ip,
    /// The vector registers, while code of the program runs.
    Vector,
    /// Private writable pages of the program that are present in memory.
    Memory,
    /// Of the agent: its private pages, and the general registers while it runs.
    Agent,
    /// The segment in which a replica states its requests and results. All replicas of its group and the supervisor read it.
    Log,
    /// The pages in which the supervisor tells all replicas what to do. It alone writes them; whoever looks sees the fault.
    Control,
}

/// All of them, with the words that name them and how often each is drawn from a list that names several: the registers
/// by their number, so that each register of a list is as likely as any other one.
const WORDS: [(Target, &str, u64); 8] = [
    (Target::Registers, "registers", 16),
    (Target::Flags, "flags", 1),
    (Target::Ip, "ip", 1),
    (Target::Vector, "vector", 16),
    (Target::Memory, "memory", 16),
    (Target::Agent, "agent", 16),
    (Target::Log, "log", 16),
    (Target::Control, "control", 16),
];

impl Target {
    /// Its word.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Whether a program without replicas has it.
    pub fn is_of_program(self) -> bool {
        !matches!(self, Self::Agent | Self::Log | Self::Control)
    }

    /// Whether it is hit only while code of the program runs.
    pub fn needs_program_code(self) -> bool {
        matches!(self, Self::Registers | Self::Flags | Self::Ip | Self::Vector)
    }

    /// One of a list that is not empty.
    pub(crate) fn choose(list: &[Self], draw: &mut Draw) -> Self {
        let weight = |target: &Self| WORDS.iter().find(|row| row.0 == *target).map_or(0, |row| row.2);
        let mut left = draw.below(list.iter().map(weight).sum());
        for target in list {
            match left.checked_sub(weight(target)) {
                Some(rest) => left = rest,
                None => return *target,
            }
        }
        list[0]
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || WORDS.map(|row| row.1).join(", ");
        WORDS.iter().find(|row| row.1 == text).map(|row| row.0).ok_or_else(|| format!("one of {} is wanted", known()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What is done to the bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// They are inverted once.
    Flip,
    /// They are inverted, and forced to the same values again and again afterwards.
    Stuck,
    /// No bit changes: one instruction is left out.
    Skip,
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "flip" => Ok(Self::Flip),
            "stuck" => Ok(Self::Stuck),
            "skip" => Ok(Self::Skip),
            _ => Err("one of flip, stuck, skip is wanted".into()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flip => "flip",
            Self::Stuck => "stuck",
            Self::Skip => "skip",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back() {
        for (target, word, _) in WORDS {
            assert_eq!((word.parse(), target.to_string()), (Ok(target), word.to_owned()));
        }
        assert!("rax".parse::<Target>().unwrap_err().contains("registers, flags"));
        for kind in [Kind::Flip, Kind::Stuck, Kind::Skip] {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
    }

    #[test]
    fn a_list_is_drawn_from_by_weight() {
        let mut draw = Draw::new(3, 0);
        let list = [Target::Registers, Target::Flags, Target::Vector];
        let drawn: Vec<Target> = (0..3300).map(|_| Target::choose(&list, &mut draw)).collect();
        let count = |target| drawn.iter().filter(|one| **one == target).count();
        assert!((1450..1750).contains(&count(Target::Registers)), "{}", count(Target::Registers));
        assert!((60..150).contains(&count(Target::Flags)), "{}", count(Target::Flags));
        assert_eq!(count(Target::Memory), 0);
    }
}

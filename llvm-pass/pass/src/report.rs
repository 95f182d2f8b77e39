//! What was done to each function.

use crate::options::Protection;
use crate::plan::Reason;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What happened to a function.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Protected.
    Protected {
        /// With what.
        protection: String,
        /// Whether parameters and result are passed twice inside the object.
        twin: bool,
    },
    /// Left as it was.
    Left {
        /// Why.
        reason: Reason,
    },
}

/// One function.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FunctionReport {
    /// Symbol.
    pub name: String,
    /// What happened.
    pub outcome: Outcome,
    /// Checks by kind.
    pub checks: BTreeMap<String, u32>,
    /// Values without a second copy.
    pub unshadowed: u32,
    /// Values that are computed once and then copied: volatile and atomic reads, assembly, what has to be taken apart.
    pub single: u32,
    /// Instructions of the intermediate representation before and after.
    pub instructions: (u32, u32),
}

/// One module.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// What was asked for.
    pub protection: Protection,
    /// Every function with a body.
    pub functions: Vec<FunctionReport>,
}

impl Report {
    /// Names and reasons of functions that were left although protection was asked for.
    pub fn left(&self) -> impl Iterator<Item = (&str, Reason)> {
        self.functions.iter().filter_map(|function| match function.outcome {
            Outcome::Left { reason } => Some((function.name.as_str(), reason)),
            Outcome::Protected { .. } => None,
        })
    }

    /// Number of protected functions.
    pub fn protected(&self) -> usize {
        self.functions.iter().filter(|function| matches!(function.outcome, Outcome::Protected { .. })).count()
    }

    /// Number of checks.
    pub fn checks(&self) -> u32 {
        self.functions.iter().flat_map(|function| function.checks.values()).sum()
    }

    /// As a table for people.
    pub fn table(&self) -> String {
        let mut text = format!("protection: {}\n", self.protection);
        let _ = writeln!(text, "{:>7} {:>7} {:>7} {:>5}  function", "before", "after", "checks", "single");
        for function in &self.functions {
            let (before, after) = function.instructions;
            let checks: u32 = function.checks.values().sum();
            let _ = write!(text, "{before:>7} {after:>7} {checks:>7} {:>5}  {}", function.unshadowed, function.name);
            if let Outcome::Left { reason } = function.outcome {
                let _ = write!(text, "  (left: {reason})");
            }
            text.push('\n');
        }
        text
    }
}

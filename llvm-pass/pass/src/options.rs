//! What to do: scheme, options, and which functions.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a program is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Not at all: the same pipeline without redundancy, to compare with.
    None,
    /// Every value computed twice (Reis et al., *SWIFT: Software Implemented Fault Tolerance*, CGO 2005), with loads
    /// repeated and stores read back through the second address (Didehban and Shrivastava, *nZDC*, DAC 2016).
    Swift,
}

/// Scheme and options, as one writes them: `none`, `swift`, `swift+cfc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Protection {
    /// The scheme.
    pub scheme: Scheme,
    /// Control-flow signatures on top.
    pub cfc: bool,
}

impl Protection {
    /// No protection.
    pub const NONE: Self = Self { scheme: Scheme::None, cfc: false };
    /// Duplication without signatures.
    pub const SWIFT: Self = Self { scheme: Scheme::Swift, cfc: false };
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scheme {
            Scheme::None => "none",
            Scheme::Swift => "swift",
        })?;
        f.write_str(if self.cfc { "+cfc" } else { "" })
    }
}

impl FromStr for Protection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::NONE),
            "swift" => Ok(Self::SWIFT),
            "swift+cfc" => Ok(Self { scheme: Scheme::Swift, cfc: true }),
            _ => Err(format!("unknown protection `{text}`: none, swift or swift+cfc")),
        }
    }
}

/// A deliberate mistake, to see that it is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mistake {
    /// One shadow instruction uses an original value: redundancy is lost, results stay right.
    SharedOperand,
    /// One shadow addition subtracts: the copies disagree without any fault.
    WrongOperation,
    /// The same, after the structural checker has looked.
    LateSharedOperand,
}

/// What to do with a module.
#[derive(Clone, Debug)]
pub struct Options {
    /// Scheme and options for functions that say nothing themselves.
    pub protection: Protection,
    /// Patterns of function names; when not empty, only functions that match one are protected.
    pub only: Vec<String>,
    /// Patterns of function names that are left as they are.
    pub except: Vec<String>,
    /// For tests of the checks.
    pub mistake: Option<Mistake>,
}

impl Options {
    /// Everything with one protection.
    pub fn new(protection: Protection) -> Self {
        Self { protection, only: Vec::new(), except: Vec::new(), mistake: None }
    }

    /// Reads a list file: lines `protect PATTERN` and `leave PATTERN`, `#` begins a comment.
    ///
    /// # Errors
    /// Says which line is neither.
    pub fn read_list(&mut self, text: &str) -> Result<(), String> {
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                [] => {}
                ["protect", pattern] => self.only.push(pattern.to_owned()),
                ["leave", pattern] => self.except.push(pattern.to_owned()),
                _ => return Err(format!("line {}: expected `protect PATTERN` or `leave PATTERN`", number + 1)),
            }
        }
        Ok(())
    }
}

/// Whether a name matches a pattern in which `*` stands for any text.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pattern.contains('*').then(|| pattern.rsplit('*').next().unwrap_or_default()) else {
        return rest.is_empty();
    };
    let middle: Vec<_> = parts.collect();
    for part in &middle[..middle.len().saturating_sub(1)] {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["none", "swift", "swift+cfc"] {
            assert_eq!(text.parse::<Protection>().map(|protection| protection.to_string()), Ok(text.to_owned()));
        }
        assert!("swift+other".parse::<Protection>().is_err());
    }

    #[test]
    fn patterns_match_whole_names() {
        let cases = [
            ("main", "main", true),
            ("main", "mainly", false),
            ("ma*", "mainly", true),
            ("*ly", "mainly", true),
            ("m*n*y", "mainly", true),
            ("m*x*y", "mainly", false),
            ("*", "", true),
            ("aa*aa", "aaa", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn list_files_name_functions() {
        let mut options = Options::new(Protection::SWIFT);
        assert_eq!(options.read_list("# all but\nleave slow_*  # too slow\n\nprotect f\n"), Ok(()));
        assert_eq!((options.only, options.except), (vec!["f".to_owned()], vec!["slow_*".to_owned()]));
        assert!(Options::new(Protection::SWIFT).read_list("hide f").is_err_and(|text| text.contains("line 1")));
    }
}

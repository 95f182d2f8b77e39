//! Checks of the house: what no compiler checks but readers rely on.
//!
//! Each check is a pure function from text or metadata to [`Finding`]s, so that its unit tests can show that it fails
//! on a bad input; [`tidy`] reads the checkout and runs them all. The test `tests/tidy.rs` runs it on this workspace.

pub mod dependencies;
pub mod generated;
pub mod lines;
pub mod scrub;
pub mod sizes;
pub mod top_level;
pub mod tree;
pub mod unsafe_files;
pub mod words;

use anyhow::Result;
use std::fmt;
use std::path::Path;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Told, but the check passes.
    Warning,
    /// The check fails.
    Error,
}

/// Something a check does not like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the check fails because of it.
    pub severity: Severity,
    /// File, crate or directory entry, relative to the workspace.
    pub place: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Finding {
    /// A finding that fails the check.
    pub fn error(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place: place.into(), message: message.into() }
    }

    /// A finding that is only told.
    pub fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{word}: {}: {}", self.place, self.message)
    }
}

/// Runs every check on the workspace at `root`.
///
/// # Errors
/// When the workspace cannot be read at all; what is merely wrong comes back as findings.
pub fn tidy(root: &Path) -> Result<Vec<Finding>> {
    let tree = tree::Tree::read(root)?;
    let metadata = dependencies::metadata(root)?;
    let mut findings = top_level::check(&tree.top_level());
    findings.extend(dependencies::check(&metadata)?);
    findings.extend(sizes::check(&tree));
    findings.extend(unsafe_files::check(&tree));
    findings.extend(words::check(&tree, &root.to_string_lossy()));
    findings.extend(generated::check(&tree, &dependencies::core_crates(&metadata)?));
    Ok(findings)
}

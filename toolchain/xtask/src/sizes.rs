//! Files that a person can read in one sitting.

use crate::Finding;
use crate::tree::Tree;

/// Lines from which on a reader should look for the seam.
const LONG: usize = 400;
/// Lines that are too many.
const TOO_LONG: usize = 600;
/// Folders of the table crate whose files are rows of data, one line each, where splitting would not help a reader.
pub const ROWS: [&str; 3] = ["table/", "family/", "flags/"];
/// The crate in which they lie.
const ROWS_IN: &str = "rcb-runtime/syscalls/src/";

/// Warns about long Rust files and refuses too long ones.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let measured = tree.rust().filter(|(name, _)| !is_rows(name));
    measured.filter_map(|(name, text)| judge(name, text.lines().count())).collect()
}

fn is_rows(name: &str) -> bool {
    name.strip_prefix(ROWS_IN).is_some_and(|below| ROWS.iter().any(|folder| below.starts_with(folder)))
}

fn judge(name: &str, lines: usize) -> Option<Finding> {
    if lines > TOO_LONG {
        Some(Finding::error(name, format!("has {lines} lines; at most {TOO_LONG}")))
    } else if lines > LONG {
        Some(Finding::warning(name, format!("has {lines} lines; past {LONG} look for the seam")))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Severity;

    #[test]
    fn judges_by_length() {
        let severities = [400, 401, 600, 601].map(|lines| judge("a.rs", lines).map(|finding| finding.severity));
        assert_eq!(severities, [None, Some(Severity::Warning), Some(Severity::Warning), Some(Severity::Error)]);
    }

    #[test]
    fn rows_may_be_many_and_other_files_do_not_count() {
        let long = "x\n".repeat(700);
        let tree = Tree::of(&[("rcb-runtime/syscalls/src/table/file.rs", &long), ("a.md", &long), ("a.rs", &long)]);
        assert_eq!(check(&tree).len(), 1);
    }
}

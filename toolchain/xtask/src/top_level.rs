//! What may stand at the top of the workspace: the folders in which a reader looks, documents, and nothing else.

use crate::Finding;
use crate::tree::has_suffix;
use std::collections::BTreeSet;

/// Folders that must be there.
const FOLDERS: [&str; 5] = ["rcb-runtime/", "supervisor/", "tests/", "examples/", "toolchain/"];
/// Folders that may be missing.
const OPTIONAL_FOLDERS: [&str; 1] = ["llvm-pass/"];
/// Files that must be there.
const FILES: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "Makefile",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];

/// Compares the names at the top (folders end with a slash) with what belongs there.
pub fn check(names: &BTreeSet<String>) -> Vec<Finding> {
    let missing = FOLDERS
        .iter()
        .chain(&FILES)
        .filter(|name| !names.contains(**name))
        .map(|name| Finding::error(*name, "is missing at the top of the workspace"));
    let unexpected = names
        .iter()
        .filter(|name| !is_expected(name))
        .map(|name| Finding::error(name.as_str(), "does not belong at the top of the workspace"));
    missing.chain(unexpected).collect()
}

fn is_expected(name: &str) -> bool {
    let listed = [FOLDERS.as_slice(), &OPTIONAL_FOLDERS, &FILES].concat().contains(&name);
    listed || name.starts_with('.') || has_suffix(name, "md")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> BTreeSet<String> {
        FOLDERS.iter().chain(&FILES).map(ToString::to_string).collect()
    }

    #[test]
    fn accepts_documents_dot_files_and_the_pass() {
        let mut names = complete();
        names.extend([".gitignore", ".ci/", "SYSCALLS.md", "llvm-pass/"].map(str::to_owned));
        assert_eq!(check(&names), []);
    }

    #[test]
    fn refuses_a_stray_folder_and_a_stray_file() {
        let mut names = complete();
        names.extend(["src/", "notes.txt"].map(str::to_owned));
        assert_eq!(check(&names).len(), 2);
    }

    #[test]
    fn misses_what_is_not_there() {
        let mut names = complete();
        names.remove("LICENSE-MIT");
        assert_eq!(check(&names), [Finding::error("LICENSE-MIT", "is missing at the top of the workspace")]);
    }
}

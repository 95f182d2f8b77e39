//! The files of the workspace: what git tracks or would track, so that build outputs and scratch files do not count.

use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Text files of the workspace by path relative to its root, and the names of all others.
#[derive(Debug, Default)]
pub struct Tree {
    text: BTreeMap<String, String>,
    binary: BTreeSet<String>,
}

impl Tree {
    /// Reads the checkout at `root`; without git (an unpacked archive) every file outside `target` and dot folders.
    ///
    /// # Errors
    /// When a listed file cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let names = if root.join(".git").exists() { git_files(root)? } else { walk(root)? };
        let mut tree = Self::default();
        for name in names {
            let path = root.join(&name);
            if !path.is_file() {
                // Deleted but not yet committed, or a link to a folder.
                continue;
            }
            match String::from_utf8(std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?) {
                Ok(text) => _ = tree.text.insert(name, text),
                Err(_) => _ = tree.binary.insert(name),
            }
        }
        Ok(tree)
    }

    /// A tree of the given files, for tests of the checks.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let text = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Self { text, binary: BTreeSet::new() }
    }

    /// Text of one file.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.text.get(name).map(String::as_str)
    }

    /// All text files.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Rust sources.
    pub fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(name, _)| has_suffix(name, "rs"))
    }

    /// Names at the top of the workspace; folders end with a slash.
    pub fn top_level(&self) -> BTreeSet<String> {
        let names = self.text.keys().chain(&self.binary);
        names
            .map(|name| name.split_once('/').map_or_else(|| name.clone(), |(folder, _)| format!("{folder}/")))
            .collect()
    }
}

/// Whether a name ends with `.suffix`.
pub fn has_suffix(name: &str, suffix: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == suffix)
}

fn git_files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    if !output.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = output.stdout.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    let unique: BTreeSet<_> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    Ok(unique.into_iter().collect())
}

fn walk(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).with_context(|| format!("cannot list {folder}"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let is_folder = entry.file_type()?.is_dir();
            match (is_folder, name.as_str()) {
                (true, "target" | ".git") => {}
                (true, _) => folders.push(path),
                (false, _) => names.push(path),
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_workspace() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let tree = Tree::read(&root).unwrap();
        assert!(tree.get("Cargo.toml").unwrap().contains("[workspace]"));
        assert!(tree.rust().any(|(name, _)| name == "toolchain/xtask/src/tree.rs"));
        assert!(!tree.top_level().contains("target/"));
    }

    #[test]
    fn walking_finds_the_same_sources() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(walk(root).unwrap().iter().any(|name| name == "src/tree.rs"));
    }

    #[test]
    fn folders_are_marked_at_the_top() {
        let tree = Tree::of(&[("Makefile", ""), ("tests/a/b.rs", "")]);
        assert_eq!(tree.top_level().into_iter().collect::<Vec<_>>(), ["Makefile", "tests/"]);
    }
}

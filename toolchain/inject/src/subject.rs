//! What is harmed: a program, alone or as replicas, and the surroundings that every run of it gets.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A program with its surroundings. It must do the same at every run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Subject {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Number of replicas; 0 for the program alone.
    pub replicas: usize,
    /// The `rcb` command that runs it; not used without replicas.
    pub rcb: PathBuf,
    /// Options for `rcb run`.
    pub options: Vec<OsString>,
    /// Silence after which a replica counts as hanging.
    pub deadline: Duration,
    /// Each run gets a copy of this folder to work in; without it all work in the present one.
    pub template: Option<PathBuf>,
    /// Files of the copy that belong to the output; empty for all.
    pub compare: Vec<PathBuf>,
    /// Standard input; empty without it.
    pub input: Option<PathBuf>,
    /// Standard error does not belong to the output.
    pub ignore_stderr: bool,
    /// Only faults that hit code of the program's own file count: for programs whose libraries are not what is tested.
    pub own_code: bool,
}

impl Subject {
    /// A program alone, in the present folder.
    pub fn alone(command: Vec<OsString>) -> Self {
        Self {
            command,
            replicas: 0,
            rcb: PathBuf::new(),
            options: Vec::new(),
            deadline: Duration::ZERO,
            template: None,
            compare: Vec::new(),
            input: None,
            ignore_stderr: false,
            own_code: false,
        }
    }

    /// The words to execute; the record goes to `record`.
    pub(crate) fn words(&self, record: &Path, cpus: &[usize]) -> Vec<OsString> {
        if self.replicas == 0 {
            return self.command.clone();
        }
        let mut words: Vec<OsString> = vec![self.rcb.clone().into(), "run".into()];
        words.extend(["-n".into(), self.replicas.to_string().into()]);
        words.extend(["--deadline".into(), self.deadline.as_secs_f64().to_string().into()]);
        words.extend(["--record".into(), record.into()]);
        if !cpus.is_empty() {
            let list: Vec<String> = cpus.iter().map(ToString::to_string).collect();
            words.extend(["--cpus".into(), list.join(",").into()]);
        }
        words.extend(self.options.iter().cloned());
        words.push("--".into());
        words.extend(self.command.iter().cloned());
        words
    }

    /// What the runs have left behind in a copy of the template.
    pub(crate) fn files(&self, folder: &Path) -> Result<Files> {
        let mut files = Files::default();
        if self.compare.is_empty() {
            files.add_folder(folder, Path::new(""))?;
        }
        for path in &self.compare {
            files.add(folder, path)?;
        }
        Ok(files)
    }
}

/// Digests of what lies in a folder, by path.
#[derive(Clone, PartialEq, Eq, Debug, Default, Hash)]
pub struct Files(BTreeMap<PathBuf, u64>);

impl Files {
    /// Paths at which two folders differ.
    pub(crate) fn differences(&self, other: &Self) -> Vec<PathBuf> {
        let all: std::collections::BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        all.into_iter().filter(|path| self.0.get(*path) != other.0.get(*path)).cloned().collect()
    }

    fn add_folder(&mut self, root: &Path, below: &Path) -> Result<()> {
        let folder = root.join(below);
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
            self.add(root, &below.join(entry?.file_name()))?;
        }
        Ok(())
    }

    fn add(&mut self, root: &Path, path: &Path) -> Result<()> {
        let whole = root.join(path);
        let about = match whole.symlink_metadata() {
            Ok(about) => about,
            // A file that is not there is a state, too.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("looking at {}", whole.display())),
        };
        let mut digest = DefaultHasher::new();
        about.permissions().mode().hash(&mut digest);
        if about.is_symlink() {
            fs::read_link(&whole)?.hash(&mut digest);
        } else if about.is_file() {
            match fs::read(&whole) {
                Ok(bytes) => bytes.hash(&mut digest),
                // A program may take the permission away; the mode says so.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                Err(error) => return Err(error).with_context(|| format!("reading {}", whole.display())),
            }
        }
        self.0.insert(path.to_owned(), digest.finish());
        if about.is_dir() { self.add_folder(root, path) } else { Ok(()) }
    }
}

/// Copies a folder with all that is below it.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("listing {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target).with_context(|| format!("copying {}", source.display()))?;
        } else {
            bail!("{} is neither a file nor a folder nor a symbolic link", source.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_a_run_is_complete() {
        let mut subject = Subject::alone(vec!["ls".into(), "-l".into()]);
        assert_eq!(subject.words(Path::new("r"), &[]), ["ls", "-l"]);
        (subject.replicas, subject.rcb, subject.deadline) = (3, "rcb".into(), Duration::from_secs(2));
        subject.options = vec!["--checkpoint".into(), "1".into()];
        let words = subject.words(Path::new("r"), &[0, 1, 0]);
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        assert_eq!(words.join(" "), "rcb run -n 3 --deadline 2 --record r --cpus 0,1,0 --checkpoint 1 -- ls -l");
    }

    #[test]
    fn folders_are_copied_and_compared() {
        let here = tempfile::tempdir().expect("folder");
        let (from, to) = (here.path().join("from"), here.path().join("to"));
        fs::create_dir_all(from.join("below")).expect("made");
        fs::write(from.join("below/a"), "a").expect("written");
        std::os::unix::fs::symlink("below/a", from.join("link")).expect("linked");
        copy_folder(&from, &to).expect("copied");
        let mut subject = Subject::alone(vec![]);
        let before = subject.files(&from).expect("files");
        assert_eq!(before, subject.files(&to).expect("files"));
        fs::write(to.join("below/a"), "b").expect("written");
        fs::write(to.join("new"), "").expect("written");
        let after = subject.files(&to).expect("files");
        assert_eq!(before.differences(&after), [PathBuf::from("below/a"), "new".into()]);
        subject.compare = vec!["link".into(), "missing".into()];
        assert_eq!(subject.files(&from).expect("files"), subject.files(&to).expect("files"));
    }
}

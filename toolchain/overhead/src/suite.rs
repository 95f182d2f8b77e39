//! The suite's entries: real programs with prepared inputs, each run in a fresh copy of its folder.

use crate::launch::{Finished, Running, succeed};
use crate::subject::{Print, digest};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One line of suite.tsv.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Short name.
    pub name: String,
    /// What it stands for.
    pub counterpart: String,
    folder: String,
    command: String,
    small_command: Option<String>,
    exit: i32,
    filter: Option<String>,
    files: Vec<String>,
}

impl Entry {
    /// The same entry for the small inputs.
    #[must_use]
    pub fn into_small(self) -> Self {
        Self { command: self.small_command.clone().unwrap_or(self.command), ..self }
    }

    /// What the shell is given; `$RUN` stands for the runtime.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Whether it is one process with one thread, the only kind that is replicated so far.
    pub fn is_single(&self) -> bool {
        // zstd starts worker threads even when told not to.
        !self.counterpart.contains("processes") && !self.counterpart.contains("threads") && self.name != "zstd"
    }
}

/// Reads the table of the suite.
pub fn read(table: &Path) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(table).with_context(|| format!("cannot read {}", table.display()))?;
    Ok(parse(&text))
}

/// From the text of the table.
pub fn parse(text: &str) -> Vec<Entry> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let fields: Vec<_> = line.split('\t').collect();
            let [name, counterpart, folder, command, filter, exit, _, files, ..] = fields[..] else { return None };
            let given = |field: &str| (field != "-").then(|| field.to_owned());
            Some(Entry {
                name: name.to_owned(),
                counterpart: counterpart.to_owned(),
                folder: folder.to_owned(),
                command: command.to_owned(),
                small_command: fields.get(9).and_then(|small| given(small)),
                exit: exit.parse().ok()?,
                filter: given(filter),
                files: given(files).map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default(),
            })
        })
        .collect()
}

/// A private copy of an entry's folder, removed with the value.
#[derive(Debug)]
pub struct Scratch<'a> {
    entry: &'a Entry,
    folder: PathBuf,
}

impl<'a> Scratch<'a> {
    /// Copies the prepared inputs of an entry to `base`.
    pub fn copy(entry: &'a Entry, inputs: &Path, base: &Path, tag: &str) -> Result<Self> {
        let folder = base.join(format!("{}.{tag}", entry.name));
        _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(base)?;
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(inputs.join(&entry.folder)).arg(&folder);
        succeed(&mut copy, &crate::machine::allowed_cpus()).context("cannot copy the inputs")?;
        Ok(Self { entry, folder })
    }

    fn output(&self) -> PathBuf {
        self.folder.with_extension("stdout")
    }

    fn errors(&self) -> PathBuf {
        self.folder.with_extension("stderr")
    }

    fn shell(&self, script: &str, run: Option<&[OsString]>) -> Command {
        let mut path = OsString::new();
        let mut words = Vec::new();
        // The runtime is found through PATH, because $RUN is split at blanks and its path might have some.
        if let Some([binary, rest @ ..]) = run {
            path.push(Path::new(binary).parent().unwrap_or(Path::new("/")));
            path.push(":");
            words.push(Path::new(binary).file_name().unwrap_or_default().to_string_lossy().into_owned());
            words.extend(rest.iter().map(|word| word.to_string_lossy().into_owned()));
        }
        path.push("/usr/sbin:/usr/bin:/sbin:/bin");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).current_dir(&self.folder).env_clear().stdin(Stdio::null());
        command
            .env("PATH", path)
            .env("HOME", &self.folder)
            .env("LC_ALL", "C")
            .env("TZ", "UTC0")
            .env("RUN", words.join(" "));
        command
    }

    /// Starts the entry; `run` are the words of the runtime before the program.
    pub fn start(&self, run: Option<&[OsString]>, cpus: &[usize]) -> Result<Running> {
        let mut command = self.shell(&replacing(&self.entry.command), run);
        command.stdout(File::create(self.output())?).stderr(File::create(self.errors())?);
        Running::start(&mut command, cpus)
    }

    /// Everything a run may be judged by: exit status, filtered standard output, written files.
    pub fn outcome(&self, finished: &Finished) -> Result<Outcome> {
        let stdout = match &self.entry.filter {
            None => fs::read(self.output())?,
            Some(filter) => {
                let mut command = self.shell(filter, None);
                command.stdin(File::open(self.output())?).stdout(Stdio::piped());
                Running::start(&mut command, &crate::machine::allowed_cpus())?.finish()?.stdout
            }
        };
        let mut files = BTreeMap::new();
        for name in &self.entry.files {
            collect(&self.folder, Path::new(name), &mut files)?;
        }
        let is_expected = finished.status.code() == Some(self.entry.exit);
        Ok(Outcome { status: finished.status.to_string(), is_expected, stdout, files })
    }

    /// The last lines of standard error.
    pub fn complaint(&self) -> String {
        let text = fs::read(self.errors()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(3)..].join(" / ").chars().take(300).collect()
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        // What cannot be removed is overwritten by the next copy.
        _ = fs::remove_dir_all(&self.folder);
        _ = fs::remove_file(self.output());
        _ = fs::remove_file(self.errors());
    }
}

/// The command so that the program takes the place of the shell, where it is the only one: what the kernel accounts for
/// the process is then the program's.
fn replacing(command: &str) -> String {
    let several = command.contains(['|', ';', '&', '(']) || command.starts_with("sh ");
    if several { command.to_owned() } else { format!("exec env {command}") }
}

/// What a run left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    status: String,
    is_expected: bool,
    stdout: Vec<u8>,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Outcome {
    /// The exit status, when it is not the one that the table of the suite says.
    pub fn failure(&self) -> Option<&str> {
        (!self.is_expected).then_some(self.status.as_str())
    }

    /// The outcome as digests.
    pub fn print(&self) -> Print {
        let mut digests = vec![("standard output".to_owned(), digest(&self.stdout))];
        digests.extend(self.files.iter().map(|(name, bytes)| (name.display().to_string(), digest(bytes))));
        Print { status: self.status.clone(), is_expected: self.is_expected, digests }
    }

    /// In what this outcome differs from another; `None` when they are equal.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.status != other.status {
            return Some(format!("{} instead of {}", self.status, other.status));
        }
        if self.stdout != other.stdout {
            return Some("standard output differs".to_owned());
        }
        (self.files != other.files).then(|| "written files differ".to_owned())
    }
}

fn collect(folder: &Path, name: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let path = folder.join(name);
    if path.is_dir() {
        for item in fs::read_dir(&path)? {
            collect(folder, &name.join(item?.file_name()), files)?;
        }
    } else if path.exists() {
        files.insert(name.to_owned(), fs::read(&path)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# head\na\tmodern\tdir\tcat in > out; $RUN cat in\tgrep -v no\t0\t-\tout\t-\t$RUN cat in\nb\tmodern (threads)\td\tx\t-\t0\t-\t-\t-\n";

    #[test]
    fn lines_become_entries() {
        let entries = parse(TABLE);
        assert_eq!(entries.len(), 2);
        assert!(entries[0].is_single() && !entries[1].is_single());
        assert_eq!(entries[0].files, ["out"]);
        assert_eq!(entries[1].filter, None);
        assert_eq!(entries[0].clone().into_small().command, "$RUN cat in");
        assert_eq!(entries[1].clone().into_small().command, "x");
    }

    #[test]
    fn a_single_program_takes_the_place_of_the_shell() {
        assert_eq!(replacing("A=1 $RUN prog x < in"), "exec env A=1 $RUN prog x < in");
        for several in ["cat in > out; $RUN cat in", "a | b", "sh play.sh $RUN x"] {
            assert_eq!(replacing(several), several);
        }
    }

    #[test]
    fn a_run_is_judged_by_output_and_files() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join("dir")).unwrap();
        fs::write(base.path().join("dir/in"), "yes\nno\n").unwrap();
        let entries = parse(TABLE);
        let cpus = crate::machine::allowed_cpus();
        let scratch = Scratch::copy(&entries[0], base.path(), &base.path().join("s"), "t").unwrap();
        let finished = scratch.start(None, &cpus).unwrap().finish().unwrap();
        let outcome = scratch.outcome(&finished).unwrap();
        assert_eq!(outcome.stdout, b"yes\n");
        assert_eq!(outcome.failure(), None);
        assert_eq!(outcome.files[Path::new("out")], b"yes\nno\n");
        assert_eq!(outcome.difference(&outcome.clone()), None);
        let other = Outcome { files: BTreeMap::new(), ..outcome.clone() };
        assert_eq!(outcome.difference(&other).unwrap(), "written files differ");
        let other = Outcome { stdout: Vec::new(), ..outcome.clone() };
        assert_eq!(outcome.difference(&other).unwrap(), "standard output differs");
    }
}

//! A private folder, a process group of its own and a deadline for each run.
//!
//! All runs of one case happen at the same path, one after the other, so that a path in an output does not differ; a
//! finished run's folder is moved aside under the name of its setting.

use crate::case::Case;
use crate::outcome::{Ended, Outcome, snapshot, split_stderr};
use crate::runtime::Setting;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

/// The folder of one case.
pub struct Sandbox {
    root: TempDir,
}

impl Sandbox {
    /// A fresh folder.
    pub fn new() -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("rcb-tests-").tempdir()?;
        // Tests that give up root must be able to enter.
        fs::set_permissions(root.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(Self { root })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Leaves the folder for a person to look at, and says where it is.
    pub fn keep(self) -> PathBuf {
        self.root.keep()
    }

    /// Makes the folder in which the next run happens.
    pub fn fresh_work(&self, template: Option<&Path>) -> io::Result<PathBuf> {
        let work = self.path().join("work");
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        match template {
            None => fs::create_dir(&work)?,
            Some(from) => {
                let status = Command::new("cp").arg("-a").arg(from).arg(&work).status()?;
                if !status.success() {
                    return Err(io::Error::other(format!("cp -a {} failed", from.display())));
                }
            }
        }
        Ok(work)
    }

    /// Runs a case under a setting to its end or its deadline.
    pub fn run(&self, case: &Case, setting: Setting) -> io::Result<Outcome> {
        self.run_words(case, &case.command(setting), &setting.to_string())
    }

    /// Runs the given words in place of the case's own command; `label` names what is left behind.
    pub fn run_words(&self, case: &Case, words: &[String], label: &str) -> io::Result<Outcome> {
        let work = self.fresh_work(case.template.as_deref())?;
        let stdout = self.path().join(format!("{label}.stdout"));
        let stderr = self.path().join(format!("{label}.stderr"));
        let stdin = match &case.stdin {
            None => Stdio::null(),
            Some(bytes) => {
                let path = self.path().join("stdin");
                fs::write(&path, bytes)?;
                File::open(path)?.into()
            }
        };
        let child = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(&work)
            .env_clear()
            .envs(case.environment(&work))
            .stdin(stdin)
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?)
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", words[0])))?;
        let ended = finish(child, case.deadline)?;
        let (mut guest, report) = split_stderr(&fs::read(&stderr)?);
        if !case.compare_stderr {
            guest.clear();
        }
        let mut output = fs::read(&stdout)?;
        if let Some(filter) = &case.filter {
            let done = Command::new("sh").args(["-c", filter]).stdin(File::open(&stdout)?).output()?;
            output = done.stdout;
        }
        let files = if case.compare_files { snapshot(&work)? } else { std::collections::BTreeMap::new() };
        let aside = self.path().join(label);
        if aside.exists() {
            fs::remove_dir_all(&aside)?;
        }
        fs::rename(&work, aside)?;
        Ok(Outcome { ended, stdout: output, stderr: guest, report, files })
    }
}

/// Waits for a child that leads a process group, kills what is left of the group, and says how the child ended.
pub fn finish(mut child: Child, deadline: Duration) -> io::Result<Ended> {
    let in_time = wait_ended(child.id(), deadline);
    // The child is not waited for yet, so its number still belongs to its group.
    let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
    let status = child.wait()?;
    Ok(if in_time { Ended::from_status(status) } else { Ended::Deadline })
}

/// Waits until a child of this process has ended, without taking its status; false if the deadline passed first.
pub fn wait_ended(pid: u32, deadline: Duration) -> bool {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while let Err(nix::errno::Errno::EINTR) = waitid(Id::Pid(Pid::from_raw(pid as i32)), flags) {}
        // Nobody listens any more once the deadline has passed.
        let _ = sender.send(());
    });
    receiver.recv_timeout(deadline).is_ok()
}

//! Settings of one run.

use crate::checkpoint::Terms;
use crate::error::{Error, Result};
pub use crate::placement::Placement;
pub use rcb_abi::control::{Hook, Lockstep};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Replicas unless said otherwise: enough to notice.
pub const DEFAULT_REPLICAS: usize = 2;

/// Silence after which a replica counts as hanging. Long enough for a machine that swaps, short enough that
/// somebody who watches is still there.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// Share of the time that checkpoints may take.
pub const DEFAULT_BUDGET: f64 = 0.05;

/// Everything the user chose for a run. The environment is inherited.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// How many replicas, 1 to 8.
    pub replicas: usize,
    /// When they must meet.
    pub lockstep: Lockstep,
    /// Where the replicas stand.
    pub placement: Placement,
    /// Silence that counts as a fault; `None` waits for ever.
    pub deadline: Option<Duration>,
    /// Where the record of the run goes.
    pub record: Option<PathBuf>,
    /// Whether to print counters at the end.
    pub stats: bool,
    /// Whether the replicas ask for transparent huge pages.
    pub huge_pages: bool,
    /// Whether a replica that is to blame is replaced, where that can be done.
    pub heals: bool,
    /// How often memory is compared; `None` for never.
    pub scrub: Option<Duration>,
    /// How often frozen copies are left, and for what share of the time; `None` for never.
    pub checkpoint: Option<Terms>,
    /// A fault to inject; a test facility.
    pub hook: Option<Hook>,
    /// As the user wrote the hook, for the report.
    pub hook_text: Option<String>,
    /// Keep every call on the signal path (a measuring facility).
    pub no_patch: bool,
    /// Behave as if `pidfd_getfd` were denied (a test facility).
    pub force_fd_passing: bool,
    /// The program as the user named it.
    pub program: OsString,
    /// Its arguments, without the name.
    pub args: Vec<OsString>,
}

impl RunConfig {
    /// A run with the defaults.
    pub fn new(program: impl Into<OsString>, args: Vec<OsString>) -> Self {
        Self {
            replicas: DEFAULT_REPLICAS,
            lockstep: Lockstep::Output,
            placement: Placement::Near,
            deadline: Some(DEFAULT_DEADLINE),
            record: None,
            stats: false,
            huge_pages: false,
            heals: true,
            scrub: None,
            checkpoint: None,
            hook: None,
            hook_text: None,
            no_patch: false,
            force_fd_passing: false,
            program: program.into(),
            args,
        }
    }

    /// Checks what the types cannot say.
    pub fn validate(&self) -> Result<()> {
        if !(1..=rcb_abi::MAX_REPLICAS).contains(&self.replicas) {
            return Err(Error::Setting(format!(
                "{} replicas: 1 to {} are possible",
                self.replicas,
                rcb_abi::MAX_REPLICAS
            )));
        }
        if matches!(&self.placement, Placement::List(list) if list.is_empty()) {
            return Err(Error::Setting("the list of CPUs is empty".into()));
        }
        if self.checkpoint.is_some() && self.replicas < 2 {
            return Err(Error::Setting(
                "--checkpoint is for two replicas or more: one has nobody to disagree with".into(),
            ));
        }
        if let Some(hook) = self.hook.filter(|hook| hook.replica as usize >= self.replicas) {
            return Err(Error::Setting(format!(
                "cannot inject into replica {}: there are {} (counted from 0)",
                hook.replica, self.replicas
            )));
        }
        Ok(())
    }

    /// The command line that repeats this run, for reports.
    pub fn command_line(&self) -> String {
        let mut words = vec!["rcb".to_string(), "run".into(), "-n".into(), self.replicas.to_string()];
        if self.lockstep == Lockstep::Strict {
            words.extend(["--lockstep".into(), "strict".into()]);
        }
        match &self.placement {
            Placement::Near => {}
            Placement::SameSocket => words.extend(["--placement".into(), "same-socket".into()]),
            Placement::DifferentSocket => words.extend(["--placement".into(), "different-socket".into()]),
            Placement::Auto => words.extend(["--placement".into(), "auto".into()]),
            Placement::List(cpus) => {
                let list: Vec<String> = cpus.iter().map(u32::to_string).collect();
                words.extend(["--cpus".into(), list.join(",")]);
            }
        }
        if self.deadline != Some(DEFAULT_DEADLINE) {
            let seconds = self.deadline.map_or(0.0, |deadline| deadline.as_secs_f64());
            words.extend(["--deadline".into(), seconds.to_string()]);
        }
        if self.huge_pages {
            words.push("--huge-pages".into());
        }
        if !self.heals {
            words.push("--no-heal".into());
        }
        if let Some(period) = self.scrub {
            words.extend(["--scrub".into(), period.as_secs_f64().to_string()]);
        }
        if let Some(Terms { period, budget }) = self.checkpoint {
            words.extend(["--checkpoint".into(), period.as_secs_f64().to_string()]);
            if budget != DEFAULT_BUDGET {
                words.extend(["--checkpoint-budget".into(), (budget * 100.0).to_string()]);
            }
        }
        if let Some(text) = &self.hook_text {
            words.extend(["--inject".into(), quote(text)]);
        }
        if self.no_patch {
            words.push("--no-patch".into());
        }
        if self.force_fd_passing {
            words.push("--force-fd-passing".into());
        }
        words.push("--".into());
        words.push(quote(&self.program.to_string_lossy()));
        words.extend(self.args.iter().map(|arg| quote(&arg.to_string_lossy())));
        words.join(" ")
    }
}

/// A word as a shell reads it back.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_can_be_pasted() {
        let mut config = RunConfig::new("sh", vec!["-c".into(), "echo it's".into(), String::new().into()]);
        assert_eq!(config.command_line(), r"rcb run -n 2 -- sh -c 'echo it'\''s' ''");
        config.lockstep = Lockstep::Strict;
        config.placement = Placement::List(vec![0, 2]);
        config.deadline = None;
        config.hook_text = Some("replica=1,call=2,hang".into());
        assert_eq!(
            config.command_line(),
            r"rcb run -n 2 --lockstep strict --cpus 0,2 --deadline 0 --inject replica=1,call=2,hang -- sh -c 'echo it'\''s' ''"
        );
    }

    #[test]
    fn bounds_are_checked() {
        let mut config = RunConfig::new("x", vec![]);
        assert!(config.validate().is_ok());
        for bad in [0, 9] {
            config.replicas = bad;
            assert!(config.validate().is_err());
        }
        config.replicas = 2;
        config.hook = Some(Hook { replica: 2, ..Hook::NONE });
        assert!(config.validate().is_err());
        config.hook = None;
        config.placement = Placement::List(vec![]);
        assert!(config.validate().is_err());
    }
}

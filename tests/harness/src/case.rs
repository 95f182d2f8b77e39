//! What to run: words with a place for the runtime, a folder to start from, an environment.

use crate::require::SEARCH_PATH;
use crate::runtime::Setting;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the runtime goes in a command; nothing stands there in a native run.
pub const RUN: &str = "$RUN";

/// One thing to run, natively or replicated.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name of the test.
    pub name: String,
    /// Words of the command; [`RUN`] as a word, or anywhere in a script for `sh -c`, marks the place of the runtime.
    pub words: Vec<String>,
    /// Folder whose content each run finds in its own folder.
    pub template: Option<PathBuf>,
    /// Standard input; nothing to read if `None`.
    pub stdin: Option<Vec<u8>>,
    /// Variables besides the fixed ones.
    pub env: Vec<(String, String)>,
    /// Options of `rcb run` besides the setting.
    pub options: Vec<String>,
    /// A shell command through which standard output goes before it is compared.
    pub filter: Option<String>,
    /// How long one run may take.
    pub deadline: Duration,
    /// Whether what the run leaves in its folder is compared.
    pub compare_files: bool,
    /// Whether standard error is compared: some programs write times to it.
    pub compare_stderr: bool,
}

impl Case {
    /// A program with arguments.
    pub fn program(name: impl Into<String>, program: &Path, args: &[String]) -> Self {
        let mut words = vec![RUN.to_string(), program.display().to_string()];
        words.extend_from_slice(args);
        Self::words(name, words)
    }

    /// A script for `sh -c` with [`RUN`] in it.
    pub fn shell(name: impl Into<String>, script: &str) -> Self {
        Self::words(name, vec!["/bin/sh".into(), "-c".into(), script.into()])
    }

    fn words(name: impl Into<String>, words: Vec<String>) -> Self {
        Self {
            name: name.into(),
            words,
            template: None,
            stdin: None,
            env: Vec::new(),
            options: Vec::new(),
            filter: None,
            deadline: Duration::from_secs(20),
            compare_files: true,
            compare_stderr: true,
        }
    }

    /// The command for one setting.
    pub fn command(&self, setting: Setting) -> Vec<String> {
        let prefix = setting.prefix(&self.options);
        let mut command = Vec::new();
        for word in &self.words {
            if word == RUN {
                command.extend_from_slice(&prefix);
            } else {
                command.push(word.replace(RUN, &prefix.join(" ")));
            }
        }
        command
    }

    /// The environment of a run in folder `home`: nothing of the caller's own goes in.
    pub fn environment(&self, home: &Path) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = vec![
            ("PATH".into(), format!("{SEARCH_PATH}:/usr/games")),
            ("HOME".into(), home.display().to_string()),
            ("LC_ALL".into(), "C".into()),
            ("TZ".into(), "UTC0".into()),
            // The runtime's cache of patch plans, which would count as files of a run if it lay in the home folder.
            ("XDG_CACHE_HOME".into(), crate::target_dir().join("rcb-tests-cache").display().to_string()),
        ];
        all.extend_from_slice(&self.env);
        all
    }
}

//! Where the `rcb` command is, and the settings under which a case is tried.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// When replicas meet, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lockstep {
    /// Only at calls that are visible outside.
    Output,
    /// At every call.
    Strict,
}

/// A facility of `rcb` that takes the other one of two paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// As a user runs it.
    None,
    /// No call site is patched: every call comes as a signal.
    Trapped,
    /// Descriptors are passed over sockets.
    Sockets,
    /// Under the seccomp profile of a container, which denies more than one thing that is used elsewhere.
    Confined,
}

/// How a program is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Without the runtime.
    Native,
    /// Without the runtime, under the seccomp profile of a container.
    NativeConfined,
    /// By `rcb run`.
    Replicated {
        /// Number of replicas.
        replicas: usize,
        /// When they meet.
        lockstep: Lockstep,
        /// Which path is forced.
        twist: Twist,
    },
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Replicated { replicas, lockstep, twist } = self else {
            return f.write_str(if *self == Self::Native { "native" } else { "native-confined" });
        };
        write!(f, "n{replicas}")?;
        f.write_str(match lockstep {
            Lockstep::Output => "",
            Lockstep::Strict => "-strict",
        })?;
        f.write_str(match twist {
            Twist::None => "",
            Twist::Trapped => "-trapped",
            Twist::Sockets => "-sockets",
            Twist::Confined => "-confined",
        })
    }
}

impl Setting {
    /// `n` replicas in output mode.
    pub const fn output(replicas: usize) -> Self {
        Self::Replicated { replicas, lockstep: Lockstep::Output, twist: Twist::None }
    }

    /// `n` replicas in strict mode.
    pub const fn strict(replicas: usize) -> Self {
        Self::Replicated { replicas, lockstep: Lockstep::Strict, twist: Twist::None }
    }

    /// The run that this one must be equal to.
    #[must_use]
    pub const fn reference(self) -> Self {
        match self {
            Self::NativeConfined | Self::Replicated { twist: Twist::Confined, .. } => Self::NativeConfined,
            _ => Self::Native,
        }
    }

    /// Two replicas in output mode with a path forced.
    pub const fn twisted(twist: Twist) -> Self {
        Self::Replicated { replicas: 2, lockstep: Lockstep::Output, twist }
    }

    /// The words that go in front of the program: none for a native run.
    pub fn prefix(self, options: &[String]) -> Vec<String> {
        let mut words = Vec::new();
        if self.reference() == Self::NativeConfined {
            words.extend(crate::confine::prefix());
        }
        let Self::Replicated { replicas, lockstep, twist } = self else { return words };
        words
            .extend([&rcb().display().to_string(), "run", "-n", &replicas.to_string(), "--lockstep"].map(String::from));
        words.push(match lockstep {
            Lockstep::Output => "output".into(),
            Lockstep::Strict => "strict".into(),
        });
        match twist {
            Twist::None | Twist::Confined => {}
            Twist::Trapped => words.push("--no-patch".into()),
            Twist::Sockets => words.push("--force-fd-passing".into()),
        }
        words.extend_from_slice(options);
        words.push("--".into());
        words
    }
}

/// The settings every case is compared under, the native run left out: 1, 2 and 3 replicas, and 2 in strict mode.
///
/// `RCB_TEST_SETTINGS` chooses others, as in `n1,n2-strict`; `native` in it repeats the native run, which shows
/// whether the case itself is deterministic.
pub fn settings() -> Vec<Setting> {
    chosen(&[])
}

/// The settings of [`settings`] and 1 and 3 replicas in strict mode: for the tests whose promise is both modes.
pub fn both_modes() -> Vec<Setting> {
    chosen(&[Setting::strict(1), Setting::strict(3)])
}

/// The settings of [`settings`] and the forced paths: for the tiny programs, each about one feature.
pub fn every_path() -> Vec<Setting> {
    chosen(&[Twist::Trapped, Twist::Sockets, Twist::Confined].map(Setting::twisted))
}

fn chosen(more: &[Setting]) -> Vec<Setting> {
    if let Ok(list) = std::env::var("RCB_TEST_SETTINGS") {
        return list.split(',').map(parse).collect();
    }
    let mut all = vec![Setting::output(1), Setting::output(2), Setting::output(3), Setting::strict(2)];
    all.extend_from_slice(more);
    all
}

fn parse(word: &str) -> Setting {
    let known = (1..=8).flat_map(|n| {
        [Lockstep::Output, Lockstep::Strict].into_iter().flat_map(move |lockstep| {
            [Twist::None, Twist::Trapped, Twist::Sockets, Twist::Confined].map(|twist| Setting::Replicated {
                replicas: n,
                lockstep,
                twist,
            })
        })
    });
    [Setting::Native, Setting::NativeConfined]
        .into_iter()
        .chain(known)
        .find(|setting| setting.to_string() == word)
        .unwrap_or_else(|| panic!("RCB_TEST_SETTINGS: {word:?} is not known; native, n2, n3-strict, n2-trapped are"))
}

/// Path of the `rcb` command: `$RCB`, or the release build in the target directory, which is made if it is missing.
///
/// # Panics
/// If it cannot be built.
pub fn rcb() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(path) = std::env::var_os("RCB") {
            return PathBuf::from(path);
        }
        let target = crate::target_dir();
        let path = target.join("release/rcb");
        if !path.exists() {
            let lock = std::fs::File::create(target.join("rcb-tests.lock")).expect("the target directory is writable");
            lock.lock().expect("a file of ours can be locked");
            if !path.exists() {
                build(&target);
            }
        }
        assert!(path.exists(), "{} was not built", path.display());
        path
    })
}

fn build(target: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "-p", "rcb"])
        .env("CARGO_TARGET_DIR", target)
        .current_dir(crate::tests_dir())
        .status()
        .expect("cargo can be started");
    assert!(status.success(), "cargo build --release -p rcb failed");
}

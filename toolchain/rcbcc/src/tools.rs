//! The programs that do the work, and running them.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// Where Debian's packages put LLVM 22.
const LLVM: &str = "/usr/lib/llvm-22/bin";
/// What to install.
const PACKAGES: &str = "llvm-22-dev clang-22 lld-22";

/// A step that failed and has said why on stderr.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) ExitStatus);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a step failed: {}", self.0)
    }
}

impl std::error::Error for Failed {}

/// The programs.
#[derive(Debug)]
pub(crate) struct Tools {
    clang: PathBuf,
    harden: PathBuf,
    verbose: bool,
}

impl Tools {
    /// Looks for LLVM 22 and for the pass beside this program.
    ///
    /// # Errors
    /// Names the packages or the file that is missing.
    pub(crate) fn find(is_cpp: bool, verbose: bool) -> Result<Self> {
        let name = if is_cpp { "clang++" } else { "clang" };
        let folder = std::env::var_os("RCBCC_LLVM").map_or_else(|| PathBuf::from(LLVM), PathBuf::from);
        let clang = folder.join(name);
        if !clang.exists() || !folder.join("ld.lld").exists() {
            bail!(
                "LLVM 22 with clang and lld is not in {}\n  install it: apt-get install {PACKAGES}\n  \
                 or name its folder of programs in RCBCC_LLVM",
                folder.display()
            );
        }
        let own = std::env::current_exe().and_then(|path| path.canonicalize()).context("cannot find this program")?;
        let harden = own.with_file_name("rcb-harden");
        if !harden.exists() {
            bail!(
                "the pass is not beside rcbcc ({})\n  build it, with LLVM 22 installed (apt-get install {PACKAGES} \
                 libpolly-22-dev libzstd-dev zlib1g-dev): make build",
                harden.display()
            );
        }
        Ok(Self { clang, harden, verbose })
    }

    /// The compiler, with no arguments yet.
    pub(crate) fn clang(&self) -> Command {
        Command::new(&self.clang)
    }

    /// The pass.
    pub(crate) fn harden(&self) -> Command {
        Command::new(&self.harden)
    }

    /// Runs a step.
    ///
    /// # Errors
    /// [`Failed`] with its status; another error when it could not be started.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        if self.verbose {
            eprintln!("rcbcc: {}", shown(command));
        }
        let status =
            command.status().with_context(|| format!("cannot start {}", Path::new(command.get_program()).display()))?;
        if status.success() { Ok(()) } else { Err(Failed(status).into()) }
    }
}

/// A command as one could type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| {
        let text = word.to_string_lossy();
        let is_plain = !text.is_empty()
            && text.chars().all(|character| character.is_alphanumeric() || "-_=+,./:@%".contains(character));
        if is_plain { text.into_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Options that make clang generate code from hardened bitcode and change nothing.
pub(crate) fn only_code_generation() -> Vec<OsString> {
    // Loop strength reduction would compute the shadow of an index from the index.
    ["-Xclang", "-disable-llvm-passes", "-mllvm", "-disable-lsr", "-Qunused-arguments", "-Wno-override-module"]
        .map(OsString::from)
        .to_vec()
}

//! What the tests of the whole system share: running a program natively and replicated, and comparing the two.
//!
//! ```text
//!  program   a C or assembly program with directives at its top  -> compiled, cached by content
//!  case      what to run, and in which folder
//!  runtime   where `rcb` is, and the settings (replicas, lockstep) to try
//!  sandbox   a private folder, a process group of its own and a deadline for each run
//!  outcome   what can be seen of a run from outside, and the comparison of two runs
//!  confine   the seccomp profile of a container, for the programs that run under it
//!  inherited what programs inherit from the test binary
//!  conform   native first, then every setting: all outcomes must be equal
//!  table     rows of cases in a text file
//!  victim    programs whose replicas are harmed on purpose
//!  launch    a run that is watched and disturbed while it lives
//!  random    repeatable numbers
//!  processes a look at the processes of the machine
//!  require   what a test needs; a missing thing is a visible skip, or a failure where everything is required
//! ```

pub mod case;
pub mod confine;
pub mod conform;
pub mod inherited;
pub mod launch;
pub mod outcome;
pub mod processes;
pub mod program;
pub mod random;
pub mod require;
pub mod runtime;
pub mod sandbox;
pub mod table;
pub mod victim;

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// The folder `tests` of the workspace.
pub fn tests_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the harness lies in a folder of the workspace").to_path_buf()
}

/// The target directory this test binary was built into.
///
/// # Panics
/// If the binary does not lie in `TARGET/PROFILE/deps`.
pub fn target_dir() -> PathBuf {
    let exe = std::env::current_exe().expect("a running program has a path");
    exe.ancestors().nth(3).expect("tests lie in TARGET/PROFILE/deps").to_path_buf()
}

/// A folder in the target directory that `make` fills once for each content of `key`, however many test processes ask.
///
/// # Panics
/// If the target directory cannot be written.
pub fn made_once(name: &str, key: &[&[u8]], make: impl FnOnce(&Path)) -> PathBuf {
    let mut hash = DefaultHasher::new();
    key.hash(&mut hash);
    let folder = target_dir().join(format!("{name}-{:016x}", hash.finish()));
    if !folder.exists() {
        let lock = File::create(folder.with_extension("lock")).expect("the target directory is writable");
        lock.lock().expect("a file of ours can be locked");
        if !folder.exists() {
            let unfinished = folder.with_extension("unfinished");
            // What an interrupted run has left.
            let _ = fs::remove_dir_all(&unfinished);
            fs::create_dir_all(&unfinished).expect("the target directory is writable");
            make(&unfinished);
            fs::rename(&unfinished, &folder).expect("a folder can be renamed");
        }
    }
    folder
}

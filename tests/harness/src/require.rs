//! What a test needs and what happens when it is missing.

use libtest_mimic::{Failed, Trial};
use std::path::{Path, PathBuf};

/// Whether a missing requirement fails a test instead of skipping it (`CI=1` or `RCB_REQUIRE_ALL=1`).
pub fn everything_required() -> bool {
    ["CI", "RCB_REQUIRE_ALL"].iter().any(|name| std::env::var(name).is_ok_and(|v| !v.is_empty() && v != "0"))
}

/// The first of `needs` that is missing here.
///
/// A need is a path (with a slash), or `root`, `avx`, `vsyscall`, or else the name of a command.
pub fn missing<'a>(needs: impl IntoIterator<Item = &'a str>) -> Option<String> {
    needs.into_iter().find(|need| !is_there(need)).map(String::from)
}

fn is_there(need: &str) -> bool {
    match need {
        "root" => is_root(),
        "avx" => std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.split_whitespace().any(|w| w == "avx")),
        "vsyscall" => {
            // The page is listed for every process or for none.
            std::fs::read_to_string("/proc/self/maps").is_ok_and(|text| text.contains("[vsyscall]"))
        }
        path if path.contains('/') => Path::new(path).exists(),
        name => find_command(name).is_some(),
    }
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Path of a command on the usual path of a Debian system.
pub fn find_command(name: &str) -> Option<PathBuf> {
    SEARCH_PATH.split(':').map(|dir| Path::new(dir).join(name)).find(|path| path.exists())
}

/// The search path that every test gives its programs.
pub const SEARCH_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A test that is skipped, in sight, when one of `needs` is missing.
pub fn trial<'a>(
    name: impl Into<String>,
    needs: impl IntoIterator<Item = &'a str>,
    runner: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match missing(needs) {
        None => Trial::test(name, runner),
        Some(what) if everything_required() => {
            Trial::test(name, move || Err(Failed::from(format!("{what} is required here and missing"))))
        }
        Some(what) => Trial::test(name, || Ok(())).with_kind(format!("needs {what}")).with_ignored_flag(true),
    }
}

//! Exit codes of `rcb` itself: what cannot be run, and wrong use.

use crate::claim;
use libtest_mimic::{Failed, Trial};
use rcb_tests::case::Case;
use rcb_tests::outcome::Ended;
use rcb_tests::require::trial;
use rcb_tests::runtime::rcb;
use rcb_tests::sandbox::Sandbox;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

/// The program was not found.
const NOT_FOUND: i32 = 127;
/// The program cannot be executed.
const CANNOT_EXECUTE: i32 = 126;
/// rcb itself failed.
const FAILED: i32 = 125;

/// Name, words behind `rcb`, expected status.
const ROWS: &[(&str, &[&str], i32)] = &[
    ("not-found", &["run", "--", "no-such-program"], NOT_FOUND),
    ("path-not-found", &["run", "--", "./no-such-program"], NOT_FOUND),
    ("folder-not-found", &["run", "--", "/no/such/folder/program"], NOT_FOUND),
    ("empty-name", &["run", "--", ""], NOT_FOUND),
    ("not-executable", &["run", "--", "./plain"], CANNOT_EXECUTE),
    ("directory", &["run", "--", "./folder"], CANNOT_EXECUTE),
    ("set-uid", &["run", "--", "./set-uid"], CANNOT_EXECUTE),
    ("other-format", &["run", "--", "./other-format"], CANNOT_EXECUTE),
    ("cut-elf", &["run", "--", "./cut-elf"], CANNOT_EXECUTE),
    ("other-machine", &["run", "--", "./other-machine"], CANNOT_EXECUTE),
    ("below-a-file", &["run", "--", "./plain/program"], NOT_FOUND),
    ("no-interpreter", &["run", "--", "./no-interpreter"], NOT_FOUND),
    ("bad-option", &["run", "--no-such-option", "--", "true"], FAILED),
    ("bad-command", &["walk"], FAILED),
    ("no-program", &["run"], FAILED),
    ("no-replicas", &["run", "-n", "0", "--", "true"], FAILED),
    ("too-many-replicas", &["run", "-n", "9", "--", "true"], FAILED),
    ("replicas-no-number", &["run", "-n", "two", "--", "true"], FAILED),
    ("bad-lockstep", &["run", "--lockstep", "loose", "--", "true"], FAILED),
    ("bad-deadline", &["run", "--deadline", "-1", "--", "true"], FAILED),
    ("bad-cpus", &["run", "--cpus", "x", "--", "true"], FAILED),
    ("absent-cpu", &["run", "--cpus", "1000,1001", "--", "true"], FAILED),
    ("bad-inject", &["run", "--inject", "replica=1", "--", "true"], FAILED),
    ("inject-into-nobody", &["run", "-n", "2", "--inject", "replica=5,call=3,kill", "--", "true"], FAILED),
    ("record-nowhere", &["run", "--record", "/no/such/folder/record", "--", "true"], FAILED),
    ("record-directory", &["run", "--record", "folder", "--", "true"], FAILED),
    ("version", &["--version"], 0),
    ("help", &["--help"], 0),
    ("run-help", &["run", "--help"], 0),
];

pub(crate) fn trials() -> Vec<Trial> {
    ROWS.iter().map(|&(name, words, status)| trial(format!("code-{name}"), [], move || code(words, status))).collect()
}

fn code(words: &[&str], status: i32) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let template = sandbox.path().join("template");
    fs::create_dir_all(template.join("folder"))?;
    let make = |name: &str, content: &[u8], mode: u32| -> std::io::Result<()> {
        fs::write(template.join(name), content)?;
        fs::set_permissions(template.join(name), fs::Permissions::from_mode(mode))
    };
    let elf = fs::read("/bin/true")?;
    let mut other = elf.clone();
    other[18] = 183; // e_machine of AArch64
    make("plain", b"plain text\n", 0o644)?;
    make("other-format", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0", 0o755)?;
    make("cut-elf", &elf[..40], 0o755)?;
    make("other-machine", &other, 0o755)?;
    make("no-interpreter", b"#!/no/such/interpreter\n", 0o755)?;
    // Of somebody else, in any case.
    if nix::unistd::geteuid().is_root() {
        make("set-uid", &elf, 0o755)?;
        chown(template.join("set-uid"), Some(65534), None)?;
        fs::set_permissions(template.join("set-uid"), fs::Permissions::from_mode(0o4755))?;
    } else {
        symlink("/bin/mount", template.join("set-uid"))?;
    }
    let mut case = Case::shell("code", "");
    case.template = Some(template);
    let mut command = vec![rcb().display().to_string()];
    command.extend(words.iter().map(|word| (*word).to_string()));
    let seen = sandbox.run_words(&case, &command, "seen")?;
    let said = String::from_utf8_lossy(&seen.stderr).into_owned() + &seen.report;
    claim(seen.ended == Ended::Exit(status), || format!("{words:?}: {} instead of {status}\n{said}", seen.ended))?;
    claim(status == 0 || !said.trim().is_empty(), || format!("{words:?}: status {status} without a word"))?;
    claim(status == 0 || seen.stdout.is_empty(), || format!("{words:?}: standard output belongs to the guest"))
}

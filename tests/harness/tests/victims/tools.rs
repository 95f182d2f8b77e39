//! The other commands: `rcb check`, `rcb syscalls`, `rcb doctor`.

use crate::claim;
use libtest_mimic::{Failed, Trial};
use rcb_tests::case::Case;
use rcb_tests::outcome::{Ended, Outcome};
use rcb_tests::require::trial;
use rcb_tests::runtime::rcb;
use rcb_tests::sandbox::Sandbox;
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("check-supported", [], check_supported),
        trial("check-refused", ["python3"], check_refused),
        trial("check-strace", ["strace", "python3"], check_strace),
        trial("check-not-found", [], check_not_found),
        trial("syscalls-json", [], syscalls_json),
        trial("syscalls-text", [], syscalls_text),
        trial("doctor", [], doctor),
    ]
}

/// Runs `rcb` with words, in a folder of its own.
pub(crate) fn tool(sandbox: &Sandbox, words: &[&str]) -> Result<Outcome, Failed> {
    let mut command = vec![rcb().display().to_string()];
    command.extend(words.iter().map(|word| (*word).to_string()));
    Ok(sandbox.run_words(&Case::shell("tool", ""), &command, "seen")?)
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn check_supported() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let seen = tool(&sandbox, &["check", "echo", "its", "output"])?;
    claim(seen.ended == Ended::Exit(0), || format!("{}\n{}", seen.ended, seen.report))?;
    claim(seen.stdout == b"its output\n", || format!("stdout is {}", text_of(&seen.stdout)))?;
    claim(seen.report.contains("supported"), || seen.report.clone())
}

/// A program that needs what is refused.
const THREAD: &str = "import threading as t; a = t.Thread(target=print); a.start(); a.join()";

fn check_refused() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let seen = tool(&sandbox, &["check", "/usr/bin/python3", "-c", THREAD])?;
    claim(seen.ended == Ended::Exit(1), || format!("{}\n{}", seen.ended, seen.report))?;
    claim(seen.report.contains("refused") && seen.report.contains("clone"), || seen.report.clone())
}

/// The same verdict from a file that strace wrote.
fn check_strace() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let log = sandbox.path().join("strace.txt");
    let log = log.display().to_string();
    let words = ["strace", "-f", "-o", &log, "/usr/bin/python3", "-c", THREAD].map(String::from);
    sandbox.run_words(&Case::shell("strace", ""), &words, "strace")?;
    let seen = tool(&sandbox, &["check", "--strace", &log])?;
    claim(seen.ended == Ended::Exit(1), || format!("{}\n{}", seen.ended, seen.report))?;
    claim(seen.report.contains("refused"), || seen.report.clone())
}

fn check_not_found() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    for (words, status) in [
        (&["check", "no-such-program"][..], 127),
        (&["check", "--strace", "/no/such/file"], 125),
        (&["check", "--no-such-option", "true"], 125),
    ] {
        let seen = tool(&sandbox, words)?;
        claim(seen.ended == Ended::Exit(status), || format!("{words:?}: {}\n{}", seen.ended, seen.report))?;
    }
    Ok(())
}

fn syscalls_json() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let seen = tool(&sandbox, &["syscalls", "--json"])?;
    claim(seen.ended == Ended::Exit(0), || format!("{}", seen.ended))?;
    let table: Value = serde_json::from_slice(&seen.stdout).map_err(|error| error.to_string())?;
    let calls = table["calls"].as_array().ok_or("no array `calls`")?;
    claim(calls.len() > 370, || format!("{} rows", calls.len()))?;
    let row = |name: &str| calls.iter().find(|call| call["name"] == name).cloned().unwrap_or(Value::Null);
    claim(row("write")["nr"] == 1 && row("write")["class"] == "output", || row("write").to_string())?;
    claim(row("io_uring_setup")["support"]["level"] != "full", || row("io_uring_setup").to_string())?;
    let numbers: Vec<u64> = calls.iter().filter_map(|call| call["nr"].as_u64()).collect();
    claim(numbers.is_sorted_by(|a, b| a < b) && numbers.len() == calls.len(), || "numbers do not rise".into())
}

fn syscalls_text() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    for words in [&["syscalls"][..], &["syscalls", "--markdown"]] {
        let seen = tool(&sandbox, words)?;
        let text = text_of(&seen.stdout);
        claim(seen.ended == Ended::Exit(0), || format!("{words:?}: {}", seen.ended))?;
        for name in ["openat", "io_uring_setup", "epoll_wait"] {
            claim(text.contains(name), || format!("{words:?} does not name {name}"))?;
        }
    }
    Ok(())
}

fn doctor() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let seen = tool(&sandbox, &["doctor"])?;
    let text = text_of(&seen.stdout);
    claim(seen.ended == Ended::Exit(0), || format!("{}\n{text}", seen.ended))?;
    for word in ["Syscall User Dispatch", "pidfd_getfd", "CPUs"] {
        claim(text.contains(word), || format!("does not say {word:?}:\n{text}"))?;
    }
    let seen = tool(&sandbox, &["doctor", "--json"])?;
    let found: Value = serde_json::from_slice(&seen.stdout).map_err(|error| error.to_string())?;
    claim(found["usable"] == true, || found.to_string())?;
    claim(found["findings"].as_array().is_some_and(|list| list.len() > 5), || found.to_string())
}

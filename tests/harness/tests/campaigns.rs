//! `rcb inject`: small seeded campaigns in which nothing wrong may leave, controls in which it must, and the keeping of trials.

use libtest_mimic::{Arguments, Failed};
use nix::sys::signal::Signal;
use rcb_tests::case::Case;
use rcb_tests::launch::Launch;
use rcb_tests::outcome::{Ended, Outcome};
use rcb_tests::processes;
use rcb_tests::require::trial;
use rcb_tests::runtime::rcb;
use rcb_tests::sandbox::Sandbox;
use rcb_tests::{inherited, program};
use serde_json::Value;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// All registers of the program.
const REGISTERS: &str = "registers,flags,ip,vector";

fn main() {
    inherited::settle();
    let mut trials = vec![
        trial("control-one-replica", ["cc"], || control(&["-n", "1"])),
        trial("control-alone", ["cc"], || control(&["--replicas", "0"])),
        trial("store-goes-on", ["cc"], store_goes_on),
        trial("parts-become-one", ["cc"], parts_become_one),
        trial("interrupted", ["cc"], interrupted),
        trial("one-trial-again", ["cc"], one_trial_again),
        trial("files-count", ["sort"], files_count),
        trial("bad-input", ["sh"], bad_input),
    ];
    let kinds = [
        ("flips", &["--trials", "40"][..]),
        ("registers", &["--target", REGISTERS, "--trials", "40"]),
        ("agent", &["--target", "agent", "--trials", "40"]),
        ("log", &["--target", "log", "--trials", "40"]),
        ("agent-stuck", &["--target", "agent", "--kind", "stuck", "--trials", "20"]),
        ("skips", &["--kind", "skip", "--trials", "20"]),
        ("stuck-bits", &["--kind", "stuck", "--bits", "2", "--trials", "20"]),
    ];
    for (name, words) in kinds {
        for replicas in ["2", "3"] {
            trials.push(trial(format!("{name}-n{replicas}"), ["cc"], move || nothing_leaves(replicas, words)));
        }
    }
    trials.push(trial("control-pages-n3", ["cc"], control_pages));
    trials.push(trial("every-target-again", ["cc"], every_target_again));
    trials.push(trial("large-write-n2", ["cc"], large_write));
    trials.push(trial("pipeline-n2", ["sh", "sort"], pipeline));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Fails a test with a sentence unless a claim holds.
fn claim(holds: bool, sentence: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(sentence().into()) }
}

/// A program of some milliseconds whose output depends on all of its state.
fn victim() -> Result<String, Failed> {
    compiled("victims/compute")
}

/// A guest program of the tests, compiled by one test at a time: they share a process.
fn compiled(name: &'static str) -> Result<String, Failed> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().map_err(|_| "a test has failed while it compiled")?;
    Ok(program::named(name).compile("pie")?.display().to_string())
}

/// Runs `rcb inject` with words.
fn inject(sandbox: &Sandbox, words: &[&str]) -> Result<Outcome, Failed> {
    let mut command = vec![rcb().display().to_string(), "inject".into()];
    command.extend(words.iter().map(|word| (*word).to_string()));
    let mut case = Case::shell("inject", "");
    case.deadline = Duration::from_mins(2);
    Ok(sandbox.run_words(&case, &command, "seen")?)
}

/// The only campaign of a run with `--json -`.
fn campaign(seen: &Outcome) -> Result<Value, Failed> {
    let text = String::from_utf8_lossy(&seen.stdout);
    let document: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}\n{}", seen.report))?;
    let campaigns = document["campaigns"].as_array().ok_or("no campaigns")?;
    claim(campaigns.len() == 1, || format!("{} campaigns", campaigns.len()))?;
    Ok(campaigns[0].clone())
}

fn count(campaign: &Value, class: &str) -> u64 {
    let classes = campaign["classes"].as_array().into_iter().flatten();
    classes.filter(|share| share["class"] == class).filter_map(|share| share["count"].as_u64()).sum()
}

/// The agent belongs to the Reliable Computing Base: the result of a call is in one register of the leader's agent before
/// it is sealed, and who hits that is not found. How often is for the campaigns to say; here it may be once.
fn most_silent(words: &[&str]) -> u64 {
    u64::from(words.contains(&"agent"))
}

fn nothing_leaves(replicas: &str, words: &[&str]) -> Result<(), Failed> {
    let (sandbox, victim) = (Sandbox::new()?, victim()?);
    let seen = inject(&sandbox, &[&["-n", replicas, "--json", "-"], words, &["--", &victim]].concat())?;
    let found = campaign(&seen)?;
    let silent = count(&found, "silent");
    claim(silent <= most_silent(words), || format!("silent: {found:#}"))?;
    claim(seen.ended == Ended::Exit(i32::from(silent > 0)), || format!("{}\n{found:#}", seen.ended))?;
    let trials = words[words.iter().position(|word| *word == "--trials").ok_or("--trials")? + 1];
    claim(found["trials"].as_u64() == trials.parse().ok(), || format!("{} trials", found["trials"]))?;
    for class in ["crashed", "hung", "lost"] {
        claim(count(&found, class) == 0, || format!("{class}: {found:#}"))?;
    }
    let seen = count(&found, "stopped") + count(&found, "corrected");
    // Of faults in the registers of a running program, a third or so has an effect; of the others, few.
    let is_hit_often = words.contains(&REGISTERS) || words.contains(&"skip");
    claim(seen > 0 || !is_hit_often, || format!("no fault had an effect: {found:#}"))
}

/// The pages of the supervisor are one for all replicas: a fault there may stop the run, but prints nothing wrong.
fn control_pages() -> Result<(), Failed> {
    let (sandbox, victim) = (Sandbox::new()?, victim()?);
    let seen = inject(&sandbox, &["-n", "3", "--target", "control", "--trials", "40", "--json", "-", "--", &victim])?;
    let found = campaign(&seen)?;
    claim(count(&found, "silent") == 0 && found["trials"] == 40, || format!("{}\n{found:#}", seen.ended))?;
    let mut rows = found["rows"].as_array().into_iter().flatten();
    claim(rows.all(|row| row["place"].as_str().is_some_and(|place| place.contains("rcb-control"))), || {
        format!("something else was hit: {found:#}")
    })
}

/// For every target, a trial that is repeated hits the same bit: of what a register is called by, or of a byte of memory.
/// (Where nothing could be hit, the next attempt has draws of its own.)
fn every_target_again() -> Result<(), Failed> {
    let (sandbox, victim) = (Sandbox::new()?, victim()?);
    for target in ["registers", "flags", "ip", "vector", "memory", "agent", "log", "control"] {
        let bit = || -> Result<(String, String), Failed> {
            let seen =
                inject(&sandbox, &["-n", "3", "--target", target, "--seed", "5", "--trial", "3", "--", &victim])?;
            let text = String::from_utf8_lossy(&seen.stdout).into_owned();
            let attempt = text.lines().find_map(|line| line.split(", attempt ").nth(1)).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(target));
            let line = line.ok_or_else(|| format!("{target} was not hit: {text}{}", seen.report))?;
            let bit = line.split(" bit ").nth(1).unwrap_or_default().split(',').next().unwrap_or_default();
            claim(!bit.is_empty(), || format!("{target}: no bit in {line:?}"))?;
            Ok((attempt.to_owned(), bit.to_owned()))
        };
        let first = bit()?;
        let same = |(attempt, _): &(String, String)| *attempt == first.0;
        for _ in 0..5 {
            let other = bit()?;
            claim(other == first || !same(&other), || format!("{target}: {first:?}, then {other:?}"))?;
            if same(&other) {
                break;
            }
        }
    }
    Ok(())
}

/// The faults of `large-write` where nobody can notice them: if these did no harm, that would show nothing.
fn control(words: &[&str]) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let victim = compiled("victims/slow-pipe")?;
    let faults = ["--target", "memory", "--trials", "60", "--json", "-", "--", &victim];
    let seen = inject(&sandbox, &[words, &faults].concat())?;
    let found = campaign(&seen)?;
    claim(seen.ended == Ended::Exit(0), || format!("{}: {}", seen.ended, seen.report))?;
    claim(count(&found, "silent") > 0, || format!("nothing silent: {found:#}"))
}

/// All processes of a pipeline are hit.
fn pipeline() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let script = "seq 3000 | sort -r | uniq -c | sort -n | tail -3";
    let words = ["-n", "2", "--trials", "30", "--json", "-", "--", "sh", "-c", script];
    let seen = inject(&sandbox, &words)?;
    let found = campaign(&seen)?;
    claim(seen.ended == Ended::Exit(0), || format!("{}\n{found:#}", seen.ended))?;
    let places = found["rows"].as_array().into_iter().flatten().filter_map(|row| row["at"].as_str());
    let is_elsewhere = |place: &&str| place.contains("/sort+") || place.contains("/seq+") || place.contains("/libc");
    claim(places.clone().any(|place| is_elsewhere(&place)), || format!("only {:?}", places.collect::<Vec<_>>()))
}

/// Bytes of a write that change while the kernel waits for room in a pipe are noticed, though all had agreed on them.
fn large_write() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let victim = compiled("victims/slow-pipe")?;
    let seen = inject(&sandbox, &["-n", "2", "--target", "memory", "--trials", "60", "--json", "-", "--", &victim])?;
    let found = campaign(&seen)?;
    claim(seen.ended == Ended::Exit(0), || format!("{}\n{found:#}", seen.ended))?;
    let mut faults = found["rows"].as_array().into_iter().flatten().map(|row| &row["fault"]);
    claim(faults.any(|fault| fault == "buffer"), || format!("no flip hit the bytes: {found:#}"))
}

fn store_goes_on() -> Result<(), Failed> {
    let (sandbox, victim) = (Sandbox::new()?, victim()?);
    let store = sandbox.path().join("store").display().to_string();
    let run =
        |trials| inject(&sandbox, &["-n", "2", "--store", &store, "--trials", trials, "--json", "-", "--", &victim]);
    let first = campaign(&run("6")?)?;
    let second = campaign(&run("12")?)?;
    let rows = |campaign: &Value| campaign["rows"].as_array().cloned().unwrap_or_default();
    let (first, second) = (rows(&first), rows(&second));
    claim((first.len(), second.len()) == (6, 12), || format!("{} and {} trials", first.len(), second.len()))?;
    claim(first[..] == second[..6], || "trials were made again".into())?;
    let seen = inject(&sandbox, &["-n", "2", "--store", &store, "--", "sh", "-c", "echo $$; echo $PPID"])?;
    claim(seen.ended == Ended::Exit(125) && seen.report.contains("two undisturbed runs differ"), || seen.report.clone())
}

fn parts_become_one() -> Result<(), Failed> {
    let (sandbox, victim) = (Sandbox::new()?, victim()?);
    let store = |part: &str| sandbox.path().join(part).display().to_string();
    for part in ["1/2", "2/2"] {
        let name = store(&part[..1]);
        let words = ["--replicas", "0", "--store", &name, "--shard", part, "--trials", "15", "--", &victim];
        let seen = inject(&sandbox, &words)?;
        claim(seen.ended == Ended::Exit(0), || seen.report.clone())?;
    }
    let seen = inject(&sandbox, &["--summarise", &store("1"), &store("2"), "--json", "-"])?;
    let found = campaign(&seen)?;
    let numbers = found["rows"].as_array().into_iter().flatten().filter_map(|row| row["number"].as_u64());
    claim(numbers.eq(0..15), || format!("{found:#}"))?;
    let seen = inject(&sandbox, &["--summarise", &store("1"), &store("2"), "--markdown"])?;
    let lines = String::from_utf8_lossy(&seen.stdout).lines().count();
    claim(lines == 3, || format!("{lines} lines of Markdown"))
}

/// A campaign that is interrupted dies of the signal, keeps its trials and leaves no process and no folder.
fn interrupted() -> Result<(), Failed> {
    let (sandbox, victim) = (Sandbox::new()?, victim()?);
    let store = sandbox.path().join("store");
    let scratch = sandbox.path().join("scratch");
    std::fs::create_dir(&scratch)?;
    let mut case = Case::shell("inject", "");
    case.env.push(("TMPDIR".into(), scratch.display().to_string()));
    let work = sandbox.fresh_work(None)?;
    let words = [rcb().display().to_string(), "inject".into()].into_iter();
    let options = ["-n", "2", "--jobs", "2", "--workdir", ".", "--store", &store.display().to_string(), "--", &victim];
    let words: Vec<String> = words.chain(options.map(String::from)).collect();
    let launch = Launch::start(&case, &words, &work)?;
    wait_for(|| trials_of(&store) > 3, "no trials are stored")?;
    let runs = processes::children_of(launch.pid());
    let replicas: Vec<i32> = runs.iter().flat_map(|run| processes::children_of(*run)).collect();
    launch.signal(Signal::SIGINT);
    let finished = launch.finish()?;
    claim(finished.ended == Ended::Signal(Signal::SIGINT as i32), || format!("{}", finished.ended))?;
    let text = String::from_utf8_lossy(&finished.stdout).into_owned();
    claim(text.contains("no effect"), || format!("no table of what was found: {text}{}", finished.report))?;
    let is_there = |pid: &i32| processes::look(*pid).is_some_and(|process| process.state != 'Z');
    let gone = || !runs.iter().chain(&replicas).any(is_there);
    wait_for(gone, "runs of the campaign are still there")?;
    claim(finished.left.is_empty(), || format!("{:?} are left", finished.left))?;
    let left = std::fs::read_dir(&scratch)?.count();
    claim(left == 0, || format!("{left} folders are left"))
}

/// Trials in a store, which may not be there yet.
fn trials_of(store: &Path) -> u64 {
    let other = Sandbox::new().and_then(|other| {
        let words =
            [&rcb().display().to_string(), "inject", "--summarise", &store.display().to_string(), "--json", "-"];
        other.run_words(&Case::shell("inject", ""), &words.map(String::from), "seen")
    });
    let document = other.ok().and_then(|seen| serde_json::from_slice::<Value>(&seen.stdout).ok());
    document.and_then(|document| document["campaigns"][0]["trials"].as_u64()).unwrap_or(0)
}

fn wait_for(mut holds: impl FnMut() -> bool, otherwise: &str) -> Result<(), Failed> {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        claim(Instant::now() < until, || otherwise.into())?;
        std::thread::yield_now();
    }
    Ok(())
}

fn one_trial_again() -> Result<(), Failed> {
    let (sandbox, victim) = (Sandbox::new()?, victim()?);
    let seen = inject(&sandbox, &["-n", "3", "--target", "ip", "--trial", "5", "--", &victim])?;
    let text = String::from_utf8_lossy(&seen.stdout).into_owned();
    claim(seen.ended == Ended::Exit(0), || format!("{text}{}", seen.report))?;
    for part in ["trial 5: ", "ip: rip bit ", "ms after the start", "  at "] {
        claim(text.contains(part), || format!("{part:?} is missing: {text}"))?;
    }
    Ok(())
}

/// What a run leaves in its copy of the folder is compared, and the folder itself stays as it was.
fn files_count() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let folder = sandbox.path().join("inputs");
    std::fs::create_dir(&folder)?;
    let numbers = (0..20_000u32).map(|n| n.wrapping_mul(2_654_435_761) % 99_991);
    std::fs::write(folder.join("words"), numbers.map(|n| n.to_string()).collect::<Vec<_>>().join("\n"))?;
    let name = folder.display().to_string();
    let words = ["--replicas", "0", "--target", "memory", "--trials", "60", "--workdir", &name, "--json", "-", "--"];
    let seen = inject(&sandbox, &[&words[..], &["sort", "--parallel=1", "-o", "sorted", "words"]].concat())?;
    let found = campaign(&seen)?;
    let mut rows = found["rows"].as_array().into_iter().flatten();
    let is_file = |row: &Value| row["class"] == "silent" && row["difference"].as_str() == Some("file sorted");
    claim(rows.any(is_file), || format!("no wrong file was noticed: {found:#}"))?;
    claim(std::fs::read_dir(&folder)?.count() == 1, || "a trial has run in the folder itself".into())
}

fn bad_input() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    for (words, message) in [
        (&["--replicas", "0", "--target", "log", "--", "true"][..], "a program without replicas has no log"),
        (&["--target", "rax", "--", "true"], "registers, flags"),
        (&["--shard", "3/2", "--", "true"], "I/N"),
        (&["-n", "9", "--", "true"], "0 to 8"),
        (&["--workdir", "/no/such/folder", "--", "true"], "no such file or folder"),
        (&["--summarise", "/no/such/store"], "no such file"),
        (&["--trials", "3", "--", "sh", "-c", "kill -9 $$"], "ends badly"),
        (&["--run-option", "--no-such-option", "--", "true"], "no-such-option"),
    ] {
        let seen = inject(&sandbox, words)?;
        claim(seen.ended == Ended::Exit(125), || format!("{words:?}: {}\n{}", seen.ended, seen.report))?;
        claim(seen.report.contains(message), || format!("{words:?}: {}", seen.report))?;
    }
    let seen = inject(&sandbox, &["--", "/no/such/program"])?;
    claim(seen.ended == Ended::Exit(127), || format!("{}\n{}", seen.ended, seen.report))
}

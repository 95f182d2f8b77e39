//! `--record` and `--stats`.

use crate::claim;
use crate::tools::tool;
use libtest_mimic::{Failed, Trial};
use rcb_tests::case::Case;
use rcb_tests::outcome::Ended;
use rcb_tests::require::trial;
use rcb_tests::runtime::{Setting, rcb};
use rcb_tests::sandbox::Sandbox;
use rcb_tests::victim;
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("record-of-a-good-run", [], good_run),
        trial("record-of-a-failing-guest", [], status_and_signal),
        trial("record-of-a-fault", ["cc"], fault),
        trial("history", [], history),
        trial("stats", [], stats),
        trial("says-nothing", [], says_nothing),
    ]
}

/// Runs with `--history` and with the variable are added up by CPU; injected faults count when they are asked for.
fn history() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let store = sandbox.path().join("history").display().to_string();
    let run = |words: &[&str]| tool(&sandbox, words);
    let seen = run(&["run", "-n", "3", "--cpus", "0", "--history", &store, "--", "true"])?;
    claim(seen.ended == Ended::Exit(0), || seen.report.clone())?;
    let fault = "replica=1,call=10,kill";
    let seen = run(&["run", "-n", "3", "--cpus", "0", "--history", &store, "--inject", fault, "--", "true"])?;
    claim(seen.ended == Ended::Exit(0) && seen.report.contains("corrected:"), || seen.report.clone())?;
    let words = ["/usr/bin/env", &format!("RCB_HISTORY={store}"), &rcb().display().to_string(), "run", "--", "false"];
    let seen = sandbox.run_words(&Case::shell("history", ""), &words.map(String::from), "seen")?;
    claim(seen.ended == Ended::Exit(1), || seen.report.clone())?;
    for (option, blamed) in [(None, 0), (Some("--with-injected"), 1)] {
        let words: Vec<&str> = ["history", &store, "--json"].into_iter().chain(option).collect();
        let document: Value = serde_json::from_slice(&run(&words)?.stdout)?;
        let cpus = || document["cpus"].as_array().into_iter().flatten();
        let sum = |name: &str| cpus().filter_map(|cpu| cpu[name].as_u64()).sum::<u64>();
        claim(sum("blamed") == blamed, || format!("{document:#}"))?;
        let first = cpus().find(|cpu| cpu["cpu"] == 0).ok_or("CPU 0 is missing")?;
        claim(first["runs"].as_u64() >= Some(1 + blamed), || format!("{first}"))?;
    }
    let text = String::from_utf8(run(&["history", &store])?.stdout)?;
    claim(text.starts_with("machine ") && text.lines().count() >= 2, || text.clone())?;
    let seen = run(&["run", "--history", "/no/such/folder/history", "--", "true"])?;
    claim(seen.ended == Ended::Exit(125) && seen.report.contains("opening the history"), || seen.report.clone())
}

/// Runs `script` with two replicas and a record, and reads the record.
fn recorded(script: &str, replicas: usize) -> Result<(Ended, Vec<Value>), Failed> {
    let sandbox = Sandbox::new()?;
    let record = sandbox.path().join("record");
    let mut case = Case::shell("record", script);
    case.options = vec!["--record".into(), record.display().to_string()];
    let seen = sandbox.run(&case, Setting::output(replicas))?;
    Ok((seen.ended, victim::read_record(&record)?))
}

/// Every field is there.
fn has(event: &Value, fields: &[&str]) -> Result<(), Failed> {
    for field in fields {
        claim(!event[field].is_null(), || format!("no field `{field}` in {event}"))?;
    }
    Ok(())
}

fn good_run() -> Result<(), Failed> {
    let (ended, events) = recorded("exec $RUN echo text", 3)?;
    claim(ended == Ended::Exit(0), || format!("{ended}"))?;
    let first = events.first().ok_or("the record is empty")?;
    claim(first["event"] == "start", || format!("the first event is {first}"))?;
    has(first, &["schema", "version", "kernel", "command", "program", "replicas", "lockstep", "cpus", "deadline_s"])?;
    claim(first["schema"].is_u64(), || format!("schema is {}", first["schema"]))?;
    claim(first["replicas"] == 3, || format!("replicas is {}", first["replicas"]))?;
    claim(first["command"] == serde_json::json!(["echo", "text"]), || format!("command is {}", first["command"]))?;
    let replicas: Vec<&Value> = events.iter().filter(|event| event["event"] == "replica").collect();
    claim(replicas.len() == 3, || format!("{} events `replica`", replicas.len()))?;
    for (number, replica) in replicas.iter().enumerate() {
        has(replica, &["pid", "cpu"])?;
        claim(replica["replica"] == number, || format!("replica {number}: {replica}"))?;
    }
    let last = events.last().ok_or("the record is empty")?;
    claim(last["event"] == "summary" && last["status"] == 0, || format!("the last event is {last}"))?;
    has(last, &["wall_s"])?;
    let accounts = last["replicas"].as_array().ok_or("summary has no replicas")?;
    claim(accounts.len() == 3, || format!("{} accounts", accounts.len()))?;
    for account in accounts {
        has(account, &["user_s", "system_s", "max_rss_kib", "stats"])?;
        claim(account["stats"]["calls"].as_u64() > Some(5), || format!("calls in {account}"))?;
        // All replicas have done the same calls.
        claim(account["stats"]["by_class"] == accounts[0]["stats"]["by_class"], || format!("{account} differs"))?;
    }
    claim(!events.iter().any(|event| event["event"] == "fault"), || "a fault in a good run".into())
}

fn status_and_signal() -> Result<(), Failed> {
    let (ended, events) = recorded("exec $RUN sh -c 'exit 7'", 2)?;
    claim(ended == Ended::Exit(7), || format!("{ended}"))?;
    claim(events.last().is_some_and(|last| last["status"] == 7), || format!("{:?}", events.last()))?;
    let (ended, events) = recorded("exec $RUN sh -c 'kill -9 $$'", 2)?;
    claim(ended == Ended::Signal(9), || format!("{ended}"))?;
    claim(events.last().is_some_and(|last| last["signal"] == 9), || format!("{:?}", events.last()))
}

fn fault() -> Result<(), Failed> {
    let victim = victim::named("compute");
    let prepared = victim.prepared()?;
    let sandbox = Sandbox::new()?;
    let record = sandbox.path().join("record");
    let mut case = prepared.case.clone();
    // One of the last calls is a write: its bytes differ in one replica.
    let mut found = None;
    for back in 0..4 {
        let spec = format!("replica=2,call={},input,bit=1", prepared.calls - back);
        let options = ["--no-heal", "--record", &record.display().to_string(), "--inject", &spec];
        case.options = options.map(String::from).into();
        let seen = sandbox.run(&case, Setting::output(3))?;
        if seen.ended == Ended::Exit(victim::DISAGREED) {
            found = Some((spec, seen, victim::read_record(&record)?));
            break;
        }
    }
    let (spec, seen, events) = found.ok_or("no flip of the bytes of a write was detected")?;
    claim(events[0]["inject"] == spec, || format!("inject is {}", events[0]["inject"]))?;
    let fault = events.iter().find(|event| event["event"] == "fault").ok_or("no event `fault`")?;
    has(fault, &["kind", "headline", "seq", "blamed", "requests", "differences", "replicas", "frames", "reproduce"])?;
    claim(fault["blamed"] == serde_json::json!([2]), || format!("blamed is {}", fault["blamed"]))?;
    for word in ["fault:", "replica 2", "pid", "CPU", "write", "to repeat:", "--inject"] {
        claim(seen.report.contains(word), || format!("the report does not say {word:?}:\n{}", seen.report))?;
    }
    let last = events.last().ok_or("empty")?;
    claim(last["event"] == "summary" && last["status"] == victim::DISAGREED, || format!("{last}"))
}

fn stats() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let mut case = Case::shell("stats", "exec $RUN cat /etc/passwd");
    case.options = vec!["--stats".into()];
    let seen = sandbox.run(&case, Setting::output(2))?;
    claim(seen.ended == Ended::Exit(0), || format!("{}", seen.ended))?;
    for word in ["statistics", "calls", "patched", "waits", "bytes", "user time", "system time", "agent"] {
        claim(seen.report.contains(word), || format!("--stats does not say {word:?}:\n{}", seen.report))?;
    }
    claim(seen.stderr.is_empty(), || format!("lines without prefix: {}", String::from_utf8_lossy(&seen.stderr)))
}

fn says_nothing() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let seen = sandbox.run(&Case::shell("quiet", "exec $RUN ls /"), Setting::output(3))?;
    claim(seen.report.is_empty() && seen.stderr.is_empty(), || format!("a good run says {}", seen.report))
}

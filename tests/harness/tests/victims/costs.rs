//! What replication costs: `rcb estimate` on small programs, and what it says to input that it cannot use.

use crate::claim;
use crate::tools::tool;
use libtest_mimic::{Failed, Trial};
use rcb_tests::case::Case;
use rcb_tests::outcome::{Ended, Outcome};
use rcb_tests::require::trial;
use rcb_tests::runtime::rcb;
use rcb_tests::sandbox::Sandbox;
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("estimate-adds-up", [], estimate_adds_up),
        trial("huge-pages", ["/sys/kernel/mm/transparent_hugepage/enabled"], huge_pages),
        trial("placement", [], placement),
        trial("topology", [], topology),
        trial("measure", [], measure),
        trial("estimate-bad-input", [], estimate_bad_input),
        trial("estimate-unfit-programs", [], estimate_unfit_programs),
    ]
}

/// One round of one and two replicas, as short as it gets.
const QUICK: [&str; 8] = ["estimate", "-n", "1,2", "--runs", "2", "--warmup", "0", "--oversubscribe"];

fn estimate(sandbox: &Sandbox, words: &[&str]) -> Result<Outcome, Failed> {
    apart(sandbox, &[&QUICK, words].concat())
}

/// Runs `rcb` with measured factors of the sandbox's own, which are none at first.
fn apart(sandbox: &Sandbox, words: &[&str]) -> Result<Outcome, Failed> {
    let mut command = vec!["/usr/bin/env".to_owned(), format!("XDG_CACHE_HOME={}", sandbox.path().display())];
    command.push(rcb().display().to_string());
    command.extend(words.iter().map(|word| (*word).to_string()));
    Ok(sandbox.run_words(&Case::shell("tool", ""), &command, "seen")?)
}

fn estimate_adds_up() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let file = sandbox.path().join("cost.json");
    let words = ["--json", "--c", "none,anbd", "-o", &file.display().to_string(), "--", "seq", "200000"];
    let seen = estimate(&sandbox, &words)?;
    claim(seen.ended == Ended::Exit(0), || format!("{}\n{}", seen.ended, seen.report))?;
    let document: Value = serde_json::from_slice(&seen.stdout)?;
    let kept: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    claim(kept == document, || "the file and standard output differ".into())?;
    let number = |value: &Value| value.as_f64().ok_or_else(|| Failed::from(format!("{value} is no number")));
    let variants = document["programs"][0]["variants"].as_array().ok_or("no variants")?;
    claim(variants.len() == 2, || format!("{} variants", variants.len()))?;
    for variant in variants {
        let parts = variant["parts"].as_object().ok_or("no parts")?;
        let mut sum = number(&variant["unexplained_s"])?;
        for part in parts.values() {
            sum += number(part)?;
        }
        let wall = number(&variant["mean_s"])?;
        claim((sum - wall).abs() < 1e-6, || format!("{sum} s of {wall} s"))?;
        claim(number(&variant["calls"])? > 100.0, || format!("{variant}"))?;
        claim(number(&parts["master_s"])? > 0.0, || format!("{parts:?}"))?;
        let predicted = variant["predictions"].as_array().ok_or("no predictions")?;
        claim(predicted.len() == 4, || format!("{} predictions", predicted.len()))?;
        claim((number(&predicted[0]["seconds"])? - wall).abs() < 1e-6, || "C = 1 is not the run itself".into())?;
        claim(number(&predicted[3]["seconds"])? > wall, || "C = 3.89 costs nothing".into())?;
    }
    Ok(())
}

/// Runs it and wants a failure of rcb itself that says all of `words`, and nothing on standard output.
fn refused(words: &[&str], said: &[&str]) -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let seen = estimate(&sandbox, words)?;
    claim(seen.stdout.is_empty(), || "half a result was printed".into())?;
    claim(matches!(seen.ended, Ended::Exit(125..=127)), || format!("{words:?}: {}\n{}", seen.ended, seen.report))?;
    match said.iter().find(|said| !seen.report.contains(**said)) {
        None => Ok(()),
        Some(missing) => Err(format!("{words:?}: '{missing}' is not said:\n{}", seen.report).into()),
    }
}

fn estimate_bad_input() -> Result<(), Failed> {
    refused(&["--c", "0.9", "--", "true"], &["--c 0.9", "from 1 on"])?;
    refused(&["--c", "fast", "--", "true"], &["fast", "neither a number"])?;
    refused(&["--c", "measured", "--", "true"], &["rcb measure"])?;
    refused(&["--expect", "x", "--", "true"], &["invalid value"])?;
    refused(&["--cpus", "1023", "--", "true"], &["CPU 1023"])?;
    refused(&["--input", "missing", "--", "cat"], &["--input missing"])?;
    refused(&["--", "no-such-program"], &["no-such-program"])?;
    refused(&["--suite", "missing.tsv", "--inputs", "."], &["missing.tsv"])?;
    let sandbox = Sandbox::new()?;
    let seen = tool(&sandbox, &["estimate", "-n", "2", "--cpus", "0", "--", "true"])?;
    claim(seen.report.contains("2 replicas need 2 CPUs"), || seen.report.clone())
}

fn estimate_unfit_programs() -> Result<(), Failed> {
    refused(&["--", "sh", "-c", "echo because >&2; exit 3"], &["itself fails", "exit status: 3", "because"])?;
    refused(&["--", "date", "+%N"], &["two native runs", "standard output differs", "--ignore-output"])?;
    refused(&["--prepare", "exit 1", "--", "true"], &["--prepare"])?;
    // In a suite the others are measured nevertheless.
    let sandbox = Sandbox::new()?;
    let (table, inputs) = (sandbox.path().join("suite.tsv"), sandbox.path().join("inputs"));
    std::fs::create_dir_all(inputs.join("folder"))?;
    let row = |name: &str, command: &str| format!("{name}\tmodern\tfolder\t{command}\t-\t0\t-\t-\t-\t-\n");
    std::fs::write(&table, row("good", "$RUN echo same") + &row("bad", "$RUN date +%N"))?;
    let (table, inputs) = (table.display().to_string(), inputs.display().to_string());
    let seen = estimate(&sandbox, &["--suite", &table, "--inputs", &inputs])?;
    claim(seen.ended == Ended::Exit(125), || format!("{}\n{}", seen.ended, seen.report))?;
    claim(seen.report.contains("left out: bad: two native runs"), || seen.report.clone())?;
    let text = String::from_utf8_lossy(&seen.stdout).into_owned();
    claim(text.contains("good: ") && !text.contains("bad: "), || text.clone())
}

/// Where replicas are put stands in the record, and what cannot be is refused.
fn placement() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let file = sandbox.path().join("record.jsonl");
    let record = file.display().to_string();
    for policy in ["same-socket", "auto", "0"] {
        let words = ["run", "-n", "1", "--placement", policy, "--record", &record, "--", "echo", "done"];
        let seen = tool(&sandbox, &words)?;
        claim(seen.ended == Ended::Exit(0) && seen.stdout == b"done\n", || format!("{policy}: {}", seen.report))?;
        let text = std::fs::read_to_string(&file)?;
        let start: Value = serde_json::from_str(text.lines().next().unwrap_or_default())?;
        let name = if policy == "0" { "list" } else { policy };
        claim(start["placement"] == name, || start.to_string())?;
    }
    for (policy, said) in [("sideways", "same-socket, different-socket, auto"), ("1023", "1023")] {
        let seen = tool(&sandbox, &["run", "--placement", policy, "--", "echo", "never"])?;
        claim(seen.ended == Ended::Exit(125) && seen.stdout.is_empty(), || format!("{policy}: {}", seen.ended))?;
        claim(seen.report.contains(said), || seen.report.clone())?;
    }
    Ok(())
}

fn topology() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let text = |words: &[&str]| -> Result<String, Failed> {
        let seen = tool(&sandbox, words)?;
        claim(seen.ended == Ended::Exit(0), || format!("{words:?}: {}\n{}", seen.ended, seen.report))?;
        Ok(String::from_utf8_lossy(&seen.stdout).into_owned())
    };
    let here = text(&["topology"])?;
    claim(here.contains("socket 0") && here.contains("[r0"), || here.clone())?;
    let far = text(&["topology", "-n", "3", "--placement", "different-socket", "--machine", "2x6x2"])?;
    claim(far.contains("CPU 0 [r0]") && far.contains("CPU 6 [r1]") && far.contains("CPU 1 [r2]"), || far.clone())?;
    let json: Value = serde_json::from_str(&text(&["topology", "--machine", "2x6", "--json"])?)?;
    claim(json["replicas"] == serde_json::json!([0, 1]), || json["replicas"].to_string())?;
    let seen = tool(&sandbox, &["topology", "--placement", "different-socket", "--machine", "1x6"])?;
    claim(seen.ended == Ended::Exit(125) && seen.report.contains("on one"), || seen.report.clone())
}

/// A program that needs much memory gets huge pages only if that was asked for, and does the same.
fn huge_pages() -> Result<(), Failed> {
    let enabled = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled")?;
    let sandbox = Sandbox::new()?;
    let script = "x = bytearray(64 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\n\
                  print(sum(int(l.split()[1]) for l in open('/proc/self/smaps') if l.startswith('AnonHuge')) >> 15)";
    let run = |options: &[&str]| -> Result<String, Failed> {
        let words = [&["run", "-n", "2"], options, &["--", "/usr/bin/python3", "-c", script]].concat();
        let seen = tool(&sandbox, &words)?;
        claim(seen.ended == Ended::Exit(0), || format!("{options:?}: {}\n{}", seen.ended, seen.report))?;
        Ok(String::from_utf8_lossy(&seen.stdout).trim().to_owned())
    };
    let (without, with) = (run(&[])?, run(&["--huge-pages"])?);
    // With `always` everybody gets them, with `never` nobody does.
    if enabled.contains("[madvise]") {
        claim(without == "0" && with != "0", || format!("{without} without, {with} with, in units of 32 MiB"))?;
    }
    Ok(())
}

/// The same command under two names: the factor is kept, and known to `rcb estimate` afterwards.
fn measure() -> Result<(), Failed> {
    let sandbox = Sandbox::new()?;
    let (none, same) = (format!("none={}", rcb().display()), format!("same={}", rcb().display()));
    let file = sandbox.path().join("measured.json");
    let output = file.display().to_string();
    let quick = ["-n", "1", "--runs", "1", "--warmup", "0"];
    let words = [&["measure", "--with", &none, "--with", &same, "-o", &output], &quick[..], &["--", "seq", "100000"]];
    let seen = apart(&sandbox, &words.concat())?;
    claim(seen.ended == Ended::Exit(0), || format!("{}\n{}", seen.ended, seen.report))?;
    let text = String::from_utf8_lossy(&seen.stdout).into_owned();
    for said in ["C of same: ", "measured ", "error ", "what the formula misses"] {
        claim(text.contains(said), || format!("'{said}' is not said:\n{text}"))?;
    }
    let document: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    claim(document["kind"] == "measure", || document["kind"].to_string())?;
    let predicted = &document["programs"][0]["variants"][0]["predictions"][0];
    claim(predicted["measured_s"].as_f64().is_some_and(|seconds| seconds > 0.0), || predicted.to_string())?;
    let known = apart(&sandbox, &[&["estimate", "--c", "measured"], &quick[..], &["--", "true"]].concat())?;
    claim(String::from_utf8_lossy(&known.stdout).contains("same*"), || known.report.clone())?;
    for (with, said) in [
        (vec!["--with", &none], "a hardened build is missing"),
        (vec!["--with", &same], "--with none=RCB"),
        (vec!["--with", &none, "--with", "swift=/no/such/rcb"], "build it first"),
        (vec!["--with", &none, "--with", "swift=/bin/true"], "no rcb command"),
    ] {
        let seen = apart(&sandbox, &[&["measure"], &with[..], &["--", "true"]].concat())?;
        claim(seen.ended == Ended::Exit(125) && seen.stdout.is_empty(), || format!("{with:?}: {}", seen.ended))?;
        claim(seen.report.contains(said), || format!("{with:?}: {}", seen.report))?;
    }
    Ok(())
}

//! Programs whose replicas are harmed on purpose, with what is known of their undisturbed run.

use crate::case::Case;
use crate::made_once;
use crate::outcome::{Ended, Outcome, differences, snapshot};
use crate::program;
use crate::runtime::{Setting, rcb};
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Exit status of `rcb` when the replicas disagreed.
pub const DISAGREED: i32 = 120;

/// A program to be harmed.
pub struct Victim {
    /// Its name in the names of tests.
    pub name: &'static str,
    /// What it needs.
    pub needs: Vec<&'static str>,
    make: fn() -> std::io::Result<Case>,
    prepared: OnceLock<Result<Prepared, String>>,
}

/// A victim's case and its undisturbed run.
pub struct Prepared {
    /// What to run.
    pub case: Case,
    /// The native run.
    pub native: Outcome,
    /// Sequence number of its last call in an undisturbed replicated run.
    pub calls: u64,
}

/// All victims.
pub fn all() -> Vec<Victim> {
    let victim = |name, needs, make| Victim { name, needs, make, prepared: OnceLock::new() };
    vec![
        victim("bzip2", vec!["bzip2"], || Ok(Case::shell("bzip2", "exec $RUN bzip2 -c input"))),
        victim("gzip", vec!["gzip"], || Ok(Case::shell("gzip", "exec $RUN gzip -n -c input"))),
        victim("sha256sum", vec!["sha256sum"], || Ok(Case::shell("sha256sum", "exec $RUN sha256sum input input"))),
        victim("sort", vec!["sort"], || Ok(Case::shell("sort", "exec $RUN sort --parallel=1 -S 100k -T . input"))),
        victim("python3", vec!["/usr/bin/python3"], || {
            let script = "import json, re, zlib; t = open('input').read(); \
                 print(zlib.crc32(t.encode()), len(re.findall('a.e', t)), json.dumps(t[:200]), sorted(set(t.split()))[:50])";
            Ok(Case::shell("python3", &format!("exec $RUN /usr/bin/python3 -S -c \"{script}\"")))
        }),
        victim("compute", vec!["cc"], || program::named("victims/compute").case("compute", "pie")),
        victim("partly-written", vec!["cc"], || program::named("victims/partly-written").case("partly-written", "pie")),
        victim("chain", vec!["cc"], || program::named("process/chain").case("chain", "static")),
    ]
}

/// The victim with this name.
///
/// # Panics
/// If there is none.
pub fn named(name: &str) -> Victim {
    all().into_iter().find(|victim| victim.name == name).expect("the name of a victim")
}

impl Victim {
    /// Runs it undisturbed once, natively and with two replicas, and remembers what was seen.
    pub fn prepared(&self) -> Result<&Prepared, String> {
        self.prepared
            .get_or_init(|| self.prepare().map_err(|e| format!("{}: {e}", self.name)))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Test processes run one after the other for each test: what one has found is kept for the others.
    fn prepare(&self) -> Result<Prepared, String> {
        let text = |error: std::io::Error| error.to_string();
        let mut case = (self.make)().map_err(text)?;
        case.template = Some(input_folder());
        let runtime = std::fs::metadata(rcb()).map_err(text)?;
        let identity = format!("{:?} {} {:?}", runtime.modified(), runtime.len(), case.words);
        let mut found = Ok(());
        let name = format!("rcb-tests-victim-{}", self.name);
        let folder = made_once(&name, &[identity.as_bytes()], |folder| found = self.observe(&case, folder));
        if found.is_err() {
            let _ = std::fs::remove_dir_all(&folder);
        }
        found?;
        let calls = std::fs::read_to_string(folder.join("calls")).map_err(text)?;
        let native = Outcome {
            ended: Ended::Exit(0),
            stdout: std::fs::read(folder.join("stdout")).map_err(text)?,
            stderr: Vec::new(),
            report: String::new(),
            files: snapshot(&folder.join("files")).map_err(text)?,
        };
        Ok(Prepared { calls: calls.parse().map_err(|_| "no number of calls")?, case, native })
    }

    /// Runs the case natively and with two replicas and notes the output and the number of calls in `folder`.
    fn observe(&self, case: &Case, folder: &Path) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        let sandbox = Sandbox::new().map_err(text)?;
        let native = sandbox.run(case, Setting::Native).map_err(text)?;
        if native.ended != Ended::Exit(0) || !native.stderr.is_empty() {
            return Err(format!("{}: native run: {}", self.name, native.ended));
        }
        let record = sandbox.path().join("record");
        let mut recorded = case.clone();
        recorded.options = vec!["--record".into(), record.display().to_string()];
        let seen = sandbox.run(&recorded, Setting::output(2)).map_err(text)?;
        let different = differences(&native, &seen, true);
        if !different.is_empty() {
            return Err(format!("differs from native without any fault:\n{different}{}", seen.report));
        }
        let left = Command::new("cp").arg("-a").arg(sandbox.path().join("native")).arg(folder.join("files")).status();
        if !left.map_err(text)?.success() {
            return Err("the files of the native run cannot be kept".into());
        }
        std::fs::write(folder.join("stdout"), &native.stdout).map_err(text)?;
        std::fs::write(folder.join("calls"), calls(&read_record(&record)?)?.to_string()).map_err(text)
    }
}

/// Reads a record: one object per line. A last line that is being written does not count yet.
pub fn read_record(path: &Path) -> Result<Vec<Value>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))).collect()
}

/// Sequence number of the last call of replica 0: its calls, the instructions and exceptions that count as calls, and
/// the start of the program.
fn calls(events: &[Value]) -> Result<u64, String> {
    let summary = events.iter().find(|e| e["event"] == "summary").ok_or("the record has no event `summary`")?;
    let stats = &summary["replicas"][0]["stats"];
    let number = |field: &str| stats[field].as_u64().ok_or_else(|| format!("no number `{field}` in {stats}"));
    Ok(number("calls")? + number("rdtsc")? + number("exceptions")? + 1)
}

/// A folder with one file, `input`: text with repetitions, the same every time.
fn input_folder() -> PathBuf {
    const SCRIPT: &str = "BEGIN { for (i = 0; i < 3000; i++) { s = (s * 1103515245 + 12345) % 2147483648; \
         printf \"%d some %s words of line %d\\n\", s % 5000, (s % 3 ? \"able\" : \"axle\"), i } }";
    made_once("rcb-tests-input", &[SCRIPT.as_bytes()], |folder| {
        let output = Command::new("awk").arg(SCRIPT).output().expect("awk can be started");
        std::fs::write(folder.join("input"), output.stdout).expect("the target directory is writable");
    })
}

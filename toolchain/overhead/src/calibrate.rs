//! What replication costs on this machine whatever the program: start and end, and the part of every call that the
//! agent's own clock does not see.

use crate::samples::Samples;
use crate::session::{Build, Plan, native, replicated};
use crate::split::{Constants, entry_ns};
use crate::subject::{Subject, UserProgram};
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::Path;

/// Most pairs of runs for a start; fewer with fewer rounds.
const STARTS: usize = 7;
/// The same for the loop of calls.
const LOOPS: usize = 3;
/// Reads and writes of the loop, each; about a tenth of a second natively.
const CALLS: usize = 200_000;

/// A program in the plan's folder for outputs.
pub(crate) fn subject(plan: &Plan, words: &[&str]) -> Subject {
    Subject::User(UserProgram {
        command: words.iter().map(OsString::from).collect(),
        input: None,
        prepare: None,
        expected: 0,
        ignore_output: false,
        scratch: plan.scratch.clone(),
    })
}

/// The constants for so many replicas of a build: medians of pairs of runs.
///
/// # Errors
/// When the runs fail.
pub fn constants(plan: &Plan, replicas: usize, build: &Build) -> Result<Constants> {
    let (start_s, start_work_s) = start(plan, replicas, build)?;
    Ok(Constants { start_s, start_work_s, entry_ns: call_ns(plan, replicas, build, start_work_s)? })
}

/// Start and end of `true` beyond the native ones: wall time, and CPU time of the leader, in seconds.
fn start(plan: &Plan, replicas: usize, build: &Build) -> Result<(f64, f64)> {
    let nothing = subject(plan, &["/bin/true"]);
    let (mut wall, mut work) = (Samples::default(), Samples::default());
    for _ in 0..(2 * plan.settings.runs).clamp(1, STARTS) {
        let (alone, _) = native(plan, &nothing)?;
        let (runs, record) = replicated(plan, &nothing, replicas, build, None)?;
        wall.push(runs.ended[0].finished.wall_s - alone.wall_s);
        work.push(record.replicas[0].work_s() - alone.user_s - alone.system_s);
    }
    Ok((wall.median().context("no runs")?, work.median().context("no runs")?))
}

/// The cost per call beyond the agent's clock, in nanoseconds; 0 if there is no `dd` to loop with.
fn call_ns(plan: &Plan, replicas: usize, build: &Build, start_work_s: f64) -> Result<f64> {
    if !Path::new("/bin/dd").exists() {
        return Ok(0.0);
    }
    let count = format!("count={CALLS}");
    let calls = subject(plan, &["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=1", &count, "status=none"]);
    let mut found = Samples::default();
    for _ in 0..plan.settings.runs.clamp(1, LOOPS) {
        let (alone, _) = native(plan, &calls)?;
        let (_, record) = replicated(plan, &calls, replicas, build, None)?;
        found.push(entry_ns(&alone, &record.replicas[0], start_work_s));
    }
    found.median().context("no runs")
}

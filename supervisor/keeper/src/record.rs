//! `--record`: the run as JSON lines, for programs that read it.
//!
//! Every line is an object with `event`; the first one, `start`, has `schema`, which is raised when the meaning of a
//! field changes or a field goes. New fields and events may come without that.
//!
//! ```text
//!  start     schema, version, kernel, command, program, replicas, lockstep, cpus, deadline_s, inject,
//!            placement, huge_pages, unix_s
//!  replica   replica, pid, cpu, core, package
//!  refusal   name, sentence
//!  move      after_s, to, cpus, reason, problem (replicas were bound to other CPUs: --placement auto)
//!  fault     kind, headline, seq, blamed, requests, differences, notes, replicas, frames, reproduce
//!  healed    as fault without frames and replicas; group, replica, pid, cpu, new_pid, new_cpu, leader (if another
//!            one leads since), heal_us
//!  scrubbed  group, address, bits, replicas (the minority), mended (memory differed: --scrub)
//!  summary   status or signal or error, wall_s, healed, replicas (user_s, system_s, delayed_s, max_rss_kib,
//!            stats)
//! ```

use crate::checkpoint::Tally;
use crate::config::{Lockstep, Placement, RunConfig};
use crate::error::{Error, Result};
use crate::heal::Healed;
use crate::mover::Moved;
use crate::rollback::{Retried, RolledBack};
use crate::scrub::Difference;
use crate::verdict::Judgement;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

/// Version of the schema.
pub const SCHEMA: u32 = 1;

/// A record being written; without a file it writes nothing.
pub struct Recorder {
    file: Option<(File, PathBuf)>,
}

impl Recorder {
    /// Creates the file, if one is wanted, so that a wrong path is known before anything runs.
    pub fn create(config: &RunConfig) -> Result<Self> {
        let Some(path) = &config.record else { return Ok(Self { file: None }) };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(|error| Error::os(format!("creating the record {}", path.display()), error))?;
        Ok(Self { file: Some((file, path.clone())) })
    }

    /// Adds one event. A record that can no longer be written is given up with one message: the guest goes on.
    pub fn write(&mut self, event: &str, mut fields: Value) {
        let Some((file, path)) = &mut self.file else { return };
        fields["event"] = event.into();
        let line = format!("{fields}\n");
        if let Err(error) = file.write_all(line.as_bytes()) {
            crate::run::say(&format!("warning: the record {} ends here: {error}", path.display()));
            self.file = None;
        }
    }
}

/// The fields of `start`.
pub fn start(config: &RunConfig, program: &crate::program::Program, cpus: &[u32]) -> Value {
    let words: Vec<_> = program.argv.iter().map(|word| word.to_string_lossy()).collect();
    let kernel = nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "kernel": kernel.unwrap_or_default(),
        "command": words,
        "program": program.exe.to_string_lossy(),
        "replicas": config.replicas,
        "lockstep": if config.lockstep == Lockstep::Strict { "strict" } else { "output" },
        "cpus": cpus,
        "placement": match &config.placement {
            Placement::Near => "near",
            Placement::SameSocket => "same-socket",
            Placement::DifferentSocket => "different-socket",
            Placement::Auto => "auto",
            Placement::List(_) => "list",
        },
        "huge_pages": config.huge_pages,
        "deadline_s": config.deadline.map_or(0.0, |deadline| deadline.as_secs_f64()),
        "inject": config.hook_text,
        "unix_s": now.as_secs_f64(),
    })
}

/// The fields of `scrubbed`.
pub fn scrubbed(group: usize, difference: &Difference) -> Value {
    json!({
        "group": group,
        "address": format!("{:#x}", difference.address),
        "bits": difference.bits,
        "replicas": difference.replicas,
        "mended": difference.is_mended,
    })
}

/// The fields of `healed`.
pub fn healed(healed: &Healed) -> Value {
    let mut fields = json!(healed.judgement);
    fields["group"] = json!(healed.group);
    fields["replica"] = json!(healed.replica);
    fields["pid"] = json!(healed.pid);
    fields["cpu"] = json!(healed.cpu);
    fields["new_pid"] = json!(healed.new_pid);
    fields["new_cpu"] = json!(healed.new_cpu);
    fields["leader"] = json!(healed.leader);
    fields["heal_us"] = json!(healed.took.as_micros() as u64);
    fields
}

/// The fields of `rolled-back`.
pub fn rolled_back(done: &RolledBack) -> Value {
    let mut fields = json!(done.judgement);
    fields["group"] = json!(done.group);
    fields["to"] = json!(done.to);
    fields["from"] = json!(done.from);
    fields["pids"] = json!(done.pids);
    fields["cpus"] = json!(done.cpus);
    fields["rollback_us"] = json!(done.took.as_micros() as u64);
    fields
}

/// The fields of `started-over`.
pub fn started_over(judgement: &Judgement, cpus: &[u32]) -> Value {
    let mut fields = json!(judgement);
    fields["cpus"] = json!(cpus);
    fields
}

/// The fields of `retried`.
pub fn retried(retried: &Retried) -> Value {
    json!({
        "group": retried.group,
        "seq": retried.seq,
        "replica": retried.wrong.map(|(replica, _)| replica),
        "cpu": retried.wrong.map(|(_, cpu)| cpu),
    })
}

/// What checkpoints have cost.
pub fn checkpoints(tally: &Tally) -> Value {
    json!({ "count": tally.count, "made_us": tally.took.as_micros() as u64, "page_faults": tally.pages })
}

/// The fields of `move`.
pub fn moved(moved: &Moved) -> Value {
    let mut fields = json!(moved.what);
    fields["after_s"] = json!(moved.after.as_secs_f64());
    fields["problem"] = json!(moved.problem);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_objects() {
        let folder = tempfile::tempdir().expect("folder");
        let mut config = RunConfig::new("x", vec![]);
        config.record = Some(folder.path().join("record"));
        let mut recorder = Recorder::create(&config).expect("create");
        let program = crate::program::resolve(std::ffi::OsStr::new("/bin/true"), &[], None).expect("true");
        recorder.write("start", start(&config, &program, &[0, 1]));
        recorder.write("refusal", json!({ "name": "x", "sentence": "a \"b\"\n" }));
        let text = std::fs::read_to_string(folder.path().join("record")).expect("read");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["event"], &lines[0]["schema"]), (&json!("start"), &json!(SCHEMA)));
        assert_eq!(lines[1]["sentence"], "a \"b\"\n");
    }

    #[test]
    fn a_wrong_path_is_known_at_once() {
        let mut config = RunConfig::new("x", vec![]);
        config.record = Some("/no/such/folder/record".into());
        assert_eq!(Recorder::create(&config).err().expect("refused").exit_code(), crate::exit::FAILED);
    }
}

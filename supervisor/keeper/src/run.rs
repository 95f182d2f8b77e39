//! One run from the command to the exit code.
#![allow(unsafe_code, reason = "hands the plan area to its one writer")]

mod ending;
mod over;

use crate::act::{self, News, Verdict, Watch};
use crate::config::RunConfig;
use crate::error::Result;
use crate::group::{Group, Shared};
use crate::inherited::{Inherited, settle_own_signals};
use crate::mover::Mover;
use crate::placement::{self, Placed};
use crate::plan::{Planner, cache::Cache, planner::usual_files};
use crate::program::{self, Program};
use crate::record::{self, Recorder};
use crate::topology::Topology;
use crate::{report, stats};
use ending::{Findings, conclude, not_injected};
use rcb_guard::End;
use serde_json::json;
use std::time::Instant;

/// How the supervisor shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this status.
    Exit(u8),
    /// By this signal, as the guest did or as the user wished.
    Signal(i32),
}

/// Runs the program as replicas with the agent that this library carries.
pub fn run(config: &RunConfig, inherited: &Inherited) -> Result<Outcome> {
    run_with(crate::agent::AGENT, config, inherited)
}

/// The same with another image of the agent.
pub fn run_with(image: &[u8], config: &RunConfig, inherited: &Inherited) -> Result<Outcome> {
    config.validate()?;
    let program = program::resolve(&config.program, &config.args, std::env::var_os("PATH").as_deref())?;
    let mut recorder = Recorder::create(config)?;
    settle_own_signals();
    let mut config = config.clone();
    let mut run =
        Run { image, inherited, program: &program, started: Instant::now(), again: 0, tally: Tally::default() };
    loop {
        if let Some(outcome) = run.attempt(&config, &mut recorder)? {
            return Ok(outcome);
        }
        run.again += 1;
        // It has done what it was there for.
        config.hook = None;
    }
}

/// A run of one program.
struct Run<'run> {
    image: &'run [u8],
    inherited: &'run Inherited,
    program: &'run Program,
    started: Instant,
    /// How often it was started over.
    again: usize,
    tally: Tally,
}

/// What was corrected.
#[derive(Default)]
struct Tally {
    healed: usize,
    rolled_back: usize,
}

impl Run<'_> {
    /// From the start of the replicas to the outcome; `None`: to be started over.
    fn attempt(&mut self, config: &RunConfig, recorder: &mut Recorder) -> Result<Option<Outcome>> {
        let &mut Self { image, inherited, program, again, .. } = self;
        let Placed { mut cpus, topology, scales } =
            placement::place(config.replicas, &inherited.cpus(), &config.placement)?;
        // Silicon that computes wrongly stays where it is.
        cpus.rotate_left(again % config.replicas);
        let signals = act::guest_signals(inherited)?;
        let shared = Shared::prepare(config, inherited, program, cpus)?;
        let first = Group::start(&shared, inherited, program, image)?;
        if again == 0 {
            record_start(recorder, config, program, &first, &shared.cpus, topology.as_ref());
        }
        let pids = first.children.iter().map(|child| child.pid).collect();
        let heals = config.heals.then(|| inherited.cpus());
        let planner = planner(config, program, &shared);
        let mut watch = Watch::new(&shared, first, signals, config.deadline, planner, heals)?;
        if let Some(scales) = scales {
            watch.mover = Some(Mover::new(scales, pids)?);
        }
        watch.scrubs = config.scrub;
        watch.checkpoints = config.checkpoint;
        let verdict = watch.run(|news| tell(&news, recorder, &mut self.tally));
        if !matches!(verdict, Ok(Verdict::Finished(_))) {
            shared.halt();
        }
        for moved in watch.mover.iter().flat_map(|mover| &mover.moves) {
            recorder.write("move", record::moved(moved));
        }
        // Asked while the replicas still run.
        let all_fail = matches!(verdict, Ok(Verdict::Judge(id, cause)) if over::all_fail(&watch, id, &cause));
        let findings = match verdict {
            Ok(Verdict::Judge(id, cause)) => Findings::collect(id, &cause, &watch, &shared.cpus),
            _ => None,
        };
        let is_first = matches!(verdict, Ok(Verdict::Judge(0, _)));
        let starts_over = is_first && !all_fail && over::is_possible(&watch, again);
        watch.kill_all();
        if !matches!(verdict, Ok(Verdict::Finished(_))) {
            inherited.restore_terminal();
        }
        if let (true, Some(findings)) = (starts_over, &findings) {
            say(&report::started_over(&findings.judgement));
            recorder.write("started-over", record::started_over(&findings.judgement, &shared.cpus));
            return Ok(None);
        }
        let outcome = match verdict {
            Ok(Verdict::Finished(End::Exit(status))) => Ok(Outcome::Exit(status as u8)),
            Ok(Verdict::Finished(End::Signal(signal)) | Verdict::Abandon(signal)) => Ok(Outcome::Signal(signal)),
            Ok(Verdict::Judge(_, cause)) => conclude(config, &cause, all_fail, findings.as_ref(), recorder),
            Err(error) => Err(error),
        };
        if let (Ok(_), Some(warning)) = (&outcome, not_injected(config, &shared)) {
            say(&format!("warning: the fault was not injected: {warning}"));
            recorder.write("not-injected", json!({ "reason": warning }));
        }
        self.sum_up(config, &watch, &outcome, recorder);
        outcome.map(Some)
    }

    fn sum_up(&self, config: &RunConfig, watch: &Watch<'_>, outcome: &Result<Outcome>, recorder: &mut Recorder) {
        let wall = self.started.elapsed();
        let accounts = &watch.tree.retired;
        if config.stats {
            say(&stats::table(accounts, wall));
        }
        let replicas: Vec<_> = accounts.iter().map(stats::fields).collect();
        let mut summary = json!({ "wall_s": wall.as_secs_f64(), "healed": self.tally.healed, "replicas": replicas });
        if config.checkpoint.is_some() {
            summary["checkpoints"] = record::checkpoints(&watch.tree.checkpoints);
            summary["rolled_back"] = json!(self.tally.rolled_back);
            summary["started_over"] = json!(self.again);
            if config.stats {
                say(&report::checkpoints(&watch.tree.checkpoints));
            }
        }
        match outcome {
            Ok(Outcome::Exit(status)) => summary["status"] = json!(status),
            Ok(Outcome::Signal(signal)) => summary["signal"] = json!(signal),
            Err(error) => {
                summary["status"] = json!(error.exit_code());
                summary["error"] = json!(error.to_string());
            }
        }
        recorder.write("summary", summary);
    }
}

/// Says and records what has happened while the guest runs.
fn tell(news: &News<'_>, recorder: &mut Recorder, tally: &mut Tally) {
    match news {
        News::Refusal(refusal) => {
            say(&format!("warning: refused {}: {}", refusal.name, refusal.sentence));
            recorder.write("refusal", json!({ "name": refusal.name, "sentence": refusal.sentence }));
        }
        News::Scrubbed(group, difference) => {
            say(&report::scrubbed(difference));
            recorder.write("scrubbed", record::scrubbed(*group, difference));
        }
        News::RolledBack(done) => {
            tally.rolled_back += 1;
            say(&report::rolled_back(done));
            recorder.write("rolled-back", record::rolled_back(done));
        }
        News::Retried(retried) => {
            say(&report::retried(retried));
            recorder.write("retried", record::retried(retried));
        }
        News::Healed(healed) => {
            tally.healed += 1;
            say(&report::healed(healed));
            recorder.write("healed", record::healed(healed));
        }
    }
}

/// A planner that knows what most programs need before anybody asks.
fn planner(config: &RunConfig, program: &Program, shared: &Shared) -> Planner {
    // SAFETY: called once, before `go`; the planner is dropped with the watch, before the area.
    let mut planner = Planner::new(unsafe { shared.plans.writer() }, Cache::of_user());
    if !config.no_patch {
        planner.prefill(usual_files(&program.exe));
    }
    planner
}

fn record_start(
    recorder: &mut Recorder,
    config: &RunConfig,
    program: &Program,
    group: &Group<'_>,
    cpus: &[u32],
    topology: Option<&Topology>,
) {
    if config.record.is_none() {
        return;
    }
    recorder.write("start", record::start(config, program, cpus));
    for (replica, (child, cpu)) in group.children.iter().zip(cpus).enumerate() {
        let known = topology.and_then(|topology| topology.cpu(*cpu));
        recorder.write(
            "replica",
            json!({
                "replica": replica,
                "pid": child.pid,
                "cpu": cpu,
                "core": known.map(|cpu| cpu.core),
                "package": known.map(|cpu| cpu.package),
            }),
        );
    }
}

/// Writes lines to standard error, each with our prefix; a closed standard error is nobody's fault.
pub fn say(text: &str) {
    use std::io::Write;
    let mut lines = String::new();
    for line in text.lines() {
        lines.push_str(format!("rcb: {line}").trim_end());
        lines.push('\n');
    }
    let _ = std::io::stderr().write_all(lines.as_bytes());
}

//! One run from the command to the exit code.
#![allow(unsafe_code, reason = "hands the plan area to its one writer")]

use crate::act::{self, News, Verdict, Watch};
use crate::backtrace::{Frame, backtrace};
use crate::config::RunConfig;
use crate::error::{Error, Result};
use crate::evidence::{self, Witness};
use crate::group::{Group, Shared};
use crate::inherited::{Inherited, settle_own_signals};
use crate::mover::Mover;
use crate::placement::{self, Placed};
use crate::plan::{Planner, cache::Cache, planner::usual_files};
use crate::program::{self, Program};
use crate::record::{self, Recorder};
use crate::stats;
use crate::topology::Topology;
use crate::verdict::{self, Judgement};
use crate::{exit, memory, names, report};
use rcb_abi::control::hook_target;
use rcb_abi::fault::{boot_site, kind};
use rcb_guard::{Cause, End, Fault};
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
    let Placed { cpus, topology, scales } = placement::place(config.replicas, &inherited.cpus(), &config.placement)?;
    let mut recorder = Recorder::create(config)?;
    settle_own_signals();
    let signals = act::guest_signals(inherited)?;
    let started = Instant::now();
    let shared = Shared::prepare(config, inherited, &program, cpus)?;
    let first = Group::start(&shared, inherited, &program, image)?;
    record_start(&mut recorder, config, &program, &first, &shared.cpus, topology.as_ref());
    let pids = first.children.iter().map(|child| child.pid).collect();
    let heals = config.heals.then(|| inherited.cpus());
    let planner = planner(config, &program, &shared);
    let mut watch = Watch::new(&shared, first, signals, config.deadline, planner, heals)?;
    if let Some(scales) = scales {
        watch.mover = Some(Mover::new(scales, pids)?);
    }
    watch.scrubs = config.scrub;
    watch.checkpoints = config.checkpoint;
    let (mut healed_count, mut rolled_back) = (0, 0);
    let verdict = watch.run(|news| match news {
        News::Refusal(refusal) => {
            say(&format!("warning: refused {}: {}", refusal.name, refusal.sentence));
            recorder.write("refusal", json!({ "name": refusal.name, "sentence": refusal.sentence }));
        }
        News::Scrubbed(group, difference) => {
            say(&report::scrubbed(difference));
            recorder.write("scrubbed", record::scrubbed(group, difference));
        }
        News::RolledBack(done) => {
            rolled_back += 1;
            say(&report::rolled_back(done));
            recorder.write("rolled-back", record::rolled_back(done));
        }
        News::Retried(retried) => {
            say(&report::retried(retried));
            recorder.write("retried", record::retried(retried));
        }
        News::Healed(healed) => {
            healed_count += 1;
            say(&report::healed(healed));
            recorder.write("healed", record::healed(healed));
        }
    });
    if !matches!(verdict, Ok(Verdict::Finished(_))) {
        shared.halt();
    }
    for moved in watch.mover.iter().flat_map(|mover| &mover.moves) {
        recorder.write("move", record::moved(moved));
    }
    let findings = match verdict {
        Ok(Verdict::Judge(id, cause)) => Findings::collect(id, &cause, &watch, &shared.cpus),
        _ => None,
    };
    watch.kill_all();
    let wall = started.elapsed();
    if !matches!(verdict, Ok(Verdict::Finished(_))) {
        inherited.restore_terminal();
    }
    let outcome = match verdict {
        Ok(Verdict::Finished(End::Exit(status))) => Ok(Outcome::Exit(status as u8)),
        Ok(Verdict::Finished(End::Signal(signal)) | Verdict::Abandon(signal)) => Ok(Outcome::Signal(signal)),
        Ok(Verdict::Judge(_, cause)) => conclude(config, &cause, findings.as_ref(), &mut recorder),
        Err(error) => Err(error),
    };
    if let (Ok(_), Some(warning)) = (&outcome, not_injected(config, &shared)) {
        say(&format!("warning: the fault was not injected: {warning}"));
        recorder.write("not-injected", json!({ "reason": warning }));
    }
    let accounts = &watch.tree.retired;
    if config.stats {
        say(&stats::table(accounts, wall));
    }
    let replicas: Vec<_> = accounts.iter().map(stats::fields).collect();
    let mut summary = json!({ "wall_s": wall.as_secs_f64(), "healed": healed_count, "replicas": replicas });
    if config.checkpoint.is_some() {
        summary["checkpoints"] = record::checkpoints(&watch.tree.checkpoints);
        summary["rolled_back"] = json!(rolled_back);
        if config.stats {
            say(&report::checkpoints(&watch.tree.checkpoints));
        }
    }
    match &outcome {
        Ok(Outcome::Exit(status)) => summary["status"] = json!(status),
        Ok(Outcome::Signal(signal)) => summary["signal"] = json!(signal),
        Err(error) => {
            summary["status"] = json!(error.exit_code());
            summary["error"] = json!(error.to_string());
        }
    }
    recorder.write("summary", summary);
    outcome
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

/// Why a fault that was to be injected has not been, if so.
fn not_injected(config: &RunConfig, shared: &Shared) -> Option<String> {
    let hook = config.hook.filter(|hook| hook.target != hook_target::NONE)?;
    let replica = hook.replica as usize;
    let segment =
        shared.columns.get(replica).map(|column| column.segment(0)).filter(|segment| !segment.is_hook_done())?;
    let last = segment.inbox().seq();
    Some(if last < hook.call {
        format!("replica {replica} ended at call {last} and did not reach call {}", hook.call)
    } else if hook.target == hook_target::INPUT {
        format!("call {} of replica {replica} passes no bytes to the kernel", hook.call)
    } else {
        format!(
            "call {} of replica {replica} does not return as a call, or nothing is mapped at the address",
            hook.call
        )
    })
}

/// What a look at the stopped replicas brought.
struct Findings {
    judgement: Judgement,
    witnesses: Vec<Witness>,
    frames: Vec<Vec<Frame>>,
}

impl Findings {
    /// Stops the replicas and looks at them. They stay stopped.
    fn collect(id: usize, cause: &Cause, watch: &Watch<'_>, cpus: &[u32]) -> Option<Self> {
        let groups = &watch.tree.groups;
        let all: Vec<_> = groups.values().map(|watched| (&watched.group, &watched.ends[..])).collect();
        evidence::freeze(&all);
        let watched = groups.get(&id)?;
        let witnesses = evidence::collect(&watched.group, &watched.ends, cpus);
        let judgement = verdict::judge(cause, &witnesses, &|replica: usize, slot, result| {
            let witness: &Witness = &witnesses[replica];
            // Behind the call memory is not what it was; only a replica that still stands there can tell.
            let is_there = witness.said.seq == slot.seq && witness.end.is_none();
            names::request(slot, result, &|address, bytes| {
                is_there.then(|| memory::read_all(witness.pid, address, bytes)).flatten()
            })
        });
        let frames = witnesses.iter().map(|witness| frames(witness, judgement.seq)).collect();
        Some(Self { judgement, witnesses, frames })
    }
}

/// Where a replica made the call in question; its stack only if it has not gone on since.
fn frames(witness: &Witness, seq: Option<u64>) -> Vec<Frame> {
    let said = &witness.said;
    let Some(slot) = seq.and_then(|seq| said.request(seq)).filter(|_| witness.end.is_none()) else { return vec![] };
    let stack = witness.is_parked_at(slot.seq).then_some(said.regs.rsp);
    if slot.rip == 0 { vec![] } else { backtrace(witness.pid, slot.rip, stack) }
}

/// Reports a fault and says how to end.
fn conclude(
    config: &RunConfig,
    cause: &Cause,
    findings: Option<&Findings>,
    recorder: &mut Recorder,
) -> Result<Outcome> {
    if let Cause::Fault { fault, .. } = cause
        && fault.kind == kind::BOOT
    {
        return Err(boot_error(config, fault));
    }
    let Some(Findings { judgement, witnesses, frames }) = findings else {
        return Err(Error::Internal("a fault without findings".into()));
    };
    let reproduce = config.command_line();
    say(&report::text(judgement, witnesses, frames, &reproduce));
    let mut fields = json!(judgement);
    fields["frames"] = json!(frames);
    fields["reproduce"] = json!(reproduce);
    let replicas = witnesses.iter().map(|witness| {
        json!({
            "pid": witness.pid,
            "cpu": witness.cpu,
            "phase": names::phase(witness.said.phase),
            "seq": witness.said.seq,
            "fault": (witness.said.fault.kind != 0).then(|| names::fault(witness.said.fault.kind)),
        })
    });
    fields["replicas"] = replicas.collect();
    recorder.write("fault", fields);
    // With nobody to compare with it is not a disagreement but a failure of ours.
    Ok(Outcome::Exit(if config.replicas == 1 { exit::FAILED } else { exit::DISAGREED }))
}

/// The agent could not start the program: says why, with the exit code that a shell would give.
fn boot_error(config: &RunConfig, fault: &Fault) -> Error {
    let program = config.program.to_string_lossy().into_owned();
    let errno = nix::errno::Errno::from_raw(fault.detail as i32);
    let what = match fault.site as u32 {
        boot_site::OPEN => "opening the program",
        boot_site::PROGRAM => "loading the program",
        boot_site::INTERPRETER => "loading the program's interpreter",
        boot_site::SHARED => return Error::os("the agent could not map the shared areas", errno),
        boot_site::INTERCEPT => {
            let text = "the agent could not intercept system calls (Syscall User Dispatch, Linux 5.11, and seccomp \
                        are needed; `rcb doctor` tells what is missing)";
            return Error::os(text, errno);
        }
        boot_site::PEERS => {
            let text = "the replicas could not reach each other (`rcb doctor` tells what is missing)";
            return Error::os(text, errno);
        }
        boot_site::LAYOUT => return Error::os("the agent could not lay out its address space", errno),
        _ => return Error::os("the agent could not start the program", errno),
    };
    let reason = format!("{what}: {}", errno.desc().to_lowercase());
    if errno == nix::errno::Errno::ENOENT {
        Error::NotFound { program, reason }
    } else {
        Error::CannotExecute { program, reason }
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

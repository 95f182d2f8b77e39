//! How a run that was not ended by its guest ends: what the stopped replicas show, what is said of it, with which status.

use super::{Outcome, say};
use crate::act::Watch;
use crate::backtrace::{Frame, backtrace};
use crate::config::RunConfig;
use crate::error::{Error, Result};
use crate::evidence::{self, Witness};
use crate::group::Shared;
use crate::record::Recorder;
use crate::verdict::{self, Judgement};
use crate::{exit, memory, names, report};
use rcb_abi::control::hook_target;
use rcb_abi::fault::{boot_site, kind};
use rcb_guard::{Cause, Fault};
use serde_json::json;

/// Why a fault that was to be injected has not been, if so.
pub(super) fn not_injected(config: &RunConfig, shared: &Shared) -> Option<String> {
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
pub(super) struct Findings {
    pub(super) judgement: Judgement,
    witnesses: Vec<Witness>,
    frames: Vec<Vec<Frame>>,
}

impl Findings {
    /// Stops the replicas and looks at them. They stay stopped.
    pub(super) fn collect(id: usize, cause: &Cause, watch: &Watch<'_>, cpus: &[u32]) -> Option<Self> {
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

/// Reports a fault and says how to end; `all_fail`: no replica could start the program.
pub(super) fn conclude(
    config: &RunConfig,
    cause: &Cause,
    all_fail: bool,
    findings: Option<&Findings>,
    recorder: &mut Recorder,
) -> Result<Outcome> {
    // What is said of the program must be said by all; what is missing here, one may find first.
    if let Cause::Fault { fault, .. } = cause
        && fault.kind == kind::BOOT
        && (all_fail || !is_about_program(fault))
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

fn is_about_program(fault: &Fault) -> bool {
    matches!(fault.site as u32, boot_site::OPEN | boot_site::PROGRAM | boot_site::INTERPRETER)
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

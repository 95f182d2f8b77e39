//! A verdict of [`rcb_guard`] in words, and everything that differs at its place. Nothing is decided here.

use crate::evidence::Witness;
use crate::names;
use rcb_abi::fault::{Regs, buffer, kind};
use rcb_abi::segment::Trace;
use rcb_guard::{Cause, End, Ground, Statement, Verdict, decide};
use serde::Serialize;

/// The findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// A word for the kind of fault.
    pub kind: &'static str,
    /// One line that says what happened.
    pub headline: String,
    /// Number of the request at which it happened or first showed, if there is one.
    pub seq: Option<u64>,
    /// Replicas to blame; empty if that cannot be told.
    pub blamed: Vec<usize>,
    /// Each replica's request at that number.
    pub requests: Vec<Option<String>>,
    /// What differs there.
    pub differences: Vec<Difference>,
    /// What else a reader should know.
    pub notes: Vec<String>,
}

/// One value that is not the same in all replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is.
    pub what: String,
    /// The value in each replica; `None` where it is not known.
    pub values: Vec<Option<String>>,
}

/// The text of a replica's request: replica, request, result if it is known.
pub type Wording<'a> = &'a dyn Fn(usize, &Trace, Option<u64>) -> String;

/// Has the cause judged by the evidence and puts the verdict into words. Requests are worded by `wording`, which may
/// look at a replica's memory.
pub fn judge(cause: &Cause, witnesses: &[Witness], wording: Wording<'_>) -> Judgement {
    let statements: Vec<&Statement> = witnesses.iter().map(|witness| &witness.said).collect();
    let verdict = decide(cause, &statements);
    let Verdict { place, seq, blamed, .. } = verdict;
    let requests = statements.iter().enumerate().map(|(replica, said)| {
        seq.and_then(|seq| said.request(seq)).map(|slot| wording(replica, slot, said.result(slot.seq)))
    });
    let differences = seq.map_or_else(Vec::new, |seq| differences(seq, witnesses));
    let mut notes = Vec::new();
    if place.is_some() && differences.is_empty() {
        notes.push(
            "the differing state is not in the trace: a register that calls preserve, or bytes of an earlier call"
                .into(),
        );
    }
    if verdict.ground == Ground::Contradiction {
        notes.push("what it showed its peers is not what its own trace says".into());
    }
    if verdict.ground == Ground::Refuted {
        notes.push("it accuses a peer of what the words of all others refute".into());
    }
    notes.extend(note(cause).filter(|_| is_told_by(cause, &verdict)));
    let blamed: Vec<usize> = blamed.iter().collect();
    Judgement {
        kind: kind_word(cause, &verdict),
        headline: headline(cause, &verdict, &blamed, witnesses),
        seq,
        blamed,
        requests: requests.collect(),
        differences,
        notes,
    }
}

/// Whether the cause itself is the news; silence and waiting that follow from a difference are not.
fn is_told_by(cause: &Cause, verdict: &Verdict) -> bool {
    match cause {
        Cause::Silent { stopped: false, .. } | Cause::Astray { .. } | Cause::Deadlock => verdict.place.is_none(),
        _ => true,
    }
}

/// Everything known that differs at request `seq`.
fn differences(seq: u64, witnesses: &[Witness]) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |what: String, values: Vec<Option<String>>| {
        let mut known = values.iter().flatten();
        if known.next().is_some_and(|first| known.any(|other| other != first)) {
            found.push(Difference { what, values });
        }
    };
    let of_slot = |value: &dyn Fn(&Trace) -> Option<String>| -> Vec<Option<String>> {
        witnesses.iter().map(|witness| witness.said.request(seq).and_then(value)).collect()
    };
    compare("call".into(), of_slot(&|slot| Some(names::call(slot.nr))));
    for index in 0..6 {
        let value = |slot: &Trace| (index < slot.nargs as usize).then(|| format!("{:#x}", slot.args[index]));
        compare(format!("argument {}", index + 1), of_slot(&value));
    }
    compare("input digest".into(), of_slot(&|slot| Some(format!("{:016x}", slot.input))));
    compare("first input bytes".into(), of_slot(&|slot| Some(bytes_of(slot))));
    compare("address behind the call".into(), of_slot(&|slot| Some(format!("{:#x}", slot.rip))));
    if let Some(before) = seq.checked_sub(1) {
        let results = witnesses.iter().map(|witness| witness.said.result(before).map(result_text)).collect();
        compare("result of the call before".into(), results);
    }
    let results = witnesses.iter().map(|witness| witness.said.result(seq).map(result_text)).collect();
    compare("result".into(), results);
    // Only who is parked has left its registers, and only at the same kind of call they are of the same moment.
    let nr = witnesses.iter().find_map(|witness| parked_nr(witness, seq));
    let parked = |witness: &Witness| nr.is_some() && parked_nr(witness, seq) == nr;
    for (index, name) in Regs::NAMES.iter().enumerate() {
        let value = |witness: &Witness| format!("{:#x}", witness.said.regs.as_array()[index]);
        let values = witnesses.iter().map(|witness| parked(witness).then(|| value(witness)));
        compare(format!("register {name}"), values.collect());
    }
    found
}

/// The call that a replica is parked at, if that is number `seq`.
fn parked_nr(witness: &Witness, seq: u64) -> Option<u32> {
    witness.said.request(seq).filter(|_| witness.is_parked_at(seq)).map(|slot| slot.nr)
}

fn bytes_of(slot: &Trace) -> String {
    let count = (slot.sample_len as usize).min(slot.sample.len());
    slot.sample[..count].escape_ascii().to_string()
}

fn result_text(result: u64) -> String {
    let signed = result as i64;
    if (-4095..0).contains(&signed) {
        return format!("{signed} ({})", nix::errno::Errno::from_raw(-signed as i32));
    }
    format!("{result:#x}")
}

fn kind_word(cause: &Cause, verdict: &Verdict) -> &'static str {
    match cause {
        _ if !is_told_by(cause, verdict) => "mismatch",
        Cause::Fault { fault, .. } => names::fault(fault.kind),
        Cause::Died { .. } => "died",
        Cause::Silent { stopped: true, .. } => "stopped",
        Cause::Silent { .. } | Cause::Astray { .. } => "silent",
        Cause::NotEnded { .. } => "not-ended",
        Cause::Deadlock => "deadlock",
        Cause::Memory { .. } => "memory",
    }
}

fn headline(cause: &Cause, verdict: &Verdict, blamed: &[usize], witnesses: &[Witness]) -> String {
    let at = verdict.seq.map_or_else(String::new, |seq| {
        let nr = witnesses.iter().find_map(|witness| witness.said.request(seq)).map(|slot| names::call(slot.nr));
        format!(" at call {seq}{}", nr.map_or_else(String::new, |name| format!(" ({name})")))
    });
    match cause {
        Cause::Fault { observer, fault } => match fault.kind {
            kind::MISMATCH => match (verdict.ground, blamed) {
                (Ground::Refuted, [one]) => format!("replica {one} takes equal requests for different ones{at}"),
                (Ground::Accusation, [one]) => format!("replica {one} went on without an answer{at}"),
                _ => disagreement(blamed, &at),
            },
            kind::PAYLOAD => format!("replica {observer} received other bytes than replica {} sent{at}", fault.peer),
            kind::LOG => format!("replica {observer} found impossible words of replica {} in the log{at}", fault.peer),
            kind::INPUT_CHANGED => format!("replica {observer} read other bytes from a file than the leader did{at}"),
            kind::AGENT_EXCEPTION => format!(
                "the agent of replica {observer} was hit by {}{at}, address {:#x}, data {:#x}",
                names::signal(fault.detail as i32),
                fault.site,
                fault.data_addr
            ),
            kind::AGENT_PANIC => {
                format!("the agent of replica {observer} failed its own check (line {}){at}", fault.detail)
            }
            kind::AGENT_CHECK => {
                format!("two copies of a value in the hardened agent of replica {observer} differ{at}")
            }
            kind::BUFFER if fault.detail == buffer::BEFORE => {
                format!("the bytes of replica {observer} changed after all had agreed on them; none has left{at}")
            }
            kind::BUFFER => {
                format!("the bytes of replica {observer} changed while the kernel took them; some may have left{at}")
            }
            kind::MIRROR => format!(
                "replica {observer} could not take over a descriptor of its leader ({}){at}",
                nix::errno::Errno::from_raw(fault.detail as i32).desc()
            ),
            kind::HEAL => {
                format!("replica {observer} could not go on in place of a lost one: {}", names::not_healed(fault))
            }
            kind::RESULT => format!("a call that every replica performs gave different results{at}"),
            kind::BOOT => format!("replica {observer} could not start the program{at}"),
            kind::MEMORY => format!("the memory of the replicas differs{at}"),
            other => format!("replica {observer} recorded a fault of unknown kind {other}{at}"),
        },
        Cause::Died { replica, end: End::Signal(signal) } => {
            format!("replica {replica} was killed by {} without agreement", names::signal(*signal))
        }
        Cause::Died { replica, end: End::Exit(status) } => {
            format!("replica {replica} exited with status {status} without agreement")
        }
        Cause::Silent { replica, waiting, stopped: true } if replica == waiting => {
            format!("replica {replica} was stopped, and has let pass the deadline for going on")
        }
        Cause::Silent { replica, waiting, stopped: true } => {
            format!("replica {replica} was stopped: replica {waiting} has waited for it beyond the deadline")
        }
        Cause::Silent { replica, waiting, .. } => {
            let silence = format!("replica {replica} is silent");
            if replica == waiting && is_told_by(cause, verdict) {
                format!("{silence}: what it waits for has been there for longer than the deadline")
            } else if is_told_by(cause, verdict) {
                format!("{silence}: replica {waiting} has waited for it beyond the deadline")
            } else {
                format!("{}, and {silence}", disagreement(blamed, &at))
            }
        }
        Cause::Astray { replica, waiting } if is_told_by(cause, verdict) => {
            format!(
                "replica {replica} is silent: it computes for far longer than replica {waiting}, which waits for it, has"
            )
        }
        Cause::Astray { replica, .. } => format!("{}, and replica {replica} is silent", disagreement(blamed, &at)),
        Cause::NotEnded { replica } => format!("replica {replica} did not end although all had agreed to"),
        Cause::Memory { address } => format!("the memory of the replicas differs at {address:#x}"),
        Cause::Deadlock if is_told_by(cause, verdict) => "all replicas wait for each other".into(),
        Cause::Deadlock => format!("{}, and wait for each other", disagreement(blamed, &at)),
    }
}

fn disagreement(blamed: &[usize], at: &str) -> String {
    match blamed {
        [] => format!("the replicas disagree{at}"),
        [one] => format!("replica {one} disagrees with the majority{at}"),
        several => format!("replicas {} disagree with the majority{at}", list(several)),
    }
}

fn note(cause: &Cause) -> Option<String> {
    match cause {
        Cause::Fault { fault, .. } if fault.kind == kind::INPUT_CHANGED => {
            Some("another process may have changed the file meanwhile; then this is no hardware fault".into())
        }
        Cause::Silent { stopped: true, .. } => Some(
            "a signal (SIGSTOP) or a debugger has stopped this one process; stopping all of them is no fault".into(),
        ),
        Cause::Silent { .. } => Some("--deadline sets how long a replica may let others wait".into()),
        Cause::Died { end: End::Signal(libc::SIGKILL), .. } => {
            Some("if the machine was short of memory, the kernel may have killed it (see dmesg)".into())
        }
        _ => None,
    }
}

/// `0`, `0 and 2`, `0, 1 and 2`.
pub fn list(replicas: &[usize]) -> String {
    let words: Vec<String> = replicas.iter().map(usize::to_string).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests;

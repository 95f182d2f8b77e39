//! What went wrong and who is to blame: a pure function of the evidence.
//!
//! The requests of all replicas are laid side by side; the first number at which they differ is the place. Everything
//! that differs there is listed, and the majority decides who is wrong. Without a majority nobody is blamed.

use crate::evidence::Witness;
use crate::names;
use crate::step::{Cause, End};
use rcb_abi::fault::{Regs, kind};
use rcb_abi::segment::Trace;
use rcb_vote::majority::{Vote, vote};
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

/// Judges a cause by the evidence. Requests are put into words by `wording`, which may look at a replica's memory.
pub fn judge(cause: &Cause, witnesses: &[Witness], wording: Wording<'_>) -> Judgement {
    let place = first_difference(witnesses);
    let blamed = blame(cause, place, witnesses);
    let seq = place.or(match cause {
        Cause::Fault { fault, .. } => Some(fault.seq).filter(|seq| *seq > 0),
        _ => None,
    });
    let requests = witnesses.iter().enumerate().map(|(replica, witness)| {
        seq.and_then(|seq| witness.request(seq)).map(|slot| wording(replica, slot, witness.result(slot.seq)))
    });
    let differences = seq.map_or_else(Vec::new, |seq| differences(seq, witnesses));
    let mut notes = Vec::new();
    if place.is_some() && differences.is_empty() {
        notes.push(
            "the differing state is not in the trace: a register that calls preserve, or bytes of an earlier call"
                .into(),
        );
    }
    notes.extend(note(cause));
    Judgement {
        kind: kind_word(cause, place.is_some()),
        headline: headline(cause, seq, place.is_some(), &blamed, witnesses),
        seq,
        blamed,
        requests: requests.collect(),
        differences,
        notes,
    }
}

/// The first number at which two replicas that both made the request differ in it.
fn first_difference(witnesses: &[Witness]) -> Option<u64> {
    let mut seqs: Vec<u64> = witnesses.iter().flat_map(|witness| witness.trace.iter().map(|slot| slot.seq)).collect();
    seqs.sort_unstable();
    seqs.dedup();
    seqs.into_iter().find(|seq| {
        let mut slots = witnesses.iter().filter_map(|witness| witness.request(*seq));
        slots.next().is_some_and(|first| slots.any(|slot| !is_same(first, slot)))
    })
}

fn is_same(one: &Trace, other: &Trace) -> bool {
    let count = (one.nargs as usize).min(6);
    one.nr == other.nr && one.chain == other.chain && one.args[..count] == other.args[..count]
}

/// Who is to blame, as replica numbers.
fn blame(cause: &Cause, place: Option<u64>, witnesses: &[Witness]) -> Vec<usize> {
    match cause {
        Cause::Died { replica, .. } | Cause::Silent { replica, .. } | Cause::NotEnded { replica } => vec![*replica],
        Cause::Deadlock => disagreeing(place, witnesses),
        Cause::Fault { observer, fault } => match fault.kind {
            kind::AGENT_EXCEPTION | kind::AGENT_PANIC => vec![*observer],
            kind::RESULT => {
                minority(witnesses.iter().map(|witness| witness.request(fault.seq).map(|slot| slot.result)))
            }
            kind::PAYLOAD | kind::LOG => {
                // The words of one replica are unreadable for others: its own doing if more than one of them say so.
                let accusers = witnesses.iter().filter(|witness| {
                    matches!(witness.fault.kind, kind::PAYLOAD | kind::LOG) && witness.fault.peer == fault.peer
                });
                if accusers.count() > 1 && (fault.peer as usize) < witnesses.len() {
                    vec![fault.peer as usize]
                } else {
                    vec![]
                }
            }
            _ => disagreeing(place, witnesses),
        },
    }
}

/// Who made another request than the majority.
fn disagreeing(place: Option<u64>, witnesses: &[Witness]) -> Vec<usize> {
    place.map_or_else(Vec::new, |seq| minority(witnesses.iter().map(|witness| witness.request(seq).map(digest_of))))
}

/// Who differs from a majority.
fn minority(values: impl Iterator<Item = Option<u64>>) -> Vec<usize> {
    let values: Vec<Option<u64>> = values.collect();
    match vote(&values) {
        Vote::Majority { blamed } => (0..values.len()).filter(|replica| blamed >> replica & 1 == 1).collect(),
        Vote::Unanimous | Vote::None => vec![],
    }
}

/// One word for everything that is compared of a request: the chain covers it all, unless the chain itself was hit.
fn digest_of(slot: &Trace) -> u64 {
    let count = (slot.nargs as usize).min(6);
    let words = slot.args[..count].iter().chain([&slot.chain]);
    words.fold(u64::from(slot.nr), |digest, word| (digest ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29))
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
        witnesses.iter().map(|witness| witness.request(seq).and_then(value)).collect()
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
        let results = witnesses.iter().map(|witness| witness.result(before).map(result_text)).collect();
        compare("result of the call before".into(), results);
    }
    let results = witnesses.iter().map(|witness| witness.result(seq).map(result_text)).collect();
    compare("result".into(), results);
    if witnesses.iter().all(|witness| witness.seq == seq && witness.end.is_none()) {
        for (index, name) in Regs::NAMES.iter().enumerate() {
            let values = witnesses.iter().map(|witness| Some(format!("{:#x}", witness.regs.as_array()[index])));
            compare(format!("register {name}"), values.collect());
        }
    }
    found
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

const fn kind_word(cause: &Cause, differs: bool) -> &'static str {
    match cause {
        Cause::Fault { fault, .. } => names::fault(fault.kind),
        Cause::Died { .. } => "died",
        Cause::Silent { .. } => "silent",
        Cause::Deadlock if differs => "mismatch",
        Cause::NotEnded { .. } => "not-ended",
        Cause::Deadlock => "deadlock",
    }
}

fn headline(cause: &Cause, seq: Option<u64>, differs: bool, blamed: &[usize], witnesses: &[Witness]) -> String {
    let at = seq.map_or_else(String::new, |seq| {
        let nr = witnesses.iter().find_map(|witness| witness.request(seq)).map(|slot| names::call(slot.nr));
        format!(" at call {seq}{}", nr.map_or_else(String::new, |name| format!(" ({name})")))
    });
    match cause {
        Cause::Fault { observer, fault } => match fault.kind {
            kind::MISMATCH => disagreement(blamed, &at),
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
            kind::MIRROR => format!(
                "replica {observer} could not take over a descriptor of its leader ({}){at}",
                nix::errno::Errno::from_raw(fault.detail as i32).desc()
            ),
            kind::RESULT => format!("a call that every replica performs gave different results{at}"),
            other => format!("replica {observer} recorded a fault of unknown kind {other}{at}"),
        },
        Cause::Died { replica, end: End::Signal(signal) } => {
            format!("replica {replica} was killed by {} without agreement", names::signal(*signal))
        }
        Cause::Died { replica, end: End::Exit(status) } => {
            format!("replica {replica} exited with status {status} without agreement")
        }
        Cause::Silent { replica, waiting } => {
            format!("replica {replica} is silent: replica {waiting} has waited for it beyond the deadline")
        }
        Cause::NotEnded { replica } => format!("replica {replica} did not end although all had agreed to"),
        Cause::Deadlock if differs => format!("{}, and wait for each other", disagreement(blamed, &at)),
        Cause::Deadlock => "all replicas wait for each other".into(),
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

//! The findings as text.

use crate::backtrace::Frame;
use crate::checkpoint::Tally;
use crate::evidence::Witness;
use crate::heal::Healed;
use crate::names;
use crate::rollback::{Retried, RolledBack};
use crate::scrub::Difference;
use crate::verdict::{Judgement, list};
use rcb_guard::End;
use std::fmt::Write;

/// Everything about a fault, one fact per line.
pub fn text(judgement: &Judgement, witnesses: &[Witness], frames: &[Vec<Frame>], reproduce: &str) -> String {
    let mut out = format!("fault: {}\n", judgement.headline);
    if witnesses.len() > 2 && !judgement.blamed.is_empty() {
        let majority: Vec<usize> = (0..witnesses.len()).filter(|i| !judgement.blamed.contains(i)).collect();
        let _ = writeln!(out, "  to blame: {}; in agreement: {}", list(&judgement.blamed), list(&majority));
    } else if witnesses.len() == 2 && judgement.blamed.is_empty() {
        out.push_str("  two replicas cannot tell which of them is wrong; -n 3 can\n");
    }
    for (replica, witness) in witnesses.iter().enumerate() {
        let state = match witness.end {
            Some(End::Exit(status)) => format!("exited with status {status}"),
            Some(End::Signal(signal)) => format!("killed by {}", names::signal(signal)),
            None => format!("{} at call {}", names::phase(witness.said.phase), witness.said.seq),
        };
        let mark = if judgement.blamed.contains(&replica) { '!' } else { ' ' };
        let _ = writeln!(out, " {mark}replica {replica} (pid {}, CPU {}): {state}", witness.pid, witness.cpu);
        if let Some(request) = &judgement.requests[replica] {
            let _ = writeln!(out, "    {request}");
        }
    }
    if !judgement.differences.is_empty() {
        out.push_str("  what differs:\n");
    }
    for difference in &judgement.differences {
        let values = difference.values.iter().enumerate();
        let values: Vec<String> =
            values.map(|(replica, value)| format!("[{replica}] {}", value.as_deref().unwrap_or("?"))).collect();
        let _ = writeln!(out, "    {}: {}", difference.what, values.join("  "));
    }
    for note in &judgement.notes {
        let _ = writeln!(out, "  note: {note}");
    }
    write_frames(&mut out, frames);
    let _ = writeln!(out, "  to repeat: {reproduce}");
    out
}

/// A replacement, in two lines.
pub fn healed(healed: &Healed) -> String {
    let Healed { judgement, replica, pid, new_pid, cpu, new_cpu, .. } = healed;
    let leads = healed.leader.map_or_else(String::new, |leader| format!("; replica {leader} leads now"));
    format!(
        "corrected: {}\n  replica {replica} (pid {pid}, CPU {cpu}) was replaced (pid {new_pid}, CPU {new_cpu}) in {:.1} ms{leads}",
        judgement.headline,
        healed.took.as_secs_f64() * 1e3,
    )
}

/// All replicas, in words.
const fn all_of(replicas: usize) -> &'static str {
    if replicas == 2 { "both" } else { "all" }
}

/// A rollback, in two lines.
pub fn rolled_back(done: &RolledBack) -> String {
    let RolledBack { judgement, to, from, pids, cpus, took, .. } = done;
    let places = pids.iter().zip(cpus).map(|(pid, cpu)| format!("pid {pid}, CPU {cpu}"));
    format!(
        "corrected: {}\n  {} replicas went back from call {from} to call {to} in {:.1} ms ({})",
        judgement.headline,
        all_of(pids.len()),
        took.as_secs_f64() * 1e3,
        places.collect::<Vec<_>>().join("; "),
    )
}

/// A program that is started over, in two lines.
pub fn started_over(judgement: &Judgement) -> String {
    format!("corrected: {}\n  nothing had left yet: the program is started over", judgement.headline)
}

/// What doing it again has shown.
pub fn retried(retried: &Retried) -> String {
    match retried.wrong {
        Some((replica, cpu)) => {
            format!("done again, the replicas agree: replica {replica} on CPU {cpu} was wrong at call {}", retried.seq)
        }
        None => format!("done again, call {} does not tell which replica was wrong", retried.seq),
    }
}

/// What checkpoints have cost.
pub fn checkpoints(tally: &Tally) -> String {
    let Tally { count, took, pages } = tally;
    format!("  checkpoints      {count}, made in {:.1} ms, {pages} page faults since", took.as_secs_f64() * 1e3)
}

/// A difference of memory, in one line.
pub fn scrubbed(difference: &Difference) -> String {
    let Difference { address, bits, replicas, is_mended } = difference;
    if *is_mended {
        format!("corrected: {bits} bits of memory at {address:#x} differed in replica {}", list(replicas))
    } else {
        format!("{bits} bits of memory differ at {address:#x}")
    }
}

/// One backtrace if all are equal, else one for each replica.
fn write_frames(out: &mut String, frames: &[Vec<Frame>]) {
    let known: Vec<usize> = (0..frames.len()).filter(|replica| !frames[*replica].is_empty()).collect();
    let Some(first) = known.first() else { return };
    let equal = known.iter().all(|replica| frames[*replica] == frames[*first]);
    for replica in known.iter().take(if equal { 1 } else { known.len() }) {
        let whose = if equal { String::new() } else { format!(" of replica {replica}") };
        let _ = writeln!(out, "  call site{whose} (callers marked ~ are likely, from the stack):");
        for (number, frame) in frames[*replica].iter().enumerate() {
            let mark = if frame.certain { ' ' } else { '~' };
            let place = frame.module.as_ref().map_or_else(
                || format!("{:#x}", frame.address),
                |module| format!("{module}+{:#x} ({:#x})", frame.offset, frame.address),
            );
            let _ = writeln!(out, "   {mark}#{number} {place}");
        }
    }
}

#[cfg(test)]
#[allow(clippy::large_stack_arrays, reason = "tests may use some of the stack")]
mod tests {
    use super::*;
    use crate::verdict::Difference;
    use rcb_guard::Statement;

    #[test]
    fn says_everything_once() {
        let witness = |pid, end| {
            let mut said = Statement::of(&[]);
            said.seq = 7;
            Witness { pid, cpu: 1, said, end }
        };
        let judgement = Judgement {
            kind: "mismatch",
            headline: "replica 1 disagrees with the majority at call 7 (write)".into(),
            seq: Some(7),
            blamed: vec![1],
            requests: vec![Some("write(1)".into()), Some("write(2)".into()), None],
            differences: vec![Difference {
                what: "argument 1".into(),
                values: vec![Some("0x1".into()), Some("0x2".into()), None],
            }],
            notes: vec![],
        };
        let frame = Frame { address: 0x5678, module: Some("/bin/x".into()), offset: 0x678, certain: true };
        let witnesses = [witness(10, None), witness(11, None), witness(12, Some(End::Signal(9)))];
        let frames = [vec![frame.clone()], vec![frame], vec![]];
        let expected = "\
fault: replica 1 disagrees with the majority at call 7 (write)
  to blame: 1; in agreement: 0 and 2
  replica 0 (pid 10, CPU 1): parked at call 7
    write(1)
 !replica 1 (pid 11, CPU 1): parked at call 7
    write(2)
  replica 2 (pid 12, CPU 1): killed by SIGKILL
  what differs:
    argument 1: [0] 0x1  [1] 0x2  [2] ?
  call site (callers marked ~ are likely, from the stack):
    #0 /bin/x+0x678 (0x5678)
  to repeat: rcb run -n 3 -- x
";
        assert_eq!(text(&judgement, &witnesses, &frames, "rcb run -n 3 -- x"), expected);
    }
}

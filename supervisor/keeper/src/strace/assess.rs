//! What replicated runs would do with the calls that a program made natively.

use super::{Call, Observed, row_of};
use rcb_syscalls::{Exec, Row, Support, lookup};
use serde::Serialize;

/// Number of `clone`.
const CLONE: u32 = 56;
/// Number of `clone3`, instead of which every C library falls back to `clone` in silence.
const CLONE3: u32 = 435;

/// How far a call is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Not performed: the program gets an error.
    Refused,
    /// Performed, but something is missing.
    Partial,
}

/// One kind of call that is not fully supported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// How far it is supported.
    pub level: Level,
    /// The call, with the request for a multiplexer.
    pub name: String,
    /// How often the program made it.
    pub count: u64,
    /// What is missing, or why it is refused.
    pub reason: String,
}

/// The assessment of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// Calls the program made in all.
    pub total: u64,
    /// Threads it started.
    pub threads: u64,
    /// Processes it started.
    pub processes: u64,
    /// What is not fully supported: refused calls first, then by number of calls.
    pub lines: Vec<Line>,
}

impl Assessment {
    /// Whether everything the program did is supported as natively.
    pub fn is_full(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether nothing the program did would be refused.
    pub fn is_expected_to_run(&self) -> bool {
        self.lines.iter().all(|line| line.level != Level::Refused)
    }
}

/// Looks every call up.
pub fn assess(observed: &Observed) -> Assessment {
    let mut lines: Vec<Line> = Vec::new();
    for (call, &count) in &observed.calls {
        let Some((level, name, reason)) = judge(call) else { continue };
        // Requests that differ only in modifier bits have one name.
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.count += count,
            None => lines.push(Line { level, name, count, reason }),
        }
    }
    if observed.threads > 0 {
        // The same call makes processes, which is supported.
        lines.retain(|line| line.name != "clone");
        let reason = "a process of the program can have one thread".into();
        lines.push(Line { level: Level::Refused, name: "clone (thread)".into(), count: observed.threads, reason });
    }
    lines.sort_by(|one, other| (one.level, other.count, &one.name).cmp(&(other.level, one.count, &other.name)));
    Assessment { total: observed.total(), threads: observed.threads, processes: observed.processes, lines }
}

/// Level, name and reason of a call that is not fully supported.
fn judge(call: &Call) -> Option<(Level, String, String)> {
    match call {
        Call::Unknown(name) => Some((Level::Refused, name.clone(), "not an x86-64 call of any known kernel".into())),
        Call::Request { nr, name } => {
            let row = lookup(*nr)?;
            Some((Level::Refused, format!("{} {name}", row.name), "this request is not known".into()))
        }
        Call::Number { nr, key } => {
            let nr = if *nr == CLONE3 { CLONE } else { *nr };
            let Some((row, request)) = row_of(nr, *key) else {
                let reason = "not an x86-64 call of any known kernel".into();
                return Some((Level::Refused, format!("call number {nr}"), reason));
            };
            match (key, request) {
                (_, Some(request)) => judge_row(request, format!("{} {}", row.name, request.name)),
                (Some(key), None) => judge_row(row, format!("{} {key:#x}", row.name))
                    .filter(|(level, _, _)| *level == Level::Refused)
                    .or_else(|| {
                        let reason = "this request is not known".into();
                        Some((Level::Refused, format!("{} {key:#x}", row.name), reason))
                    }),
                (None, None) => judge_row(row, row.name.into()),
            }
        }
    }
}

fn judge_row(row: &Row, name: String) -> Option<(Level, String, String)> {
    match (row.exec, row.support) {
        // The kernel itself has no such call, or libraries do without it: nobody misses it.
        (Exec::Absent(_), _) => None,
        (_, Support::None(reason)) => Some((Level::Refused, name, reason.into())),
        (_, Support::Partial(reason)) => Some((Level::Partial, name, reason.into())),
        (Exec::Refused(_), Support::Full) => Some((Level::Refused, name, String::new())),
        (_, Support::Full) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(name: &str) -> u32 {
        rcb_syscalls::rows().find(|row| row.name == name).unwrap().nr
    }

    #[test]
    fn a_plain_program_is_expected_to_run() {
        let mut observed = Observed::default();
        for name in ["execve", "read", "write", "openat", "close", "mmap", "brk", "exit_group", "rseq"] {
            observed.count(Call::Number { nr: number(name), key: None });
        }
        let assessment = assess(&observed);
        assert!(assessment.is_full(), "{assessment:#?}");
        assert!(assessment.is_expected_to_run());
        assert_eq!(assessment.total, 9);
    }

    #[test]
    fn every_row_is_judged_as_the_table_says() {
        for row in rcb_syscalls::rows().filter(|row| row.family.is_none() && row.nr != CLONE3) {
            let judged = judge(&Call::Number { nr: row.nr, key: None }).map(|(level, _, _)| level);
            let expected = match (row.exec, row.support) {
                (Exec::Absent(_), _) | (_, Support::Full) => None,
                (_, Support::Partial(_)) => Some(Level::Partial),
                (_, Support::None(_)) => Some(Level::Refused),
            };
            assert_eq!(judged, expected, "{}", row.name);
        }
    }

    #[test]
    fn requests_of_multiplexers_are_judged_one_by_one() {
        let ioctl = number("ioctl");
        let mut observed = Observed::default();
        let mut args = [0; 6];
        args[1] = 0x5401; // TCGETS
        observed.count_number(ioctl, &args);
        assert!(assess(&observed).is_full(), "{:#?}", assess(&observed));
        args[1] = 0x1234_5678;
        observed.count_number(ioctl, &args);
        let assessment = assess(&observed);
        assert_eq!(assessment.lines.len(), 1);
        assert_eq!((assessment.lines[0].name.as_str(), assessment.lines[0].count), ("ioctl 0x12345678", 1));
        assert!(!assessment.is_expected_to_run());
    }

    #[test]
    fn unknown_calls_are_refused() {
        let mut observed = Observed::default();
        observed.count(Call::Number { nr: 400, key: None });
        observed.count(Call::Unknown("frobnicate".into()));
        let names: Vec<_> = assess(&observed).lines.into_iter().map(|line| line.name).collect();
        assert_eq!(names, ["call number 400", "frobnicate"]);
    }
}

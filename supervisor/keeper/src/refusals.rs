//! One warning for each kind of call that is refused.

use rcb_syscalls::spec::{Exec, Row, Support};
use std::collections::HashSet;

/// Remembers what has been warned about.
#[derive(Default)]
pub struct Refusals {
    seen: HashSet<String>,
}

/// A refused call in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the call, with the request in parentheses if it is a family.
    pub name: String,
    /// What the table says about it.
    pub sentence: String,
}

impl Refusals {
    /// The words for an entry of the ring (`number << 32 | key`), the first time its name comes up.
    pub fn note(&mut self, entry: u64) -> Option<Refusal> {
        let refusal = describe((entry >> 32) as u32, entry as u32);
        self.seen.insert(refusal.name.clone()).then_some(refusal)
    }
}

/// Most programs map files and never this way, so that the row as a whole is not called partly supported.
const MAPPING: &str =
    "a writable shared mapping of a file: what replicas write there, others would see past the agreement";

fn describe(nr: u32, key: u32) -> Refusal {
    let Some(row) = rcb_syscalls::lookup(nr) else {
        let sentence = "it is not in the table of system calls";
        return Refusal { name: format!("system call {nr}"), sentence: sentence.into() };
    };
    let Some(family) = row.family.filter(|_| !matches!(row.exec, Exec::Refused(_))) else {
        let sentence = if row.name == "mmap" { MAPPING.into() } else { sentence_of(row) };
        return Refusal { name: row.name.into(), sentence };
    };
    match family.find(u64::from(key)) {
        Some(sub) => Refusal { name: format!("{}({})", row.name, sub.name), sentence: sentence_of(sub) },
        None => Refusal {
            name: format!("{}({key:#x})", row.name),
            sentence: "it is not in the table of known requests".into(),
        },
    }
}

fn sentence_of(row: &Row) -> String {
    match row.support {
        Support::None(sentence) | Support::Partial(sentence) => sentence.into(),
        Support::Full => "it cannot be performed with these arguments".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(name: &str) -> u64 {
        u64::from(rcb_syscalls::rows().find(|row| row.name == name).expect("a known call").nr)
    }

    #[test]
    fn each_name_comes_once() {
        let mut refusals = Refusals::default();
        let entry = number("io_uring_setup") << 32;
        let first = refusals.note(entry).expect("the first time");
        assert_eq!(first.name, "io_uring_setup");
        assert!(!first.sentence.is_empty());
        assert_eq!(refusals.note(entry), None);
        assert!(refusals.note(number("io_uring_enter") << 32).is_some());
    }

    #[test]
    fn requests_of_families_are_told_apart() {
        let mut refusals = Refusals::default();
        let ioctl = number("ioctl") << 32;
        let one = refusals.note(ioctl | 0xdead_0001).expect("first");
        let other = refusals.note(ioctl | 0xdead_0002).expect("first");
        assert_eq!((one.name.as_str(), other.name.as_str()), ("ioctl(0xdead0001)", "ioctl(0xdead0002)"));
    }

    #[test]
    fn a_refused_mapping_is_named() {
        assert!(describe(number("mmap") as u32, 1).sentence.contains("shared mapping"));
    }

    #[test]
    fn numbers_without_a_row_are_survived() {
        assert_eq!(describe(u32::MAX, 0).name, format!("system call {}", u32::MAX));
    }
}

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

fn describe(nr: u32, key: u32) -> Refusal {
    let Some(row) = rcb_syscalls::lookup(nr) else {
        let sentence = "it is not in the table of system calls";
        return Refusal { name: format!("system call {nr}"), sentence: sentence.into() };
    };
    let Some(family) = row.family.filter(|_| !matches!(row.exec, Exec::Refused(_))) else {
        return Refusal { name: row.name.into(), sentence: sentence_of(row) };
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

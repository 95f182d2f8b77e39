//! The note that says in every object what was done to it: section `.note.rcb`.
//!
//! An ELF note with the owner `rcb`, type 1, and JSON as its content, so that notes of several objects simply stand one
//! after the other in what is linked from them.

#[cfg(feature = "llvm")]
use crate::ir::Module;
use crate::report::Report;
use object::{Object, ObjectSection};
use serde::{Deserialize, Serialize};

/// Name of the section.
pub const SECTION: &str = ".note.rcb";
/// Name of the variable that holds the note.
pub const SYMBOL: &str = "rcb.note";
const OWNER: &[u8; 4] = b"rcb\0";
const TYPE: u32 = 1;

/// What was done to one object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Note {
    /// Of what: the object's source as the command line named it, or the file that was linked.
    #[serde(default)]
    pub of: String,
    /// `none`, `swift`, `swift+cfc`; `unknown` for code that did not come through here.
    pub protection: String,
    /// Number of protected functions.
    pub protected: usize,
    /// Number of checks in the intermediate representation.
    pub checks: u32,
    /// Functions that were left, each with the reason.
    pub left: Vec<(String, String)>,
}

impl Note {
    /// The note for a report on an object made from a source.
    pub fn of(report: &Report, source: &str) -> Self {
        let asked = report.protection != crate::Protection::NONE;
        let left = report.left().filter(|_| asked).map(|(name, reason)| (name.to_owned(), reason.to_string()));
        Self {
            of: source.to_owned(),
            protection: report.protection.to_string(),
            protected: report.protected(),
            checks: report.checks(),
            left: left.collect(),
        }
    }

    /// The note as it stands in the section.
    pub fn to_bytes(&self) -> Vec<u8> {
        let content = serde_json::to_vec(self).unwrap_or_default();
        let mut bytes = Vec::new();
        for number in [OWNER.len() as u32, content.len() as u32, TYPE] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(OWNER);
        bytes.extend(&content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }
}

/// Puts the note into a module.
#[cfg(feature = "llvm")]
pub(crate) fn attach(module: &Module<'_>, note: &Note) {
    let variable = module.variable(SYMBOL, module.bytes(&note.to_bytes()), true, Some(SECTION));
    variable.set_alignment(4);
    module.keep(variable);
}

/// The notes of an object, shared library or executable; empty when there are none.
///
/// # Errors
/// When the file is no ELF file or the section cannot be read.
pub fn read(bytes: &[u8]) -> Result<Vec<Note>, object::Error> {
    let file = object::File::parse(bytes)?;
    let mut notes = Vec::new();
    for section in file.sections().filter(|section| section.name() == Ok(SECTION)) {
        notes.extend(parse(section.data()?));
    }
    Ok(notes)
}

fn parse(mut data: &[u8]) -> Vec<Note> {
    let mut notes = Vec::new();
    while let Some((head, rest)) = data.split_at_checked(12) {
        let number = |at: usize| {
            let bytes = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
            u32::from_le_bytes(bytes) as usize
        };
        let (owner, content) = (number(0).next_multiple_of(4), number(4));
        let Some(bytes) = rest.get(owner..owner + content) else { break };
        notes.extend(serde_json::from_slice::<Note>(bytes));
        data = rest.get((owner + content).next_multiple_of(4)..).unwrap_or_default();
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_stand_one_after_the_other() {
        let note = |of: &str| Note {
            of: of.to_owned(),
            protection: "swift".to_owned(),
            protected: 3,
            checks: 5,
            left: vec![("f".to_owned(), "naked function".to_owned())],
        };
        let bytes = [note("a.c").to_bytes(), note("longer.c").to_bytes()].concat();
        assert_eq!(parse(&bytes), [note("a.c"), note("longer.c")]);
        assert_eq!(parse(&bytes[..20]), []);
    }
}

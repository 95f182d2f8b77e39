//! What a link contains that did not come through here, and the object that says so in what is linked.

use crate::args::Word;
use anyhow::{Context, Result};
use object::read::archive::ArchiveFile;
use object::write::{Object as Out, Relocation, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, Object, ObjectSection, RelocationEncoding, RelocationFlags, RelocationKind,
    SectionKind, SymbolFlags, SymbolKind, SymbolScope,
};
use rcb_pass::note::{self, Note};
use std::path::{Path, PathBuf};

/// Names of objects and archive members without a note, or with a note of `none`, and of libraries by `-l`.
pub(crate) fn among(files: &[PathBuf], link: &[Word]) -> Vec<String> {
    let mut names = Vec::new();
    for path in files {
        // The linker will say when one is not there.
        if let Ok(bytes) = std::fs::read(path) {
            look(path, &bytes, &mut names);
        }
    }
    let options = link.iter().filter_map(|word| match word {
        Word::Option(option) => Some(option.to_string_lossy().into_owned()),
        Word::Input(_) => None,
    });
    names.extend(options.filter(|option| option.starts_with("-l")));
    names
}

fn look(path: &Path, bytes: &[u8], names: &mut Vec<String>) {
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), std::ffi::OsStr::to_string_lossy);
    if let Ok(archive) = ArchiveFile::parse(bytes) {
        let (mut all, mut left) = (0, Vec::new());
        for member in archive.members().flatten() {
            let Some(data) = member.data(bytes).ok().filter(|data| is_code(data)) else { continue };
            all += 1;
            if !is_hardened(data) {
                left.push(format!("{name}({})", String::from_utf8_lossy(member.name())));
            }
        }
        if all > 0 && left.len() == all {
            names.push(name.into_owned());
        } else {
            names.extend(left);
        }
    } else if is_code(bytes) && !is_hardened(bytes) {
        names.push(name.into_owned());
    }
}

/// Whether a file is an object with instructions in it.
fn is_code(bytes: &[u8]) -> bool {
    let Ok(file) = object::File::parse(bytes) else { return false };
    file.sections().any(|section| section.kind() == SectionKind::Text && section.size() > 0)
}

fn is_hardened(bytes: &[u8]) -> bool {
    note::read(bytes).is_ok_and(|notes| notes.iter().any(|note| note.protection != "none"))
}

/// An object with a note about what is not hardened, and with a constructor when signals are to be caught.
///
/// # Errors
/// When the object cannot be written.
pub(crate) fn object(names: &[String], catches_signals: bool) -> Result<Vec<u8>> {
    let mut out = Out::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    if !names.is_empty() {
        let note = Note {
            of: String::new(),
            protection: "unknown".to_owned(),
            protected: 0,
            checks: 0,
            left: names.iter().map(|name| (name.clone(), "not compiled by rcbcc".to_owned())).collect(),
        };
        let section = out.add_section(Vec::new(), note::SECTION.into(), SectionKind::Note);
        out.append_section_data(section, &note.to_bytes(), 4);
    }
    // Without this the linker takes the stack for executable.
    out.add_section(Vec::new(), b".note.GNU-stack".to_vec(), SectionKind::Other);
    if catches_signals {
        let section = out.add_section(Vec::new(), b".init_array".to_vec(), SectionKind::Data);
        let offset = out.append_section_data(section, &[0; 8], 8);
        let symbol = out.add_symbol(Symbol {
            name: b"rcb_catch_signals".to_vec(),
            value: 0,
            size: 0,
            kind: SymbolKind::Text,
            scope: SymbolScope::Unknown,
            weak: false,
            section: SymbolSection::Undefined,
            flags: SymbolFlags::None,
        });
        let flags = RelocationFlags::Generic {
            kind: RelocationKind::Absolute,
            encoding: RelocationEncoding::Generic,
            size: 64,
        };
        out.add_relocation(section, Relocation { offset, symbol, addend: 0, flags })?;
    }
    out.write().context("cannot make the note of the link")
}

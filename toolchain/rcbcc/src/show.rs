//! `rcbcc --show FILE`: what the notes of an object, an archive or an executable say.

use anyhow::{Context, Result, bail};
use object::read::archive::ArchiveFile;
use rcb_pass::note::{self, Note};
use std::path::Path;
use std::process::ExitCode;

/// Prints it. The exit status is 1 when there is no note at all.
pub(crate) fn show(path: &Path) -> Result<ExitCode> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let mut any = false;
    if let Ok(archive) = ArchiveFile::parse(&*bytes) {
        for member in archive.members() {
            let member = member.context("the archive is damaged")?;
            let name = String::from_utf8_lossy(member.name()).into_owned();
            any |= print(&name, &note::read(member.data(&*bytes)?).unwrap_or_default());
        }
    } else {
        let notes = note::read(&bytes).with_context(|| format!("{} is no ELF file", path.display()))?;
        any = print(&path.to_string_lossy(), &notes);
    }
    if bytes.is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(if any { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(name: &str, notes: &[Note]) -> bool {
    println!("{name}:{}", if notes.is_empty() { " nothing is recorded: not compiled by rcbcc" } else { "" });
    for note in notes {
        if note.protection == "unknown" {
            println!("  not hardened:");
        } else {
            println!("  {}: {}, {} functions, {} checks", note.of, note.protection, note.protected, note.checks);
        }
        for (left, reason) in &note.left {
            println!("    {left}: {reason}");
        }
    }
    !notes.is_empty()
}

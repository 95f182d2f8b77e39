//! `cargo run -p xtask -- COMMAND`: checks of the house and generated parts of the documents.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::ExitCode;
use xtask::{Severity, dependencies, generated, lines, tree::Tree, unsafe_files};

const USAGE: &str = "usage: cargo run -p xtask -- COMMAND

  tidy       run every check of the house; the exit status is 1 when one fails
  docs       write the generated parts of ARCHITECTURE.md
  rcb-lines  print the table of lines of code per core crate
  unsafe     list the files that contain unsafe code";

fn main() -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let command = std::env::args().nth(1);
    match command.as_deref() {
        Some("tidy") => return tidy(&root),
        Some("docs") => docs(&root)?,
        Some("rcb-lines") => print!("{}", line_table(&root)?),
        Some("unsafe") => unsafe_files::list(&Tree::read(&root)?).iter().for_each(|name| println!("{name}")),
        _ => bail!("{USAGE}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn tidy(root: &Path) -> Result<ExitCode> {
    let findings = xtask::tidy(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    println!("tidy: {errors} errors, {} warnings", findings.len() - errors);
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line_table(root: &Path) -> Result<String> {
    let core = dependencies::core_crates(&dependencies::metadata(root)?)?;
    Ok(lines::table(&lines::count(&Tree::read(root)?, &core)))
}

fn docs(root: &Path) -> Result<()> {
    let path = root.join("ARCHITECTURE.md");
    let old = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let new = generated::replaced(&old, lines::START, lines::END, &line_table(root)?)
        .context("ARCHITECTURE.md has no markers for the table of line counts")?;
    std::fs::write(&path, new)?;
    println!("ARCHITECTURE.md: table of line counts written");
    Ok(())
}

//! From bitcode to an object: the pass, code generation, the audit, the report.

use crate::args::Ours;
use crate::tools::{Tools, only_code_generation};
use anyhow::{Context, Result, bail};
use rcb_pass::options::matches;
use rcb_pass::{Report, audit};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

/// What comes out of code generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Product {
    Object,
    Assembly,
}

/// Hardens `bitcode` into `output`, with files in between in `folder`. `name` is for messages and the report.
///
/// # Errors
/// When a step fails, when the audit finds redundancy missing, or under `--require-hardening` when a function is left.
pub(crate) fn harden(
    tools: &Tools,
    ours: &Ours,
    (bitcode, name): (&Path, &str),
    options: &[OsString],
    product: Product,
    (folder, output): (&Path, &Path),
) -> Result<()> {
    let hardened = folder.join("hardened.bc");
    let report_path = folder.join("report.json");
    let mut pass = tools.harden();
    pass.arg(bitcode).arg("-o").arg(&hardened).arg("--report").arg(&report_path);
    pass.arg("--protect").arg(ours.protection.to_string());
    for (option, values) in [("--only", &ours.only), ("--except", &ours.except), ("--list", &ours.lists)] {
        for value in values {
            pass.arg(option).arg(value);
        }
    }
    tools.run(&mut pass)?;
    let report: Report = serde_json::from_slice(&std::fs::read(&report_path)?).context("the report of the pass")?;
    if ours.require {
        require(ours, &report, name)?;
    }
    let mut clang = tools.clang();
    clang.args(options).args(only_code_generation()).arg(if product == Product::Object { "-c" } else { "-S" });
    clang.args(["-x", "ir"]).arg(&hardened).arg("-o").arg(output);
    tools.run(&mut clang)?;
    let audited = if product == Product::Object && ours.audit { Some(look(output, &report, name)?) } else { None };
    if let Some(path) = &ours.report {
        write_report(path, name, &report, audited.as_ref())?;
    }
    Ok(())
}

fn require(ours: &Ours, report: &Report, name: &str) -> Result<()> {
    let left = report.left().filter(|(function, _)| !ours.allow.iter().any(|pattern| matches(pattern, function)));
    let left: Vec<_> = left.map(|(function, reason)| format!("  {function}: {reason}")).collect();
    if !left.is_empty() {
        bail!("--require-hardening: in {name} these functions are not protected:\n{}", left.join("\n"));
    }
    Ok(())
}

fn look(object: &Path, report: &Report, name: &str) -> Result<audit::Audit> {
    let bytes = std::fs::read(object).with_context(|| object.display().to_string())?;
    let audit = audit::audit(&bytes).with_context(|| format!("the object made from {name} cannot be read"))?;
    let lost = audit.lost(report);
    if !lost.is_empty() {
        let _ = std::fs::remove_file(object);
        bail!("code generation has removed redundancy from {name}:\n  {}", lost.join("\n  "));
    }
    Ok(audit)
}

/// Appends to the report: JSON lines when the name says so, else a table.
fn write_report(path: &Path, name: &str, report: &Report, audit: Option<&audit::Audit>) -> Result<()> {
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let text = if is_json {
        format!("{}\n", serde_json::json!({ "of": name, "report": report, "machine_code": audit }))
    } else {
        let machine = audit.map(|audit| audit.table(report)).unwrap_or_default();
        format!("{name}\n{}{machine}\n", report.table())
    };
    // One write with O_APPEND: builds run side by side.
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.as_mut()
        .map_err(|error| std::io::Error::new(error.kind(), error.to_string()))
        .and_then(|file| file.write_all(text.as_bytes()))
        .with_context(|| path.display().to_string())
}

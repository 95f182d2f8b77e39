//! The checks of the house, on this workspace.

use std::path::Path;
use xtask::Severity;

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let findings = xtask::tidy(&root).unwrap();
    let errors: Vec<_> =
        findings.iter().filter(|finding| finding.severity == Severity::Error).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{} findings:\n{}", errors.len(), errors.join("\n"));
}

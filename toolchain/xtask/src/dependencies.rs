//! Tiers and the direction of dependencies, from the manifests as cargo understands them.
//!
//! ```text
//!   abi   syscalls   sys          core: if it is wrong, a wrong byte can leave
//!     \    /   \      |
//!      vote     \     |
//!        \_______ agent, guard
//!                     |
//!                   keeper        keeper: if it is wrong, service stops, output stays right
//!                     |
//!                    rcb          outside: tools and tests
//! ```
//!
//! Dependencies of tests (`dev-dependencies`) never reach a release and may point anywhere.

use crate::Finding;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Who may depend on whom: crate and tier, then the crates of this workspace it may use. Crates of the tier `outside`
/// need no row: they may use anything.
const DIRECTION: [(&str, &str, &[&str]); 7] = [
    ("rcb-abi", "core", &[]),
    ("rcb-syscalls", "core", &[]),
    ("rcb-sys", "core", &[]),
    ("rcb-vote", "core", &["rcb-abi", "rcb-syscalls"]),
    ("rcb-agent", "core", &["rcb-abi", "rcb-syscalls", "rcb-sys", "rcb-vote"]),
    ("rcb-guard", "core", &["rcb-abi", "rcb-syscalls", "rcb-vote"]),
    ("rcb-keeper", "keeper", &["rcb-abi", "rcb-syscalls", "rcb-vote", "rcb-guard"]),
];

/// Crates from outside this workspace that core may use. Each would be part of the Reliable Computing Base.
const CORE_EXTERNAL: [&str; 0] = [];

/// The feature that adds text for people to a core crate. It is compiled for tools only: no core crate may enable it,
/// and what it alone needs is not part of the base.
pub const TEXT_FEATURE: &str = "render";

/// What `cargo metadata` says about the workspace at `root`.
///
/// # Errors
/// When cargo cannot be run or its answer cannot be read.
pub fn metadata(root: &Path) -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// One crate of the workspace.
#[derive(Debug)]
struct Crate<'a> {
    name: &'a str,
    /// Folder relative to the workspace.
    folder: &'a str,
    tier: Option<&'a str>,
    /// What it builds with.
    uses: Vec<Use<'a>>,
}

/// One dependency.
#[derive(Debug)]
struct Use<'a> {
    name: &'a str,
    /// Whether it belongs to this workspace.
    is_ours: bool,
    /// Whether it is there only with [`TEXT_FEATURE`].
    is_for_text: bool,
    /// Whether it is asked to enable [`TEXT_FEATURE`].
    enables_text: bool,
}

fn crates(metadata: &Value) -> Result<Vec<Crate<'_>>> {
    let root = metadata["workspace_root"].as_str().context("no workspace_root")?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    packages.iter().map(|package| one_crate(package, root)).collect()
}

fn one_crate<'a>(package: &'a Value, root: &str) -> Result<Crate<'a>> {
    let name = package["name"].as_str().context("a package without a name")?;
    let manifest = package["manifest_path"].as_str().context("a package without a manifest")?;
    let relative = manifest.strip_prefix(root).unwrap_or(manifest);
    let folder = relative.trim_start_matches('/').trim_end_matches("Cargo.toml").trim_end_matches('/');
    let dependencies = package["dependencies"].as_array().context("a package without dependencies")?;
    let used = dependencies.iter().filter(|dependency| dependency["kind"].as_str() != Some("dev"));
    let uses = used.filter_map(|dependency| one_use(dependency, &package["features"])).collect();
    Ok(Crate { name, folder, tier: package["metadata"]["rcb"]["tier"].as_str(), uses })
}

fn one_use<'a>(dependency: &'a Value, features: &Value) -> Option<Use<'a>> {
    let name = dependency["name"].as_str()?;
    let enabled_by: Vec<_> = features
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, parts)| {
            let mut parts = parts.as_array().into_iter().flatten().filter_map(Value::as_str);
            parts.any(|part| part == format!("dep:{name}"))
        })
        .map(|(feature, _)| feature.as_str())
        .collect();
    let enables = dependency["features"].as_array().into_iter().flatten();
    Some(Use {
        name,
        is_ours: dependency["path"].is_string(),
        is_for_text: dependency["optional"] == true && enabled_by == [TEXT_FEATURE],
        enables_text: enables.into_iter().any(|feature| feature == TEXT_FEATURE),
    })
}

/// Name and folder of every crate of the tier `core`, in the order of dependencies.
///
/// # Errors
/// When the metadata is not of the expected form.
pub fn core_crates(metadata: &Value) -> Result<Vec<(String, String)>> {
    let mut core: Vec<_> = crates(metadata)?.into_iter().filter(|one| one.tier == Some("core")).collect();
    core.sort_by_key(|one| DIRECTION.iter().position(|row| row.0 == one.name));
    Ok(core.into_iter().map(|one| (one.name.to_owned(), one.folder.to_owned())).collect())
}

/// Checks tiers against folders and dependencies against [`DIRECTION`].
///
/// # Errors
/// When the metadata is not of the expected form.
pub fn check(metadata: &Value) -> Result<Vec<Finding>> {
    let crates = crates(metadata)?;
    Ok(crates.iter().flat_map(check_crate).collect())
}

fn tier_of_folder(folder: &str) -> &'static str {
    match folder {
        "supervisor/guard" => "core",
        "supervisor/keeper" => "keeper",
        _ if folder.starts_with("rcb-runtime/") => "core",
        _ => "outside",
    }
}

fn check_crate(one: &Crate<'_>) -> Vec<Finding> {
    let expected = tier_of_folder(one.folder);
    let mut findings = Vec::new();
    if one.tier != Some(expected) {
        let said = one.tier.unwrap_or("nothing");
        findings.push(Finding::error(
            one.name,
            format!(
                "lies in {}, so [package.metadata.rcb] must say tier = \"{expected}\", but it says {said}",
                one.folder
            ),
        ));
    }
    if expected == "outside" {
        return findings;
    }
    let Some((_, tier, allowed)) = DIRECTION.iter().find(|row| row.0 == one.name) else {
        findings.push(Finding::error(one.name, "has no row in the table of directions"));
        return findings;
    };
    for used in &one.uses {
        let is_allowed = if used.is_ours {
            allowed.contains(&used.name)
        } else {
            *tier != "core" || used.is_for_text || CORE_EXTERNAL.contains(&used.name)
        };
        if !is_allowed {
            findings.push(Finding::error(one.name, format!("must not depend on {}", used.name)));
        }
        if *tier == "core" && used.enables_text {
            findings.push(Finding::error(one.name, format!("must not enable {TEXT_FEATURE} of {}", used.name)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, folder: &str, tier: &str, dependencies: &Value) -> Value {
        json!({
            "name": name,
            "manifest_path": format!("/w/{folder}/Cargo.toml"),
            "metadata": { "rcb": { "tier": tier } },
            "dependencies": dependencies,
        })
    }

    fn findings(package: &Value) -> Vec<Finding> {
        check(&json!({ "workspace_root": "/w", "packages": [package] })).unwrap()
    }

    fn ours(name: &str) -> Value {
        json!({ "name": name, "kind": null, "path": format!("/w/{name}") })
    }

    #[test]
    fn accepts_the_declared_direction() {
        let vote = package("rcb-vote", "rcb-runtime/vote", "core", &json!([ours("rcb-abi")]));
        assert_eq!(findings(&vote), []);
    }

    #[test]
    fn refuses_the_opposite_direction() {
        let abi = package("rcb-abi", "rcb-runtime/abi", "core", &json!([ours("rcb-vote")]));
        assert_eq!(findings(&abi), [Finding::error("rcb-abi", "must not depend on rcb-vote")]);
    }

    #[test]
    fn refuses_a_foreign_crate_in_core_but_not_in_keeper_or_tests() {
        let foreign = json!([{ "name": "libc", "kind": null }]);
        assert_eq!(findings(&package("rcb-sys", "rcb-runtime/sys", "core", &foreign)).len(), 1);
        assert_eq!(findings(&package("rcb-keeper", "supervisor/keeper", "keeper", &foreign)), []);
        let test_only = json!([{ "name": "proptest", "kind": "dev" }]);
        assert_eq!(findings(&package("rcb-sys", "rcb-runtime/sys", "core", &test_only)), []);
    }

    #[test]
    fn text_for_people_may_need_a_foreign_crate_but_core_may_not_ask_for_it() {
        let foreign = json!([{ "name": "serde_json", "kind": null, "optional": true }]);
        let mut table = package("rcb-syscalls", "rcb-runtime/syscalls", "core", &foreign);
        table["features"] = json!({ "render": ["dep:serde_json"] });
        assert_eq!(findings(&table), []);
        table["features"] = json!({ "render": ["dep:serde_json"], "fast": ["dep:serde_json"] });
        assert_eq!(findings(&table).len(), 1);
        let mut wants = ours("rcb-syscalls");
        wants["features"] = json!(["render"]);
        assert_eq!(findings(&package("rcb-agent", "rcb-runtime/agent", "core", &json!([wants]))).len(), 1);
        assert_eq!(findings(&package("rcb-keeper", "supervisor/keeper", "keeper", &json!([wants]))), []);
    }

    #[test]
    fn refuses_a_foreign_crate_in_a_build_script_of_core() {
        let build = json!([{ "name": "cc", "kind": "build" }]);
        assert_eq!(findings(&package("rcb-sys", "rcb-runtime/sys", "core", &build)).len(), 1);
    }

    #[test]
    fn refuses_a_keeper_that_uses_the_agent() {
        let keeper = package("rcb-keeper", "supervisor/keeper", "keeper", &json!([ours("rcb-agent")]));
        assert_eq!(findings(&keeper).len(), 1);
    }

    #[test]
    fn refuses_a_tier_that_the_path_contradicts_and_a_crate_without_a_row() {
        assert_eq!(findings(&package("rcb-abi", "rcb-runtime/abi", "outside", &json!([]))).len(), 1);
        assert_eq!(findings(&package("rcb", "supervisor/cli", "keeper", &json!([]))).len(), 1);
        assert_eq!(findings(&package("rcb-new", "rcb-runtime/new", "core", &json!([]))).len(), 1);
    }

    #[test]
    fn core_crates_come_in_the_order_of_the_table() {
        let packages = [
            package("rcb-vote", "rcb-runtime/vote", "core", &json!([])),
            package("rcb-abi", "rcb-runtime/abi", "core", &json!([])),
        ];
        let names = core_crates(&json!({ "workspace_root": "/w", "packages": packages })).unwrap();
        assert_eq!(names[0].0, "rcb-abi");
        assert_eq!(names[1].1, "rcb-runtime/vote");
    }
}

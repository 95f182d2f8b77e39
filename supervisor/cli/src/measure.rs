//! `rcb measure`: the cost model put to the test, with supervisors and agents that really are hardened.

use crate::sessions::{ResultArgs, SessionArgs, document, end, or_without, tell};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rcb_keeper::Outcome;
use rcb_overhead::document::{Calibration, MEASURE};
use rcb_overhead::hardened::{self, Found};
use rcb_overhead::session::{self, Build};
use rcb_overhead::store::{Measured, Store, build_id};
use rcb_overhead::work::Slowdown;
use rcb_overhead::{calibrate, text};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the build without hardening.
const BASE: &str = "none";

/// Text behind the options of `rcb measure --help`.
const NOTES: &str = "\
Each build is an rcb command that carries its own agent. The factor C of each hardened build is measured on the agent's own
work (calls, votes, digests) and kept with the build ids, for `rcb estimate --c measured`. From it follows what a call and
a compared byte cost each build, and from these the C of a program with its own calls and bytes. Then the program runs with
all builds, interleaved, and the text says what the formula predicts for its C, what the hardened run took, the error, and
which term grew otherwise than the formula says.

Example:
  rcb measure --with none=target/release/rcb --with swift=target/swift/rcb -- dd if=/dev/zero of=/dev/null count=1000000";

#[derive(Args)]
#[command(after_help = NOTES, override_usage = "rcb measure --with none=RCB --with NAME=RCB... [OPTIONS] [--] PROGRAM [ARGS]...\n       rcb measure --with none=RCB --with NAME=RCB... [OPTIONS] --suite FILE --inputs DIR")]
pub(crate) struct MeasureArgs {
    /// A build: its name (`none` for the one without hardening) and its rcb command. At least two.
    #[arg(long = "with", value_name = "NAME=RCB", required = true)]
    builds: Vec<String>,
    #[command(flatten)]
    result: ResultArgs,
    #[command(flatten)]
    session: SessionArgs,
}

/// Measures, compares, prints.
pub(crate) fn run(args: &MeasureArgs) -> Result<Outcome> {
    let builds = builds(&args.builds)?;
    let scratch = tempfile::tempdir().context("making a folder for outputs")?;
    let plan = args.session.plan(builds, scratch.path(), 1)?;
    let subjects = args.session.subjects(scratch.path())?;
    let mut document = document(MEASURE, &plan);
    let check =
        |subject| or_without(session::reference(&plan, subject).with_context(|| subject.name()), subjects.len());
    let likes = subjects.iter().map(check).collect::<Result<Vec<_>>>()?;
    let (base, others) = plan.builds.split_first().context("no builds")?;
    let mut slowdowns = Vec::new();
    let mut summary = String::new();
    for other in others {
        tell(&format!("measuring C of {}", other.name));
        let Found { factor, kinds, work } =
            hardened::factor(&plan, base, other).with_context(|| format!("measuring C of {}", other.name))?;
        let each: Vec<String> = kinds.iter().map(|(kind, value)| format!("{kind} {value:.3}")).collect();
        _ = writeln!(summary, "C of {}: {factor:.3} ({})", other.name, each.join(", "));
        summary.push_str(&work.text());
        Store::of_user()?.add(Measured {
            name: other.name.clone(),
            base: build_id(&base.rcb)?,
            build: build_id(&other.rcb)?,
            processor: document.machine.processor.clone(),
            factor: factor.max(1.0),
            kinds,
            work,
            unix_s: document.unix_s,
        })?;
        slowdowns.push(Slowdown { name: other.name.clone(), factor, work });
    }
    let mut constants = BTreeMap::new();
    for &replicas in &plan.replicas {
        for (index, build) in plan.builds.iter().enumerate() {
            let found =
                calibrate::constants(&plan, replicas, build).context("measuring what a start and a call cost")?;
            constants.insert((replicas, index), found);
            document.calibration.push(Calibration { replicas, build: build.name.clone(), constants: found });
        }
    }
    for (subject, like) in subjects.iter().zip(&likes) {
        let Some(like) = like else { continue };
        let of = |replicas, build| constants.get(&(replicas, build)).copied().unwrap_or_default();
        let name = subject.name();
        let mut told = |text: &str| tell(&format!("{name}: {text}"));
        let measured = session::measure(&plan, subject, like, &of, &mut document.round_trip_ns, &mut told);
        let measured = or_without(measured.with_context(|| name.clone()), subjects.len())?;
        let Some(mut program) = measured else { continue };
        hardened::compare(&mut program, &slowdowns);
        document.programs.push(program);
    }
    let end = end(&document, subjects.len())?;
    args.result
        .write(&document, || format!("{summary}\n{}\n{}", text::page(&document), hardened::misses(&document)))?;
    Ok(end)
}

/// Reads `NAME=RCB`, the one without hardening first, and looks whether each of them is there.
fn builds(texts: &[String]) -> Result<Vec<Build>> {
    let mut builds = Vec::new();
    for text in texts {
        let Some((name, path)) = text.split_once('=').filter(|(name, path)| !name.is_empty() && !path.is_empty())
        else {
            bail!("--with {text}: NAME=RCB is wanted, such as swift=target/swift/rcb");
        };
        ensure!(builds.iter().all(|build: &Build| build.name != name), "--with {text}: there is another build {name}");
        let rcb = is_rcb(Path::new(path)).with_context(|| format!("--with {text}"))?;
        builds.push(Build { name: name.to_owned(), rcb });
    }
    let Some(base) = builds.iter().position(|build| build.name == BASE) else {
        bail!("the build without hardening is missing: --with {BASE}=RCB");
    };
    builds.swap(0, base);
    ensure!(
        builds.len() >= 2,
        "a hardened build is missing: --with NAME=RCB beside {BASE}, made by the project's compiler"
    );
    Ok(builds)
}

/// The whole path of an rcb command.
fn is_rcb(path: &Path) -> Result<PathBuf> {
    let Ok(whole) = path.canonicalize() else {
        bail!("there is no such file; build it first");
    };
    let is_program = whole.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    ensure!(is_program, "it is no program");
    let output = Command::new(&whole).arg("--version").output().context("it cannot be executed")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.trim().strip_prefix("rcb ").context("it is no rcb command (it does not say so to --version)")?;
    let own = env!("CARGO_PKG_VERSION");
    ensure!(
        version == own,
        "it is rcb {version}, and this one is {own}: figures of different versions say nothing about hardening"
    );
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_that_are_not_there_are_refused() {
        let refused = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            format!("{:#}", builds(&texts).unwrap_err())
        };
        assert!(refused(&["swift"]).contains("NAME=RCB is wanted"));
        assert!(refused(&["none=/no/such/rcb"]).contains("build it first"));
        assert!(refused(&["none=/tmp"]).contains("no program"));
        assert!(refused(&["none=/bin/true"]).contains("no rcb command"));
    }
}

//! Trees of processes: loops of a shell that forks, and a build with `make -j2`.

use crate::report::{Limit, Part, Table};
use anyhow::{Context, Result, ensure};
use rcb_overhead::launch::{Rcb, Replicated, Running, succeed};
use rcb_overhead::samples::Samples;
use serde_json::{Map, json};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is wanted of two replicas, over native: of a shell that only forks ...
const FORKS_AT_MOST: f64 = 2.5;
/// ... and of a build, over two at once.
const BUILD_AT_MOST: f64 = 1.25;
/// Loops of `sh`: name, limit, script; `COUNT` times.
const LOOPS: [(&str, Option<f64>, u32, &str); 2] = [
    ("fork", Some(FORKS_AT_MOST), 600, "i=0; while [ $i -lt COUNT ]; do (:); i=$((i+1)); done"),
    ("fork and execute /bin/true", None, 200, "i=0; while [ $i -lt COUNT ]; do /bin/true; i=$((i+1)); done"),
];
/// C files of the build, and functions in each.
const FILES: usize = 60;
const FUNCTIONS: usize = 20;
/// Rounds.
const ROUNDS: usize = 9;

/// Measures in turn, native first in every other round.
///
/// # Errors
/// When a run fails, or a build does not make what the native one makes.
pub fn part(out: &Path, rcb: Option<&Rcb>, cpus: &[usize], quick: bool) -> Result<Part> {
    let rcb = rcb.context("there is no rcb command")?;
    ensure!(cpus.len() >= 2, "two CPUs are needed for two replicas");
    let rounds = if quick { 3 } else { ROUNDS };
    let mut part = Part { name: "trees", ..Part::default() };
    let mut raw = Map::new();
    let note = format!(
        "Milliseconds of wall time from start to end, median of {rounds} rounds (range), in turn; `/ native` round by round."
    );
    let columns = ["loop in sh", "native", "n=2", "/ native", "n=2 --checkpoint 1", "/ native"];
    let mut table = Table::new("Forks", &note, &columns);
    for (name, at_most, count, script) in LOOPS {
        let count = if quick { count / 10 } else { count };
        let all = in_turn(rounds, 3, |which| shell(rcb, cpus, &script.replace("COUNT", &count.to_string()), which))?;
        let over = |which: usize| ratios(&all[which], &all[0]);
        let cells = [all[0].text(0), all[1].text(0), over(1).text(2), all[2].text(0), over(2).text(2)];
        table.row([format!("{count} times {name}")].into_iter().chain(cells));
        if let Some(at_most) = at_most {
            let measured = over(1).median().filter(|_| !quick);
            let what = format!("{count} times {name} in a shell, n=2 over native");
            part.limits.push(Limit { what, at_most, measured, unit: "" });
        }
        raw.insert(name.to_owned(), json!(all.iter().map(Samples::json).collect::<Vec<_>>()));
    }
    part.tables.push(table);
    build(out, rcb, cpus, rounds, quick, &mut part, &mut raw)?;
    part.samples = raw.into();
    Ok(part)
}

/// Goes round `kinds` of runs, each time from another one on.
fn in_turn(rounds: usize, kinds: usize, mut run: impl FnMut(usize) -> Result<f64>) -> Result<Vec<Samples>> {
    let mut all = vec![Samples::default(); kinds];
    for round in 0..rounds {
        for step in 0..kinds {
            let which = (round + step) % kinds;
            all[which].push(run(which)?);
        }
    }
    Ok(all)
}

/// Samples of one kind over those of another, round by round.
fn ratios(of: &Samples, over: &Samples) -> Samples {
    of.values().iter().zip(over.values()).map(|(of, over)| of / over).collect()
}

/// A script natively, as two replicas, or as two with checkpoints: milliseconds.
fn shell(rcb: &Rcb, cpus: &[usize], script: &str, which: usize) -> Result<f64> {
    let mut command = if which == 0 {
        Command::new("sh")
    } else {
        replicated(rcb, if which == 2 { &["--checkpoint", "1"] } else { &[] }, "sh")
    };
    Ok(succeed(command.args(["-c", script]).stdout(Stdio::null()), cpus)?.wall_s * 1e3)
}

/// `rcb run` with options and a program.
fn replicated(rcb: &Rcb, options: &[&str], program: &str) -> Command {
    let mut words = rcb.words(Replicated { replicas: 2, strict: false });
    let end = words.len() - 1;
    words.splice(end..end, options.iter().map(Into::into));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(program);
    command
}

/// A project in C that `make` builds.
fn project(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let (mut declared, mut called) = (String::new(), String::new());
    for file in 0..FILES {
        let mut text = String::from("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n");
        for part in 0..FUNCTIONS {
            writeln!(
                text,
                "static int g{part}(int x) {{\n    char text[64];\n    for (int i = 0; i < x % 17; i++)\n        \
                 x = x * {} + (int)strlen(text + snprintf(text, sizeof text, \"%d\", x));\n    return abs(x);\n}}",
                (file + part) * 2 + 3
            )?;
        }
        let all: Vec<String> = (0..FUNCTIONS).map(|part| format!("g{part}(x + {part})")).collect();
        writeln!(text, "int f{file}(int x) {{\n    return {};\n}}", all.join(" ^ "))?;
        fs::write(folder.join(format!("f{file}.c")), text)?;
        writeln!(declared, "int f{file}(int);")?;
        write!(called, " + f{file}({file})")?;
    }
    fs::write(folder.join("main.c"), format!("{declared}int main(void) {{ return (0{called}) & 63; }}\n"))?;
    let rules = "OBJECTS = $(patsubst %.c,%.o,$(sort $(wildcard *.c)))\nall: $(OBJECTS)\n\t$(CC) -o program $(OBJECTS)\n\
                 %.o: %.c\n\t$(CC) -O2 -c -o $@ $<\n";
    Ok(fs::write(folder.join("Makefile"), rules)?)
}

/// `make` in a fresh copy of the project.
fn make(folder: PathBuf, mut command: Command) -> Result<(PathBuf, Command)> {
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    project(&folder)?;
    command.args(["-s", "-j2"]).current_dir(&folder).env_remove("MAKEFLAGS").stdout(Stdio::null());
    Ok((folder, command))
}

/// Builds as two replicas, over two native builds at once; both must make the same program.
fn build(
    out: &Path,
    rcb: &Rcb,
    cpus: &[usize],
    rounds: usize,
    quick: bool,
    part: &mut Part,
    raw: &mut Map<String, serde_json::Value>,
) -> Result<()> {
    let note = format!(
        "Seconds of wall time for `make -s -j2` of a project of {FILES} C files of {} lines, median of {rounds} rounds (range), in turn. The \
         programs made were compared.",
        FUNCTIONS * 6 + 6
    );
    let mut table = Table::new("A build", &note, &["what", "two native builds", "n=2", "ratio"]);
    let all = in_turn(rounds, 2, |which| {
        let folder = |name: &str| out.join("build").join(name);
        let mut builds = if which == 0 {
            vec![make(folder("a"), Command::new("make"))?, make(folder("b"), Command::new("make"))?]
        } else {
            vec![make(folder("replicas"), replicated(rcb, &[], "make"))?]
        };
        let running =
            builds.iter_mut().map(|(_, command)| Running::start(command, cpus)).collect::<Result<Vec<_>>>()?;
        let finished = running.into_iter().map(Running::finish).collect::<Result<Vec<_>>>()?;
        ensure!(finished.iter().all(|one| one.status.success()), "a build has failed");
        let made: Vec<_> =
            builds.iter().map(|(folder, _)| fs::read(folder.join("program"))).collect::<Result<_, _>>()?;
        let like = fs::read(folder("a").join("program"))?;
        ensure!(made.iter().all(|program| *program == like), "a build has made another program than the native one");
        Ok(finished.iter().map(|one| one.wall_s).fold(0.0, f64::max))
    })?;
    let ratio = ratios(&all[1], &all[0]);
    table.row(["make -j2".to_owned(), all[0].text(2), all[1].text(2), ratio.text(3)]);
    let measured = ratio.median().filter(|_| !quick);
    let what = format!("make -j2 of {FILES} C files, n=2 over two native builds");
    part.limits.push(Limit { what, at_most: BUILD_AT_MOST, measured, unit: "" });
    part.tables.push(table);
    raw.insert("make".into(), json!(all.iter().map(Samples::json).collect::<Vec<_>>()));
    fs::remove_dir_all(out.join("build")).context("removing the builds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_begin_with_another_kind_each() {
        let mut order = Vec::new();
        let all = in_turn(3, 2, |which| {
            order.push(which);
            Ok((which + 1) as f64)
        })
        .unwrap();
        assert_eq!(order, [0, 1, 1, 0, 0, 1]);
        assert_eq!(ratios(&all[1], &all[0]).values(), [2.0; 3]);
    }
}

//! Start and end of small programs: the time a user waits for `rcb run` beyond the program itself.

use crate::report::{Limit, Part, Table};
use anyhow::Result;
use rcb_overhead::launch::{Rcb, Replicated, succeed};
use rcb_overhead::samples::Samples;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAMS: [(&str, &str, &[&str]); 2] =
    [("/bin/true", "/bin/true", &[]), ("python3 -c pass", "/usr/bin/python3", &["-c", "pass"])];

/// Measures interleaved: native, then one, two and three replicas, again and again.
pub fn part(rcb: Option<&Rcb>, cpus: &[usize], quick: bool) -> Result<Part> {
    let repetitions = if quick { 10 } else { 40 };
    let note = format!(
        "Wall time in milliseconds from start to end: median of {repetitions} (range), interleaved. \
                        `added` is the difference to the native run just before."
    );
    let columns = ["program", "native", "n=1", "added", "n=2", "added", "n=3", "added"];
    let mut table = Table::new("Start and end", &note, &columns);
    let mut limits = Vec::new();
    let mut raw = Map::new();
    for (name, program, args) in PROGRAMS {
        if !Path::new(program).exists() {
            table.row([name.to_owned(), "not installed".to_owned()]);
            continue;
        }
        let mut wall: BTreeMap<usize, Samples> = BTreeMap::new();
        let mut added: BTreeMap<usize, Samples> = BTreeMap::new();
        for _ in 0..repetitions {
            let mut command = Command::new(program);
            let native = succeed(command.args(args).stdout(Stdio::null()), &cpus[..1])?.wall_s * 1e3;
            wall.entry(0).or_default().push(native);
            for replicas in 1..=3 {
                let Some(rcb) = rcb else { continue };
                let mut command = rcb.command(Replicated { replicas, strict: false }, Path::new(program), args);
                // A run that fails leaves a gap in the table and fails the limit.
                let Ok(finished) = succeed(command.stdout(Stdio::null()).stderr(Stdio::null()), cpus) else { continue };
                wall.entry(replicas).or_default().push(finished.wall_s * 1e3);
                added.entry(replicas).or_default().push(finished.wall_s * 1e3 - native);
            }
        }
        let of = |map: &BTreeMap<usize, Samples>, key: usize| {
            map.get(&key).map_or_else(|| "-".to_owned(), |one| one.text(1))
        };
        let cells = (1..=3).flat_map(|replicas| [of(&wall, replicas), of(&added, replicas)]);
        table.row([name.to_owned(), of(&wall, 0)].into_iter().chain(cells));
        if program == "/bin/true" {
            let measured = added.get(&2).and_then(Samples::median);
            limits.push(Limit {
                what: "start and end of /bin/true, n=2 over native".into(),
                at_most: 6.0,
                measured,
                unit: "ms",
            });
        }
        let json: Map<_, _> = wall.iter().map(|(replicas, one)| (format!("n={replicas}"), one.json())).collect();
        raw.insert(name.to_owned(), Value::Object(json));
    }
    Ok(Part { name: "start", tables: vec![table], limits, samples: Value::Object(raw) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_rcb_the_native_column_stands_and_the_limit_is_not_kept() {
        let part = part(None, &rcb_overhead::machine::allowed_cpus(), true).unwrap();
        assert_ne!(part.tables[0].rows[0][1], "-");
        assert!(!part.limits[0].is_kept());
    }
}

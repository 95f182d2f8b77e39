//! Memory of agent and log, from what the kernel says about a replica at rest.

use crate::report::{Limit, Part, Table};
use anyhow::{Context, Result, bail};
use rcb_abi::{AGENT_BASE, AGENT_END, CONTROL_ADDR, MAX_REPLICAS, OWN_ADDR, PLAN_ADDR, segment_addr};
use rcb_overhead::launch::{Rcb, Replicated, Running};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::process::Stdio;

/// What a mapping in the agent's range is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Area {
    Image,
    Control,
    Plans,
    OwnSegment,
    PeerSegments,
}

impl Area {
    const ALL: [Self; 5] = [Self::Image, Self::Control, Self::Plans, Self::OwnSegment, Self::PeerSegments];

    fn name(self) -> &'static str {
        match self {
            Self::Image => "agent: code, data, stack",
            Self::Control => "control page",
            Self::Plans => "patch plans",
            Self::OwnSegment => "own segment: log, trace, counters",
            Self::PeerSegments => "segments of peers (theirs, mapped here)",
        }
    }

    /// By address.
    fn of(start: u64) -> Option<Self> {
        match start {
            _ if !(AGENT_BASE..AGENT_END).contains(&start) => None,
            _ if start < CONTROL_ADDR => Some(Self::Image),
            _ if start < PLAN_ADDR => Some(Self::Control),
            _ if start < OWN_ADDR => Some(Self::Plans),
            _ if start < segment_addr(0) => Some(Self::OwnSegment),
            _ if start >= segment_addr(MAX_REPLICAS) => Some(Self::Image),
            _ => Some(Self::PeerSegments),
        }
    }
}

/// Sizes in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Use {
    mapped: u64,
    resident: u64,
    proportional: u64,
}

/// Sums up `/proc/PID/smaps` by area.
fn areas(smaps: &str) -> BTreeMap<Area, Use> {
    let mut areas: BTreeMap<Area, Use> = BTreeMap::new();
    let mut current = None;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        if let Some((start, _)) = first.split_once('-') {
            current = u64::from_str_radix(start, 16).ok().and_then(Area::of);
        } else if let Some(area) = current {
            let kib = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            let entry = areas.entry(area).or_default();
            match first {
                "Size:" => entry.mapped += kib,
                "Rss:" => entry.resident += kib,
                "Pss:" => entry.proportional += kib,
                _ => {}
            }
        }
    }
    areas
}

/// Processes that descend from `root` and hold an agent, with what they use.
fn replicas(root: u32) -> Vec<BTreeMap<Area, Use>> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let descends = |mut pid: u32| {
        while pid > 1 && pid != root {
            pid = parent(pid).unwrap_or(0);
        }
        pid == root
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|&pid| descends(pid));
    let used = pids.filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/smaps")).ok()).map(|text| areas(&text));
    used.filter(|areas| areas.contains_key(&Area::OwnSegment)).collect()
}

/// Runs `cat` as two replicas and looks at them while it waits for input: once after one line, once after 16 MiB.
pub fn part(rcb: Option<&Rcb>, cpus: &[usize]) -> Part {
    let states = rcb.context("there is no rcb command").and_then(|rcb| look(rcb, cpus));
    let note = match &states {
        Ok(_) => {
            "KiB in the larger of two replicas of `cat` that waits for input. Resident counts shared pages in full, \
                  proportional by share."
                .to_owned()
        }
        Err(error) => format!("Not measured: {error:#}."),
    };
    let columns = ["area", "mapped", "resident after a line", "proportional", "resident after 16 MiB", "proportional"];
    let mut table = Table::new("Memory per replica", &note, &columns);
    let [line, bulk] = states.unwrap_or_default();
    let get = |state: &BTreeMap<Area, Use>, area| state.get(&area).copied().unwrap_or_default();
    for area in Area::ALL {
        let (early, late) = (get(&line, area), get(&bulk, area));
        let cells = [late.mapped, early.resident, early.proportional, late.resident, late.proportional];
        table.row([area.name().to_owned()].into_iter().chain(cells.map(|kib| kib.to_string())));
    }
    let measured = own_kib(&bulk).map(|kib| kib / 1024.0);
    let limits =
        vec![Limit { what: "agent and log per replica, resident".into(), at_most: 2.0, measured, unit: "MiB" }];
    let raw = |state: &BTreeMap<Area, Use>| -> serde_json::Map<_, _> {
        let of = |one: &Use| json!({ "mapped_kib": one.mapped, "rss_kib": one.resident, "pss_kib": one.proportional });
        state.iter().map(|(area, one)| (area.name().to_owned(), of(one))).collect()
    };
    let samples = json!({ "after_a_line": raw(&line), "after_16_mib": raw(&bulk) });
    Part { name: "memory", tables: vec![table], limits, samples }
}

/// Resident KiB of everything but the peers' segments.
fn own_kib(state: &BTreeMap<Area, Use>) -> Option<f64> {
    let own = state.iter().filter(|(area, _)| **area != Area::PeerSegments).map(|(_, one)| one.resident);
    #[allow(clippy::cast_precision_loss, reason = "KiB of a process fit")]
    let sum = own.sum::<u64>() as f64;
    (!state.is_empty()).then_some(sum)
}

fn look(rcb: &Rcb, cpus: &[usize]) -> Result<[BTreeMap<Area, Use>; 2]> {
    let how = Replicated { replicas: 2, strict: false };
    let mut command = rcb.command(how, std::path::Path::new("/bin/cat"), &[]);
    let mut running = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()), cpus)?;
    let (mut input, mut output) = running.pipes().context("no pipes")?;
    let mut echo = |bytes: usize| -> Result<()> {
        // Less than a pipe holds, so that writing everything before reading cannot block.
        let chunk = vec![b'x'; bytes.min(32 * 1024)];
        let mut back = vec![0; chunk.len()];
        for _ in 0..bytes.div_ceil(chunk.len()) {
            input.write_all(&chunk)?;
            output.read_exact(&mut back)?;
        }
        Ok(())
    };
    let pid = running.pid();
    let state = || replicas(pid).into_iter().max_by_key(|one| own_kib(one).unwrap_or(0.0) as u64).unwrap_or_default();
    let mut measure = || -> Result<_> {
        echo(1)?;
        let line = state();
        echo(16 << 20)?;
        Ok([line, state()])
    };
    let result = measure();
    drop(input);
    drop(output);
    let finished = running.finish()?;
    let states: [BTreeMap<Area, Use>; 2] =
        result.with_context(|| format!("cat as two replicas ended: {}", finished.status))?;
    if states.iter().any(BTreeMap::is_empty) {
        bail!("no replica was found below process {pid}");
    }
    Ok(states)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_told_apart_by_address_and_rights() {
        let map = |start: u64, rights: &str, kib: u64| {
            format!(
                "{start:x}-{:x} {rights} 0 0:1 7 /memfd:x\nSize: {kib} kB\nRss: {kib} kB\nPss: 1 kB\nVmFlags: rd\n",
                start + 4096
            )
        };
        let text = [
            map(0x0040_0000, "r-xp", 1000),
            map(AGENT_BASE, "r-xp", 100),
            map(CONTROL_ADDR, "r--s", 4),
            map(PLAN_ADDR, "r--s", 8),
            map(segment_addr(0), "r--s", 600),
            map(OWN_ADDR, "rw-s", 500),
        ]
        .concat();
        let areas = areas(&text);
        assert_eq!(areas[&Area::Image], Use { mapped: 100, resident: 100, proportional: 1 });
        assert_eq!(areas[&Area::OwnSegment].resident, 500);
        assert_eq!(areas[&Area::PeerSegments].resident, 600);
        assert_eq!(own_kib(&areas), Some(612.0));
    }

    #[test]
    fn a_process_without_an_agent_is_no_replica() {
        assert_eq!(replicas(std::process::id()).len(), 0);
    }
}

//! `rcb topology`: the CPUs of a machine and where replicas would stand; and the words of `--placement`.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rcb_keeper::config::Placement;
use rcb_keeper::placement::choose;
use rcb_keeper::topology::{Cpu, SYSFS, Topology, draw};
use rcb_keeper::{Inherited, Outcome};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Text behind the options.
const NOTES: &str = "\
Examples:
  rcb topology                                            this machine, two replicas near to each other
  rcb topology -n 3 --placement different-socket --machine 2x6x2   two sockets, six cores each, two threads each";

#[derive(Args)]
#[command(after_help = NOTES)]
pub(crate) struct TopologyArgs {
    /// Number of replicas.
    #[arg(short = 'n', long = "replicas", value_name = "N", default_value_t = rcb_keeper::config::DEFAULT_REPLICAS)]
    replicas: usize,
    /// As for `rcb run`.
    #[arg(long, value_name = "WHERE")]
    placement: Option<String>,
    /// Another machine: SOCKETSxCORES or SOCKETSxCORESxTHREADS.
    #[arg(long, value_name = "SHAPE", conflicts_with = "sysfs")]
    machine: Option<String>,
    /// Another machine: a folder like /sys/devices/system/cpu.
    #[arg(long, value_name = "DIR")]
    sysfs: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Reads a word of `--placement`.
pub(crate) fn placement(text: &str) -> Result<Placement> {
    Ok(match text {
        "same-socket" => Placement::SameSocket,
        "different-socket" => Placement::DifferentSocket,
        "auto" => Placement::Auto,
        list if list.starts_with(|c: char| c.is_ascii_digit()) => {
            Placement::List(crate::options::cpu_list(list).context("--placement")?)
        }
        other => bail!("--placement {other}: same-socket, different-socket, auto or a list of CPUs is wanted"),
    })
}

/// Draws.
pub(crate) fn run(args: &TopologyArgs) -> Result<Outcome> {
    let most = rcb_abi::MAX_REPLICAS;
    ensure!((1..=most).contains(&args.replicas), "-n {}: 1 to {most} replicas are possible", args.replicas);
    let wanted = args.placement.as_deref().map(placement).transpose()?.unwrap_or_default();
    let (topology, allowed) = match (&args.machine, &args.sysfs) {
        (Some(shape), _) => {
            let topology = regular(shape)?;
            let all = topology.cpus().map(|cpu| cpu.id).collect();
            (topology, all)
        }
        (_, Some(folder)) => {
            let topology = Topology::read(folder).with_context(|| format!("--sysfs {}", folder.display()))?;
            let all = topology.cpus().map(|cpu| cpu.id).collect();
            (topology, all)
        }
        _ => (Topology::system().with_context(|| format!("reading {SYSFS}"))?, Inherited::capture()?.cpus()),
    };
    let from = allowed.first().copied().unwrap_or(0);
    let cpus = choose(&topology, args.replicas, &allowed, &wanted, from)?;
    let text = if args.json {
        let all: Vec<Cpu> = topology.cpus().collect();
        format!("{}\n", json!({ "schema": 1, "cpus": all, "replicas": cpus }))
    } else {
        draw::text(&topology, &cpus)
    };
    std::io::stdout().write_all(text.as_bytes()).context("writing the topology")?;
    Ok(Outcome::Exit(0))
}

/// `2x6` or `2x6x2`.
fn regular(shape: &str) -> Result<Topology> {
    let numbers: Option<Vec<u32>> = shape.split('x').map(|part| part.parse().ok().filter(|n| *n > 0)).collect();
    match numbers.as_deref() {
        Some(&[packages, cores]) if packages.saturating_mul(cores) <= 1024 => Ok(Topology::regular(packages, cores, 1)),
        Some(&[packages, cores, threads]) if packages.saturating_mul(cores).saturating_mul(threads) <= 1024 => {
            Ok(Topology::regular(packages, cores, threads))
        }
        _ => bail!(
            "--machine {shape}: SOCKETSxCORES or SOCKETSxCORESxTHREADS is wanted, such as 2x6x2, at most 1024 CPUs"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_placement() {
        assert_eq!(placement("auto").unwrap(), Placement::Auto);
        assert_eq!(placement("0,2").unwrap(), Placement::List(vec![0, 2]));
        assert!(placement("near").is_err() && placement("").is_err() && placement("0-").is_err());
    }

    #[test]
    fn shapes_of_machines() {
        assert_eq!(regular("2x6x2").unwrap().cpus().count(), 24);
        assert_eq!(regular("1x4").unwrap().cpus().count(), 4);
        for bad in ["2", "0x4", "x", "2x6x2x2", "99999x99999", "axb"] {
            assert!(regular(bad).is_err(), "{bad}");
        }
    }
}

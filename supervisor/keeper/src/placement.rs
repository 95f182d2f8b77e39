//! Which CPU each replica is pinned to.

use crate::balance::Scales;
use crate::error::{Error, Result};
use crate::topology::{Policy, SYSFS, Topology, last_level_bytes};
use std::path::Path;

/// Where replicas shall stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// As near to each other as there is room.
    #[default]
    Near,
    /// On cores of one socket, or not at all.
    SameSocket,
    /// On different sockets in turn, or not at all.
    DifferentSocket,
    /// Near at first; moved when that pays.
    Auto,
    /// On these CPUs in this order, round and round.
    List(Vec<u32>),
}

/// Where the replicas of a run are put at first.
pub struct Placed {
    /// CPU of each replica.
    pub cpus: Vec<u32>,
    /// The topology they were chosen by, if the system shows one.
    pub topology: Option<Topology>,
    /// What may move them later.
    pub scales: Option<Scales>,
}

/// Chooses for a run on this machine.
pub fn place(replicas: usize, allowed: &[u32], wanted: &Placement) -> Result<Placed> {
    let current = nix::sched::sched_getcpu().unwrap_or(0) as u32;
    let Ok(topology) = Topology::system() else {
        let list = match wanted {
            Placement::List(list) => Some(list.as_slice()),
            Placement::SameSocket | Placement::DifferentSocket => {
                return Err(Error::Setting("this system does not show its sockets (/sys): name CPUs instead".into()));
            }
            Placement::Near | Placement::Auto => None,
        };
        return Ok(Placed { cpus: without_topology(replicas, allowed, list, current)?, topology: None, scales: None });
    };
    let cpus = choose(&topology, replicas, allowed, wanted, current)?;
    let cache = cpus.first().and_then(|cpu| last_level_bytes(Path::new(SYSFS), *cpu));
    let scales = if *wanted == Placement::Auto { Scales::new(&topology, allowed, &cpus, cache) } else { None };
    Ok(Placed { cpus, topology: Some(topology), scales })
}

/// One CPU per replica on any machine; `current` is the one to begin with where that fits.
pub fn choose(
    topology: &Topology,
    replicas: usize,
    allowed: &[u32],
    wanted: &Placement,
    current: u32,
) -> Result<Vec<u32>> {
    let repeated: Vec<u32>;
    let policy = match wanted {
        Placement::Near | Placement::SameSocket | Placement::Auto => Policy::Near,
        Placement::DifferentSocket => Policy::Far,
        Placement::List(list) => {
            repeated = list.iter().copied().cycle().take(replicas.max(list.len())).collect();
            Policy::List(&repeated)
        }
    };
    let cpus = topology
        .choose(replicas, allowed, policy, current)
        .map_err(|error| Error::Setting(format!("replicas cannot be placed: {error}")))?;
    let packages = |cpus: &[u32]| {
        let mut packages: Vec<u32> = cpus.iter().filter_map(|cpu| Some(topology.cpu(*cpu)?.package)).collect();
        packages.sort_unstable();
        packages.dedup();
        packages.len()
    };
    match wanted {
        Placement::SameSocket if packages(&cpus) > 1 => Err(Error::Setting(format!(
            "replicas cannot be placed: no socket has CPUs for {replicas} replicas among those that may be used"
        ))),
        Placement::DifferentSocket if replicas > 1 && packages(&cpus) < 2 => Err(Error::Setting(
            "replicas cannot be placed on different sockets: all CPUs that may be used are on one (see rcb topology)"
                .into(),
        )),
        _ => Ok(cpus),
    }
}

/// In order of number, where /sys shows nothing (some containers).
fn without_topology(replicas: usize, allowed: &[u32], wanted: Option<&[u32]>, current: u32) -> Result<Vec<u32>> {
    let list = wanted.unwrap_or(allowed);
    if let Some(cpu) = list.iter().find(|cpu| !allowed.contains(cpu)) {
        return Err(Error::Setting(format!("CPU {cpu} is not among those that this process may use")));
    }
    let start = if wanted.is_some() { 0 } else { list.iter().position(|cpu| *cpu == current).unwrap_or(0) };
    Ok(list.iter().copied().cycle().skip(start).take(replicas).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_topology_in_order() {
        let place = |replicas, wanted| without_topology(replicas, &[0, 1, 2, 3], wanted, 2);
        assert_eq!(place(2, None).expect("fits"), [2, 3]);
        assert_eq!(place(5, None).expect("round"), [2, 3, 0, 1, 2]);
        assert_eq!(place(3, Some(&[1, 0])).expect("round"), [1, 0, 1]);
        assert!(place(1, Some(&[4])).is_err());
    }

    #[test]
    fn on_this_machine() {
        let allowed = crate::Inherited::capture().expect("capture").cpus();
        let placed = place(8, &allowed, &Placement::Near).expect("eight replicas fit anywhere");
        assert!(placed.cpus.len() == 8 && placed.cpus.iter().all(|cpu| allowed.contains(cpu)));
        let list = Placement::List(allowed[..1].to_vec());
        assert_eq!(place(3, &allowed, &list).expect("a short list is repeated").cpus, [allowed[0]; 3]);
    }

    /// Two sockets of six cores, as two Xeon X5650 without second threads.
    #[test]
    fn on_two_sockets() {
        let machine = Topology::regular(2, 6, 1);
        let all: Vec<u32> = (0..12).collect();
        let on = |replicas, allowed: &[u32], wanted: Placement| choose(&machine, replicas, allowed, &wanted, 0);
        assert_eq!(on(3, &all, Placement::SameSocket).expect("fits"), [0, 1, 2]);
        assert_eq!(on(3, &all, Placement::DifferentSocket).expect("fits"), [0, 6, 1]);
        assert_eq!(on(2, &all, Placement::Auto).expect("fits"), [0, 1]);
        assert_eq!(on(3, &all, Placement::List(vec![7, 1])).expect("fits"), [7, 1, 7]);
        assert_eq!(on(8, &all, Placement::Near).expect("fits").len(), 8);
        let refused =
            |replicas, allowed: &[u32], wanted| on(replicas, allowed, wanted).expect_err("refused").to_string();
        assert!(refused(7, &all, Placement::SameSocket).contains("no socket has CPUs for 7"));
        assert!(refused(2, &[0, 1, 2], Placement::DifferentSocket).contains("all CPUs that may be used are on one"));
        assert!(refused(2, &[0, 6], Placement::SameSocket).contains("no socket"));
    }
}

//! Which CPU each replica is pinned to.

use crate::error::{Error, Result};
use crate::topology::{Policy, Topology};

/// One CPU per replica, and the topology they were chosen by, if the system shows one.
///
/// A list is used in its order, round and round when it is shorter than the group. Without a list the replicas stand
/// as near to each other as possible, from the current CPU on.
pub fn place(replicas: usize, allowed: &[u32], wanted: Option<&[u32]>) -> Result<(Vec<u32>, Option<Topology>)> {
    let current = nix::sched::sched_getcpu().unwrap_or(0) as u32;
    let Ok(topology) = Topology::system() else {
        return Ok((without_topology(replicas, allowed, wanted, current)?, None));
    };
    let repeated = wanted.map(|list| list.iter().copied().cycle().take(replicas.max(list.len())).collect::<Vec<_>>());
    let policy = repeated.as_deref().map_or(Policy::Near, Policy::List);
    let cpus = topology
        .choose(replicas, allowed, policy, current)
        .map_err(|error| Error::Setting(format!("replicas cannot be placed: {error}")))?;
    Ok((cpus, Some(topology)))
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
        let (cpus, _) = place(8, &allowed, None).expect("eight replicas fit anywhere");
        assert!(cpus.len() == 8 && cpus.iter().all(|cpu| allowed.contains(cpu)));
        let (cpus, _) = place(3, &allowed, Some(&allowed[..1])).expect("a short list is repeated");
        assert_eq!(cpus, [allowed[0]; 3]);
    }
}

//! Probes of CPUs and limits.
#![allow(unsafe_code, reason = "asking for the CPUs allowed")]

use super::Finding;
use super::pingpong;
use crate::topology::{Policy, SYSFS, Topology, format_list};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use rcb_abi::descriptors::RESERVED;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// One way between two cores that share a last-level cache takes about 50 to 150 ns, between sockets or in a busy
/// virtual machine 200 to 500 ns; beyond this many nanoseconds something disturbs.
const SLOW_NS: f64 = 2000.0;

/// The CPUs that may be used, how they are related and how far apart they are.
pub(super) fn cpus() -> Vec<Finding> {
    const NAME: &str = "CPUs";
    let allowed = allowed();
    let topology = match Topology::system() {
        Ok(topology) => topology,
        Err(error) => {
            return vec![Finding::limited(
                NAME,
                format!("{SYSFS}: {error}"),
                "replicas are placed without knowing which CPUs are close to each other",
                "mount /sys, or choose with --cpus",
            )];
        }
    };
    let usable: Vec<_> = topology.cpus().filter(|cpu| allowed.contains(&cpu.id)).collect();
    let count = |key: fn(&crate::topology::Cpu) -> u32| usable.iter().map(key).collect::<BTreeSet<_>>().len();
    let (cores, caches, packages, nodes) =
        (count(|cpu| cpu.core), count(|cpu| cpu.cache), count(|cpu| cpu.package), count(|cpu| cpu.node));
    let found = format!(
        "{} of {} may be used ({}): {cores} cores{}, last-level caches: {caches}, packages: {packages}, memory nodes: \
         {nodes}",
        usable.len(),
        topology.cpus().count(),
        format_list(usable.iter().map(|cpu| cpu.id)),
        if usable.len() > cores { " with more than one thread" } else { "" },
    );
    let first = if cores >= 3 {
        Finding::ok(NAME, found)
    } else if cores == 2 {
        Finding::limited(
            NAME,
            found,
            "three replicas share two cores: they run, but slower than side by side",
            "use -n 2, or a machine with three cores",
        )
    } else {
        Finding::limited(
            NAME,
            found,
            "replicas take turns on one core: each run takes as long as all replicas together, and one core that \
             computes wrongly is wrong in all of them",
            "use a machine with two cores, or allow this process more of them (taskset, cpusets)",
        )
    };
    vec![first, latency(&topology, &allowed)]
}

fn latency(topology: &Topology, allowed: &[u32]) -> Finding {
    const NAME: &str = "latency between CPUs";
    let chosen = topology.choose(2, allowed, Policy::Near, allowed.first().copied().unwrap_or(0)).unwrap_or_default();
    let [one, other] = chosen[..] else {
        return Finding::limited(NAME, "not measured", "no CPU to place a replica on", "check the CPUs allowed");
    };
    if one == other {
        return Finding::limited(
            NAME,
            "not measured: one CPU",
            "every agreement costs a switch between processes",
            "use a machine with two cores",
        );
    }
    match pingpong::one_way_ns(one, other) {
        Ok(ns) if ns <= SLOW_NS => Finding::ok(NAME, format!("{ns:.0} ns one way between CPU {one} and CPU {other}")),
        Ok(ns) => Finding::limited(
            NAME,
            format!("{ns:.0} ns one way between CPU {one} and CPU {other}"),
            "agreement on a system call is slow",
            "see whether other programs use these CPUs, or choose others with --cpus",
        ),
        Err(end) => Finding::limited(
            NAME,
            format!("CPU {one} and CPU {other}: {}", end.text()),
            "the CPUs are too busy, or cannot be chosen; agreement on a system call may be slow",
            "see whether other programs use these CPUs, or choose others with --cpus",
        ),
    }
}

/// Numbers of the CPUs allowed to this process.
fn allowed() -> Vec<u32> {
    let mut mask = [0_u64; 16];
    // SAFETY: the kernel writes at most the size given.
    if unsafe { libc::sched_getaffinity(0, size_of_val(&mask), mask.as_mut_ptr().cast()) } != 0 {
        return Vec::new();
    }
    (0..1024).filter(|cpu| mask[*cpu as usize / 64] >> (cpu % 64) & 1 == 1).collect()
}

/// CPU time that the control group leaves to this process.
pub(super) fn quota() -> Finding {
    const NAME: &str = "CPU quota of the control group";
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    match smallest_quota(&groups, Path::new("/sys/fs/cgroup")) {
        None => Finding::ok(NAME, "none"),
        Some(cpus) if cpus >= 2.0 => Finding::ok(NAME, format!("{cpus:.1} CPUs")),
        Some(cpus) => Finding::limited(
            NAME,
            format!("{cpus:.1} CPUs"),
            "the kernel stops all replicas again and again when two of them use more than that",
            "allow the container or service at least one CPU for each replica",
        ),
    }
}

/// Smallest quota in CPUs along the path of a version 2 group, or of the version 1 controller `cpu`.
fn smallest_quota(groups: &str, root: &Path) -> Option<f64> {
    let mut quotas = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let base = if controllers.is_empty() {
            root.to_path_buf()
        } else if controllers.split(',').any(|name| name == "cpu") {
            root.join(controllers)
        } else {
            continue;
        };
        // Inside a container the path may name the host's group, which is not visible; then its root is the group.
        let leaf = base.join(path.trim_start_matches('/'));
        for folder in leaf.ancestors().take_while(|folder| folder.starts_with(&base)) {
            quotas.extend(quota_of(folder));
        }
    }
    quotas.into_iter().min_by(f64::total_cmp)
}

fn quota_of(folder: &Path) -> Option<f64> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let (quota, period) = if let Some(both) = read("cpu.max") {
        let (quota, period) = both.trim().split_once(' ')?;
        (quota.parse::<f64>().ok()?, period.parse::<f64>().ok()?)
    } else {
        (read("cpu.cfs_quota_us")?.trim().parse().ok()?, read("cpu.cfs_period_us")?.trim().parse().ok()?)
    };
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// Room for the agent's descriptors.
pub(super) fn nofile() -> Finding {
    const NAME: &str = "limit of descriptors (RLIMIT_NOFILE)";
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((0, 0));
    let found = format!("{} soft, {} hard", amount(soft), amount(hard));
    // The agent needs its block, the guest at least the standard descriptors and a few files.
    if hard < u64::from(2 * RESERVED) {
        Finding::missing(NAME, found, "there is no room for the agent's descriptors", "raise the limit: ulimit -n 1024")
    } else if hard < soft.saturating_add(u64::from(RESERVED)) && soft < 1024 {
        Finding::limited(
            NAME,
            found,
            "the agent's descriptors take numbers that the program could use",
            "raise the limit: ulimit -n 1024",
        )
    } else {
        Finding::ok(NAME, found)
    }
}

/// Core files of guests.
pub(super) fn core_size() -> Finding {
    let (soft, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap_or((0, 0));
    Finding::ok(
        "size of core files (RLIMIT_CORE)",
        format!("{} soft, {} hard; a program that dies dumps as it would natively", amount(soft), amount(hard)),
    )
}

fn amount(limit: u64) -> String {
    if limit == RLIM_INFINITY { "unlimited".into() } else { limit.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_of_both_versions() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let quota = |groups: &str| smallest_quota(groups, root.path()).map(|cpus| format!("{cpus:.2}"));
        write("a/cpu.max", "150000 100000\n");
        write("a/b/cpu.max", "max 100000\n");
        assert_eq!(quota("0::/a/b\n").as_deref(), Some("1.50"));
        assert_eq!(quota("0::/\n"), None);
        assert_eq!(quota("0::/not/visible\n"), None);
        write("cpu,cpuacct/x/cpu.cfs_quota_us", "50000\n");
        write("cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
        write("cpu,cpuacct/y/cpu.cfs_quota_us", "-1\n");
        write("cpu,cpuacct/y/cpu.cfs_period_us", "100000\n");
        assert_eq!(quota("4:memory:/x\n3:cpu,cpuacct:/x\n").as_deref(), Some("0.50"));
        assert_eq!(quota("3:cpu,cpuacct:/y\n"), None);
        assert_eq!(quota("nonsense"), None);
    }
}

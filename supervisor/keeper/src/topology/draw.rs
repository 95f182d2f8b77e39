//! A machine and where replicas stand in it, as text.

use super::{Cpu, Topology};
use std::fmt::Write;

/// A line per core under its cache and socket; `r0` stands behind the CPU of replica 0.
pub fn text(topology: &Topology, cpus: &[u32]) -> String {
    let mut all: Vec<Cpu> = topology.cpus().collect();
    all.sort_by_key(|cpu| (cpu.package, cpu.cache, cpu.core, cpu.id));
    let mut out = String::new();
    for package in all.chunk_by(|a, b| a.package == b.package) {
        _ = writeln!(out, "socket {} (memory node {})", package[0].package, package[0].node);
        for cache in package.chunk_by(|a, b| a.cache == b.cache) {
            _ = writeln!(out, "  last-level cache of CPU {}", cache[0].cache);
            for core in cache.chunk_by(|a, b| a.core == b.core) {
                let threads: Vec<String> = core.iter().map(|cpu| thread(cpu.id, cpus)).collect();
                _ = writeln!(out, "    core {:<3} CPU {}", core[0].core_id, threads.join("  "));
            }
        }
    }
    out
}

fn thread(id: u32, cpus: &[u32]) -> String {
    let standing = cpus.iter().enumerate().filter(|(_, cpu)| **cpu == id);
    let names: Vec<String> = standing.map(|(replica, _)| format!("r{replica}")).collect();
    if names.is_empty() { id.to_string() } else { format!("{id} [{}]", names.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sockets() {
        let drawn = text(&Topology::regular(2, 2, 2), &[0, 2, 0]);
        let wanted = "\
socket 0 (memory node 0)
  last-level cache of CPU 0
    core 0   CPU 0 [r0 r2]  4
    core 1   CPU 1  5
socket 1 (memory node 1)
  last-level cache of CPU 2
    core 0   CPU 2 [r1]  6
    core 1   CPU 3  7
";
        assert_eq!(drawn, wanted);
    }
}

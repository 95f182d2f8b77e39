//! Which CPUs the machine has, how they are related, and where replicas go.
//!
//! Read from `/sys/devices/system/cpu`, or from any folder of the same shape, so that machines which are not at hand
//! can be tested. What a kernel does not say is assumed simple: one package, every CPU a core of its own, one last
//! level cache per package.
//!
//! LIMIT: only the relations that placement needs (thread, core, last-level cache, package, node) are known; no
//! distances between nodes.

pub mod draw;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::{fs, io};

/// Where Linux shows its CPUs.
pub const SYSFS: &str = "/sys/devices/system/cpu";

/// One CPU as the kernel counts them (a hardware thread).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Cpu {
    /// Its number.
    pub id: u32,
    /// Lowest number among the CPUs of the same physical core: names the core.
    pub core: u32,
    /// Number of the core inside its package, as the hardware counts.
    pub core_id: u32,
    /// Physical package (socket).
    pub package: u32,
    /// Lowest number among the CPUs that share the last-level cache: names the cache.
    pub cache: u32,
    /// Memory node.
    pub node: u32,
}

/// All CPUs that are online.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    cpus: BTreeMap<u32, Cpu>,
}

/// Where replicas shall run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy<'a> {
    /// On cores of their own as close to each other as possible: cheap notifications.
    Near,
    /// On cores of their own in different packages, then caches, in turn: each with a cache to itself.
    Far,
    /// On these CPUs in this order; one may be named more than once.
    List(&'a [u32]),
}

/// Why replicas cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// The list names a CPU the machine does not have.
    #[error("CPU {0} does not exist or is offline (there are {1})")]
    NoSuchCpu(u32, String),
    /// The list names a CPU outside the mask.
    #[error(
        "CPU {0} is not among the CPUs this process may use ({1}; see taskset, cpusets and the container's limits)"
    )]
    NotAllowed(u32, String),
    /// The list is too short.
    #[error("{0} CPUs are named for {1} replicas; name one for each (the same one may be named again)")]
    TooFew(usize, usize),
    /// Nothing is allowed.
    #[error("no CPU is both online and allowed")]
    Nothing,
}

impl Topology {
    /// The machine's.
    pub fn system() -> io::Result<Self> {
        Self::read(Path::new(SYSFS))
    }

    /// Reads a folder that looks like [`SYSFS`].
    pub fn read(root: &Path) -> io::Result<Self> {
        let online = fs::read_to_string(root.join("online")).ok().and_then(|text| parse_list(&text));
        let mut cpus = BTreeMap::new();
        for entry in fs::read_dir(root)? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.strip_prefix("cpu")).and_then(|id| id.parse().ok())
            else {
                continue;
            };
            if online.as_ref().is_none_or(|online| online.contains(&id)) {
                cpus.insert(id, read_cpu(&root.join(&name), id));
            }
        }
        if cpus.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{} shows no CPU", root.display())));
        }
        share_caches(&mut cpus);
        Ok(Self { cpus })
    }

    /// A machine that is the same everywhere: so many sockets with a last-level cache and a memory node each, cores in
    /// each of them, and threads of each core. CPUs count through the cores first, as Linux does.
    pub fn regular(packages: u32, cores: u32, threads: u32) -> Self {
        let all = packages * cores;
        let cpu = |id: u32| {
            let core = id % all;
            let package = core / cores;
            Cpu { id, core, core_id: core % cores, package, cache: package * cores, node: package }
        };
        Self { cpus: (0..all * threads).map(|id| (id, cpu(id))).collect() }
    }

    /// One CPU.
    pub fn cpu(&self, id: u32) -> Option<Cpu> {
        self.cpus.get(&id).copied()
    }

    /// All CPUs in rising order.
    pub fn cpus(&self) -> impl Iterator<Item = Cpu> {
        self.cpus.values().copied()
    }

    /// One CPU for each of `n` replicas, out of the `allowed` ones.
    ///
    /// By policy, replicas get cores of their own while there are any, then the further threads of these cores, then
    /// CPUs are used again. The first replica gets the CPU `from` (usually the current one) where that fits, so that
    /// runs started at the same time spread over the machine.
    pub fn choose(&self, n: usize, allowed: &[u32], policy: Policy<'_>, from: u32) -> Result<Vec<u32>, TopologyError> {
        if let Policy::List(list) = policy {
            return self.check(n, allowed, list);
        }
        let usable: Vec<Cpu> = allowed.iter().filter_map(|id| self.cpu(*id)).collect();
        let ranked = rank_threads(usable, from);
        let order = match policy {
            Policy::Far => far(&ranked, n),
            Policy::Near | Policy::List(_) => near(&ranked, n),
        };
        if order.is_empty() {
            return Err(TopologyError::Nothing);
        }
        Ok(order.into_iter().cycle().take(n).collect())
    }

    fn check(&self, n: usize, allowed: &[u32], list: &[u32]) -> Result<Vec<u32>, TopologyError> {
        for &id in list {
            if self.cpu(id).is_none() {
                return Err(TopologyError::NoSuchCpu(id, format_list(self.cpus.keys().copied())));
            }
            if !allowed.contains(&id) {
                return Err(TopologyError::NotAllowed(id, format_list(allowed.iter().copied())));
            }
        }
        if list.len() < n {
            return Err(TopologyError::TooFew(list.len(), n));
        }
        Ok(list[..n].to_vec())
    }
}

/// A CPU and its place among the allowed threads of its core: 0 for the one to use first.
type Ranked = (usize, Cpu);

/// Brings the CPUs into cyclic order from `from` on and counts the threads of each core in that order.
fn rank_threads(mut cpus: Vec<Cpu>, from: u32) -> Vec<Ranked> {
    cpus.sort_by_key(|cpu| (cpu.id < from, cpu.id));
    cpus.dedup_by_key(|cpu| cpu.id);
    let mut used: HashMap<u32, usize> = HashMap::new();
    let rank = |cpu: Cpu| {
        let used = used.entry(cpu.core).or_default();
        *used += 1;
        (*used - 1, cpu)
    };
    cpus.into_iter().map(rank).collect()
}

/// Cores of the smallest domain that holds `n` of them come first, then by distance from the first one chosen; further
/// threads of a core only after all cores.
fn near(ranked: &[Ranked], n: usize) -> Vec<u32> {
    let cores = || ranked.iter().filter(|(rank, _)| *rank == 0).map(|(_, cpu)| cpu);
    let holds =
        |anchor: &Cpu, domain: fn(&Cpu) -> u32| cores().filter(|cpu| domain(cpu) == domain(anchor)).count() >= n;
    let domains: [fn(&Cpu) -> u32; 2] = [|cpu| cpu.cache, |cpu| cpu.package];
    let anchor = domains.iter().find_map(|domain| cores().find(|cpu| holds(cpu, *domain)));
    let Some(anchor) = anchor.or_else(|| cores().next()) else { return Vec::new() };
    let distance = |cpu: &Cpu| match () {
        () if cpu.cache == anchor.cache => 0,
        () if cpu.package == anchor.package => 1,
        () if cpu.node == anchor.node => 2,
        () => 3,
    };
    let mut order: Vec<&Ranked> = ranked.iter().collect();
    order.sort_by_key(|(rank, cpu)| (*rank, distance(cpu)));
    order.into_iter().map(|(_, cpu)| cpu.id).collect()
}

/// Cores of packages in turn, inside a package of caches in turn.
fn far(ranked: &[Ranked], n: usize) -> Vec<u32> {
    let mut rest: Vec<&Ranked> = ranked.iter().collect();
    let mut order: Vec<&Cpu> = Vec::new();
    while !rest.is_empty() && order.len() < n {
        let taken =
            |domain: fn(&Cpu) -> u32, cpu: &Cpu| order.iter().filter(|have| domain(have) == domain(cpu)).count();
        let weight = |(rank, cpu): &Ranked| (*rank, taken(|cpu| cpu.package, cpu), taken(|cpu| cpu.cache, cpu));
        let best = (0..rest.len()).min_by_key(|&index| weight(rest[index]));
        let Some(best) = best else { break };
        order.push(&rest.remove(best).1);
    }
    order.into_iter().map(|cpu| cpu.id).collect()
}

/// Reads one CPU's folder; `cache` is the package's for now if no third-level cache is shown.
fn read_cpu(folder: &Path, id: u32) -> Cpu {
    let number = |name: &str| read_number(&folder.join("topology").join(name));
    let lowest = |path: &Path| fs::read_to_string(path).ok().and_then(|text| parse_list(&text)?.into_iter().min());
    let core = lowest(&folder.join("topology/thread_siblings_list")).unwrap_or(id);
    let last = (0..8)
        .map(|index| folder.join("cache").join(format!("index{index}")))
        .filter_map(|cache| Some((read_number(&cache.join("level"))?, cache)))
        .filter(|(level, _)| *level >= 3)
        .max_by_key(|(level, _)| *level);
    let cache = last.and_then(|(_, cache)| lowest(&cache.join("shared_cpu_list"))).unwrap_or(u32::MAX);
    Cpu {
        id,
        core,
        core_id: number("core_id").unwrap_or(id),
        package: number("physical_package_id").unwrap_or(0),
        cache,
        node: node_of(folder).unwrap_or(0),
    }
}

/// CPUs that show no last-level cache share one per package.
fn share_caches(cpus: &mut BTreeMap<u32, Cpu>) {
    let mut first: HashMap<u32, u32> = HashMap::new();
    for cpu in cpus.values() {
        first.entry(cpu.package).or_insert(cpu.id);
    }
    for cpu in cpus.values_mut().filter(|cpu| cpu.cache == u32::MAX) {
        cpu.cache = first[&cpu.package];
    }
}

/// The CPU's folder holds a link called after its memory node.
fn node_of(folder: &Path) -> Option<u32> {
    let names = fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.strip_prefix("node")?.parse().ok()).min()
}

/// Bytes of the last-level cache of a CPU, if the folder shows them.
pub fn last_level_bytes(root: &Path, id: u32) -> Option<u64> {
    let caches = (0..8).map(|index| root.join(format!("cpu{id}/cache/index{index}")));
    let (_, last) =
        caches.filter_map(|cache| Some((read_number(&cache.join("level"))?, cache))).max_by_key(|(level, _)| *level)?;
    let text = fs::read_to_string(last.join("size")).ok()?;
    let text = text.trim();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit {
        "" => 0,
        "K" => 10,
        "M" => 20,
        _ => return None,
    };
    Some(digits.parse::<u64>().ok()? << shift)
}

/// A number that is not negative (`-1` stands for "not known").
fn read_number(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// `0-2,5` as sysfs writes lists.
pub fn parse_list(text: &str) -> Option<Vec<u32>> {
    let mut list = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        // No kernel numbers its CPUs beyond this.
        if last >= 1 << 16 {
            return None;
        }
        list.extend(first..=last);
    }
    Some(list)
}

/// The other way round.
pub fn format_list(list: impl IntoIterator<Item = u32>) -> String {
    let mut numbers: Vec<u32> = list.into_iter().collect();
    numbers.sort_unstable();
    numbers.dedup();
    let runs = numbers.chunk_by(|one, next| one + 1 == *next);
    let texts: Vec<String> = runs
        .map(|run| match run {
            [only] => only.to_string(),
            _ => format!("{}-{}", run[0], run[run.len() - 1]),
        })
        .collect();
    texts.join(",")
}

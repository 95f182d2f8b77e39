//! Differences of memory that are no faults.
//!
//! A program learns from `cpuid` on which CPU it runs, and keeps that (the dynamic linker does, for all it starts). A byte
//! that has in every replica the number of its CPU when it is looked at for the first time is taken for that.

use std::collections::{HashMap, HashSet};

/// What is known of one group's memory.
#[derive(Default)]
pub(super) struct Explained {
    /// Number (the low byte of the APIC id) of the CPU of each replica.
    numbers: Vec<u8>,
    /// Program that the rest belongs to.
    generation: u64,
    /// Pages that have been looked at.
    seen: HashSet<u64>,
    /// Bytes that differ, and how.
    bytes: HashMap<u64, Vec<u8>>,
}

impl Explained {
    /// Before a slice: the CPUs of the replicas, the program that they execute.
    pub(super) fn prepare(&mut self, cpus: &[u32], generation: u64) {
        if self.generation != generation || self.numbers.is_empty() {
            let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
            let known = apic_ids(&text);
            self.numbers = cpus.iter().map(|cpu| known.get(cpu).copied().unwrap_or(*cpu as u8)).collect();
            self.generation = generation;
            self.seen.clear();
            self.bytes.clear();
        }
    }

    /// Whether a page has not been looked at before.
    pub(super) fn is_new(&mut self, page: u64) -> bool {
        self.seen.insert(page)
    }

    /// Whether a byte with these values in the replicas is explained.
    pub(super) fn is(&mut self, address: u64, values: &[u8], is_new: bool) -> bool {
        if is_new && values == self.numbers {
            self.bytes.insert(address, values.to_vec());
            return true;
        }
        self.bytes.get(&address).is_some_and(|known| known == values)
    }
}

/// The low byte of the APIC id of each CPU, from `/proc/cpuinfo`.
fn apic_ids(text: &str) -> HashMap<u32, u8> {
    let value = |line: &str| line.split_once(':').and_then(|(_, value)| value.trim().parse::<u32>().ok());
    let mut ids = HashMap::new();
    let mut cpu = None;
    for line in text.lines() {
        if line.starts_with("processor") {
            cpu = value(line);
        } else if let (true, Some(cpu), Some(id)) = (line.starts_with("apicid"), cpu, value(line)) {
            ids.insert(cpu, id as u8);
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_cpus_are_no_faults_at_first() {
        assert_eq!(apic_ids("processor\t: 1\napicid\t\t: 260\n"), HashMap::from([(1, 4)]));
        let mut explained = Explained { numbers: vec![0, 1, 0], ..Explained::default() };
        assert!(explained.is_new(0x1000) && !explained.is_new(0x1000));
        assert!(explained.is(0x1005, &[0, 1, 0], true));
        assert!(explained.is(0x1005, &[0, 1, 0], false));
        assert!(!explained.is(0x1005, &[0, 5, 0], false));
        assert!(!explained.is(0x1006, &[0, 1, 0], false));
        assert!(!explained.is(0x2006, &[1, 0, 0], true));
    }
}

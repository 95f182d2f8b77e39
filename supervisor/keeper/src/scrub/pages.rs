//! Memory of processes that stand still, page by page.

use super::Difference;
use super::explained::Explained;
use rcb_abi::{AGENT_BASE, AGENT_END};
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes of a page.
pub(super) const PAGE: usize = 4096;
/// Pages that are read at once.
const CHUNK: usize = 64;
/// Bits of an entry of `/proc/PID/pagemap`: in memory, in swap.
const THERE: u64 = 3 << 62;

/// The memory of all replicas of a group.
pub(super) struct Processes {
    memory: Vec<File>,
    pagemaps: Vec<File>,
    writable: Vec<Range<u64>>,
    buffers: Vec<Vec<u8>>,
}

impl Processes {
    /// Opens the memory of these processes; `None` if one cannot be looked into.
    pub(super) fn open(pids: &[u32]) -> Option<Self> {
        let open = |pid: &u32| OpenOptions::new().read(true).write(true).open(format!("/proc/{pid}/mem")).ok();
        let pagemap = |pid: &u32| File::open(format!("/proc/{pid}/pagemap")).ok();
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", pids.first()?)).ok()?;
        Some(Self {
            memory: pids.iter().map(open).collect::<Option<_>>()?,
            pagemaps: pids.iter().map(pagemap).collect::<Option<_>>()?,
            writable: maps.lines().filter_map(private).collect(),
            buffers: vec![vec![0; CHUNK * PAGE]; pids.len()],
        })
    }

    /// The guest's own memory in a range, in pieces of at most a chunk.
    pub(super) fn ranges(&self, within: Range<u64>) -> Vec<Range<u64>> {
        let inside = self.writable.iter().filter_map(|range| {
            let (start, end) = (range.start.max(within.start), range.end.min(within.end));
            (start < end).then_some(start..end)
        });
        let step = CHUNK * PAGE;
        inside
            .flat_map(|range| {
                let end = range.end;
                range.step_by(step).map(move |start| start..end.min(start + step as u64))
            })
            .collect()
    }

    /// Compares a piece, and mends it where a majority is equal.
    pub(super) fn compare(&mut self, range: Range<u64>, explained: &mut Explained, found: &mut Vec<Difference>) {
        let bytes = (range.end - range.start) as usize;
        if !self.is_touched(&range) {
            return;
        }
        for (file, buffer) in self.memory.iter().zip(&mut self.buffers) {
            // A hole in one is a difference of the mappings, which calls would show.
            if file.read_exact_at(&mut buffer[..bytes], range.start).is_err() {
                return;
            }
        }
        let is_equal = self.buffers[1..].iter().all(|buffer| buffer[..bytes] == self.buffers[0][..bytes]);
        for page in (0..bytes).step_by(PAGE) {
            let start = range.start + page as u64;
            let is_new = explained.is_new(start);
            if !is_equal {
                for byte in page..page + PAGE {
                    self.explain(range.start + byte as u64, byte, is_new, explained);
                }
                self.compare_page(range.start, page..page + PAGE, found);
            }
        }
    }

    /// Takes a difference that has an explanation out of the buffers.
    fn explain(&mut self, address: u64, byte: usize, is_new: bool, explained: &mut Explained) {
        let first = self.buffers[0][byte];
        if self.buffers.iter().any(|buffer| buffer[byte] != first) {
            let values: Vec<u8> = self.buffers.iter().map(|buffer| buffer[byte]).collect();
            if explained.is(address, &values, is_new) {
                self.buffers.iter_mut().for_each(|buffer| buffer[byte] = first);
            }
        }
    }

    fn compare_page(&self, base: u64, at: Range<usize>, found: &mut Vec<Difference>) {
        let page = |replica: usize| &self.buffers[replica][at.clone()];
        let count = self.buffers.len();
        let votes = |replica: usize| (0..count).filter(|other| page(*other) == page(replica)).count();
        if votes(0) == count {
            return;
        }
        let model = (0..count).find(|replica| votes(*replica) * 2 > count);
        let right = page(model.unwrap_or(0));
        let others: Vec<usize> = (0..count).filter(|replica| page(*replica) != right).collect();
        let differing = others.iter().flat_map(|replica| page(*replica).iter().zip(right).enumerate());
        let mut differing = differing.filter(|(_, (wrong, right))| wrong != right).peekable();
        let first = differing.peek().map_or(0, |(offset, _)| *offset);
        let bits = differing.map(|(_, (wrong, right))| (wrong ^ right).count_ones()).sum();
        let start = base + at.start as u64;
        // Byte by byte: what has an explanation stays different.
        let mend = |replica: &usize| {
            let differs = |offset: &usize| page(*replica)[*offset] != right[*offset];
            let put =
                |offset: usize| self.memory[*replica].write_all_at(&right[offset..=offset], start + offset as u64);
            (0..PAGE).filter(differs).all(|offset| put(offset).is_ok())
        };
        let is_mended = model.is_some() && others.iter().all(mend);
        let replicas = if model.is_some() { others } else { vec![] };
        found.push(Difference { address: start + first as u64, bits, replicas, is_mended });
    }

    /// Whether any process has touched a page of the range.
    fn is_touched(&self, range: &Range<u64>) -> bool {
        let mut entries = vec![0; (range.end - range.start) as usize / PAGE * 8];
        self.pagemaps.iter().any(|file| {
            let unknown = file.read_exact_at(&mut entries, range.start / PAGE as u64 * 8).is_err();
            unknown || entries.as_chunks::<8>().0.iter().any(|entry| u64::from_le_bytes(*entry) & THERE != 0)
        })
    }
}

/// The range of a line of `/proc/PID/maps`, if it is private memory of the guest that it may write to.
fn private(line: &str) -> Option<Range<u64>> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let range = u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?;
    let rights = words.next()?;
    let is_ours = range.start < AGENT_END && range.end > AGENT_BASE;
    (rights.starts_with("rw") && rights.ends_with('p') && !is_ours).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_private_memory_of_the_guest() {
        assert_eq!(private("1000-3000 rw-p 00000000 00:00 0 [heap]"), Some(0x1000..0x3000));
        assert_eq!(private("1000-3000 r--p 00000000 08:01 77 /lib/x"), None);
        assert_eq!(private("1000-3000 rw-s 00000000 00:01 9 /dev/zero"), None);
        assert_eq!(private("3a0000000000-3a0000010000 rw-p 00000000 00:01 9 /memfd:rcb"), None);
    }

    #[test]
    fn finds_and_mends_a_bit_of_its_own_memory() {
        // Two pages of this process stand for those of three replicas.
        let pid = std::process::id();
        let memory = vec![7u8; 4 * PAGE];
        let start = (memory.as_ptr() as u64).next_multiple_of(PAGE as u64);
        let mut processes = Processes::open(&[pid, pid, pid]).expect("own memory");
        let (mut found, mut explained) = (vec![], Explained::default());
        processes.compare(start..start + 2 * PAGE as u64, &mut explained, &mut found);
        assert_eq!(found, []);
        processes.buffers[2][PAGE + 5] ^= 4;
        processes.compare_page(start, PAGE..2 * PAGE, &mut found);
        let expected = Difference { address: start + PAGE as u64 + 5, bits: 1, replicas: vec![2], is_mended: true };
        assert_eq!(found, [expected]);
        assert!(memory.iter().all(|byte| *byte == 7));
    }
}

//! Mappings of a stopped process, and which of their pages are present in memory.

use crate::plan::Share;
use crate::tracee::Tracee;
use anyhow::{Context, Result};
use rcb_abi::{AGENT_BASE, AGENT_END, CONTROL_ADDR, MAX_REPLICAS, OWN_ADDR};
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Size of a page.
const PAGE: u64 = 4096;
/// Bits of an entry of `/proc/PID/pagemap`: present, or swapped out (proc_pid_pagemap(5)).
const THERE: u64 = 0b11 << 62;
/// In the name of the file that holds the control pages.
const CONTROL: &str = "rcb-control";
/// Entries read at once.
const CHUNK: usize = 8192;

/// One mapping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mapping {
    /// Addresses.
    pub(crate) range: Range<u64>,
    /// `rwxp` as the kernel prints it.
    pub(crate) flags: String,
    /// Where the range begins in its file.
    pub(crate) offset: u64,
    /// The file, or a name in brackets, or nothing.
    pub(crate) name: String,
}

impl Mapping {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        let flags = words.next()?.to_owned();
        let offset = number(words.next()?)?;
        let name = words.nth(2).unwrap_or_default().to_owned();
        Some(Self { range: number(start)?..number(end)?, flags, offset, name })
    }

    fn is_private_data(&self) -> bool {
        self.flags.starts_with("rw") && self.flags.ends_with('p')
    }

    fn is_of_agent(&self) -> bool {
        self.range.start < AGENT_END && AGENT_BASE < self.range.end
    }
}

/// All mappings of a process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Mappings(pub(crate) Vec<Mapping>);

impl Mappings {
    /// Of a stopped process.
    pub(crate) fn of(tracee: &Tracee) -> Result<Self> {
        let mut text = String::new();
        tracee.proc_file("maps")?.read_to_string(&mut text).context("reading the mappings of a process")?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(Mapping::parse).collect())
    }

    /// Which replica it is, if an agent is in it and has mapped its segment: the name of its file says so.
    pub(crate) fn replica(&self) -> Option<usize> {
        let (_, number) = self.segment()?.name.split_once("rcb-segments-")?;
        number.split_whitespace().next()?.parse().ok().filter(|replica| *replica < MAX_REPLICAS)
    }

    fn segment(&self) -> Option<&Mapping> {
        self.at(OWN_ADDR).filter(|mapping| mapping.flags.starts_with("rw"))
    }

    /// Writable private memory of the program.
    pub(crate) fn of_program(&self) -> Vec<Range<u64>> {
        self.ranges(|mapping| mapping.is_private_data() && !mapping.is_of_agent())
    }

    /// Writable private memory of the agent.
    pub(crate) fn of_agent(&self) -> Vec<Range<u64>> {
        self.ranges(|mapping| mapping.is_private_data() && (AGENT_BASE..CONTROL_ADDR).contains(&mapping.range.start))
    }

    /// The segment of the replica.
    pub(crate) fn of_log(&self) -> Vec<Range<u64>> {
        self.segment().map(|mapping| mapping.range.clone()).into_iter().collect()
    }

    /// The control pages, as the supervisor has mapped them.
    pub(crate) fn of_control(&self) -> Vec<Range<u64>> {
        self.ranges(|mapping| mapping.flags.starts_with("rw") && mapping.name.contains(CONTROL))
    }

    fn ranges(&self, is_meant: impl Fn(&Mapping) -> bool) -> Vec<Range<u64>> {
        self.0.iter().filter(|mapping| is_meant(mapping)).map(|mapping| mapping.range.clone()).collect()
    }

    /// Whether code of this file stands at an address.
    pub(crate) fn is_code_of(&self, address: u64, file: &str) -> bool {
        self.at(address).is_some_and(|mapping| mapping.name == file && mapping.flags.contains('x'))
    }

    fn at(&self, address: u64) -> Option<&Mapping> {
        self.0.iter().find(|mapping| mapping.range.contains(&address))
    }

    /// An address as a file and an offset, for people and `addr2line`.
    pub(crate) fn place(&self, address: u64) -> String {
        match self.at(address) {
            Some(mapping) if mapping.name.is_empty() => format!("{address:#x}"),
            Some(mapping) => {
                format!("{}+{:#x} ({address:#x})", mapping.name, address - mapping.range.start + mapping.offset)
            }
            None => format!("{address:#x} (not mapped)"),
        }
    }
}

/// Whether an address belongs to the agent.
pub(crate) fn is_agent(address: u64) -> bool {
    (AGENT_BASE..AGENT_END).contains(&address)
}

/// Pages of these ranges that are present, as runs of neighbours.
pub(crate) fn present(tracee: &Tracee, ranges: &[Range<u64>]) -> Result<Vec<Range<u64>>> {
    let pagemap = tracee.proc_file("pagemap")?;
    let mut runs: Vec<Range<u64>> = Vec::new();
    let mut entries = vec![0; CHUNK * 8];
    for range in ranges {
        let mut address = range.start;
        while address < range.end {
            let wanted = CHUNK.min(((range.end - address) / PAGE) as usize);
            let part = &mut entries[..wanted * 8];
            match pagemap.read_exact_at(part, address / PAGE * 8) {
                // The process is ending: its memory is gone.
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(vec![]),
                other => other.context("reading which pages are present")?,
            }
            for entry in part.as_chunks().0 {
                if u64::from_le_bytes(*entry) & THERE != 0 {
                    match runs.last_mut().filter(|run| run.end == address) {
                        Some(run) => run.end += PAGE,
                        None => runs.push(address..address + PAGE),
                    }
                }
                address += PAGE;
            }
        }
    }
    Ok(runs)
}

/// One byte of the ranges, each as likely as any other; `None` of nothing.
pub(crate) fn choose(ranges: &[Range<u64>], draw: Share) -> Option<u64> {
    let mut left = draw.of(ranges.iter().map(|range| range.end - range.start).sum());
    for range in ranges {
        match left.checked_sub(range.end - range.start) {
            Some(rest) => left = rest,
            None => return Some(range.start + left),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
3a0000000000-3a0000040000 r-xp 00000000 00:01 1028  /memfd:rcb-agent (deleted)
3a0000040000-3a0000050000 rw-p 00040000 00:01 1028  /memfd:rcb-agent (deleted)
3a0020000000-3a0020100000 rw-s 00000000 00:01 1031  /memfd:rcb-segments-1 (deleted)
3a0020100000-3a0020200000 r--s 00000000 00:01 1030  /memfd:rcb-segments-0 (deleted)
3a0020200000-3a0020300000 r--s 00000000 00:01 1031  /memfd:rcb-segments-1 (deleted)
555555554000-555555556000 r-xp 00001000 08:01 12    /usr/bin/bzip2
555555560000-555555562000 rw-p 00008000 08:01 12    /usr/bin/bzip2
555555570000-555555590000 rw-p 00000000 00:00 0     [heap]
7ffff7f00000-7ffff7f01000 rw-s 00000000 00:01 7     /tmp/shared
";

    #[test]
    fn memory_has_owners() {
        let maps = Mappings::parse(MAPS);
        assert_eq!(maps.replica(), Some(1));
        assert_eq!(maps.of_program(), [0x5555_5556_0000..0x5555_5556_2000, 0x5555_5557_0000..0x5555_5559_0000]);
        assert_eq!(maps.of_agent().first(), Some(&(0x3a00_0004_0000..0x3a00_0005_0000)));
        assert_eq!(maps.of_log().first(), Some(&(0x3a00_2000_0000..0x3a00_2010_0000)));
        assert!(Mappings::parse("").of_log().is_empty());
        assert!(maps.of_control().is_empty(), "replicas cannot write them");
        let supervisor = "7f0000000000-7f0000100000 rw-s 00000000 00:01 9 /memfd:rcb-control (deleted)\n";
        assert_eq!(Mappings::parse(supervisor).of_control().first(), Some(&(0x7f00_0000_0000..0x7f00_0010_0000)));
        assert!(maps.is_code_of(0x5555_5555_4010, "/usr/bin/bzip2"));
        assert!(!maps.is_code_of(0x5555_5556_0010, "/usr/bin/bzip2"));
        assert_eq!(maps.place(0x5555_5555_4010), "/usr/bin/bzip2+0x1010 (0x555555554010)");
        assert_eq!(Mappings::parse("").replica(), None);
    }

    #[test]
    fn every_byte_is_as_likely() {
        let ranges = [0x1000..0x2000, 0x9000..0xc000];
        assert_eq!(choose(&ranges, Share(0)), Some(0x1000));
        assert_eq!(choose(&ranges, Share(u64::MAX)), Some(0xbfff));
        assert_eq!(choose(&ranges, Share(u64::MAX / 4 + 1)), Some(0x9000));
        assert_eq!(choose(&[], Share(0)), None);
    }
}

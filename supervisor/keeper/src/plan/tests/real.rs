//! Plans of the libraries and programs of this system.

use super::{check_bytes, check_order, direct_targets, linear};
use crate::plan::cache::Cache;
use crate::plan::planner::usual_files;
use crate::plan::table::private::Private;
use crate::plan::{Planner, sites_of};
use goblin::elf::Elf;
use iced_x86::{Code, Instruction};
use rcb_abi::plan::PlanSite;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const LIBC: &str = "/lib/x86_64-linux-gnu/libc.so.6";
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// Instructions of all executable sections, with the difference between address and file offset.
fn all_code(file: &[u8]) -> Vec<(u64, Vec<Instruction>)> {
    let elf = Elf::parse(file).unwrap();
    let executable = elf.section_headers.iter().filter(|section| section.is_executable() && section.sh_size > 0);
    executable
        .map(|section| {
            let bytes = &file[section.sh_offset as usize..(section.sh_offset + section.sh_size) as usize];
            (section.sh_addr - section.sh_offset, linear(bytes, section.sh_addr))
        })
        .collect()
}

/// Plans a file, checks every rule and returns `(planned, all)` sites; `None` where the file does not exist.
fn planned(path: &str) -> Option<(Vec<PlanSite>, usize)> {
    let file = fs::read(path).ok()?;
    let sites = sites_of(&file).unwrap();
    check_order(&sites);
    let code = all_code(&file);
    let targets: Vec<_> = code.iter().map(|(_, instructions)| direct_targets(instructions)).collect();
    for site in &sites {
        check_bytes(site, &file);
        let (slide, instructions) = code
            .iter()
            .find(|(slide, instructions)| {
                let addr = u64::from(site.offset) + slide;
                (instructions[0].ip()..=instructions[instructions.len() - 1].ip()).contains(&addr)
            })
            .expect("a site lies in an executable section");
        let addr = u64::from(site.offset) + slide;
        assert!(instructions.binary_search_by_key(&addr, Instruction::ip).is_ok(), "{site:x?} starts an instruction");
        for targets in &targets {
            let inside = targets.range(addr + 1..addr + u64::from(site.len)).next();
            assert!(inside.is_none(), "{site:x?} is entered at {inside:x?}");
        }
    }
    let all = code.iter().flat_map(|(_, instructions)| instructions);
    Some((sites, all.filter(|instruction| instruction.code() == Code::Syscall).count()))
}

#[test]
fn nearly_all_sites_of_libc_are_planned() {
    let Some((sites, all)) = planned(LIBC) else {
        eprintln!("skipped: no {LIBC}");
        return;
    };
    assert!(all > 300, "{all} sites found by plain decoding");
    assert!(sites.len() * 100 >= all * 95, "{} of {all}", sites.len());
}

#[test]
fn most_sites_of_the_loader_are_planned() {
    let Some((sites, all)) = planned(LOADER) else {
        eprintln!("skipped: no {LOADER}");
        return;
    };
    assert!(sites.len() * 100 >= all * 80, "{} of {all}", sites.len());
}

#[test]
fn every_program_at_hand_is_planned_within_the_rules() {
    let mut seen = 0;
    for path in ["/bin/busybox", "/bin/dash", "/sbin/ldconfig", "/usr/bin/perl", "/lib/x86_64-linux-gnu/libm.so.6"] {
        seen += usize::from(planned(path).is_some());
    }
    assert!(seen > 0, "none of the programs exists");
}

#[test]
fn the_return_from_a_signal_handler_is_never_planned() {
    const RESTORE: [u8; 9] = [0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05];
    let Ok(file) = fs::read(LIBC) else {
        eprintln!("skipped: no {LIBC}");
        return;
    };
    let at = file.windows(RESTORE.len()).position(|bytes| bytes == RESTORE).expect("libc has __restore_rt");
    let around = at..at + RESTORE.len();
    let touching =
        |site: &PlanSite| (site.offset as usize) < around.end && site.offset as usize + usize::from(site.len) > at;
    assert!(!sites_of(&file).unwrap().iter().any(touching));
}

#[test]
fn a_planner_publishes_a_file_once_and_finds_it_in_the_cache_later() {
    let folder = tempfile::tempdir().unwrap();
    let cache = || Some(Cache::at(folder.path().join("plans")));
    let program = folder.path().join("program");
    fs::copy("/proc/self/exe", &program).unwrap();
    let file = File::open(&program).unwrap();
    let (dev, ino) = (file.metadata().unwrap().dev(), file.metadata().unwrap().ino());

    let mut area = Private::new();
    let mut planner = Planner::new(area.take_table(), cache());
    assert_eq!(planner.prefill([&program]), 0, "nothing is cached yet");
    assert_eq!(planner.answer(&file, dev, ino + 1), None, "another file than the replica means");
    let index = planner.answer(&file, dev, ino).expect("a plan, if an empty one");
    assert_eq!(planner.answer(&file, dev, ino), Some(index));
    let (entry, sites) = area.entry(index).unwrap();
    assert_eq!((entry.dev, entry.ino, entry.size), (dev, ino, file.metadata().unwrap().size()));
    assert_eq!(sites, sites_of(&fs::read(&program).unwrap()).unwrap());
    assert!(area.entry(index + 1).is_none());

    let mut area = Private::new();
    let mut planner = Planner::new(area.take_table(), cache());
    assert_eq!(planner.prefill([&program, Path::new("/nonexistent"), Path::new("/dev/null")]), 1);
    assert_eq!(area.entry(0).unwrap().1, sites);
    assert_eq!(planner.answer(&file, dev, ino), Some(0));
}

#[test]
fn files_that_are_no_programs_have_no_plan() {
    let folder = tempfile::tempdir().unwrap();
    let mut area = Private::new();
    let mut planner = Planner::new(area.take_table(), None);
    for content in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", &[0x7f; 5000]] {
        let path = folder.path().join("file");
        fs::write(&path, content).unwrap();
        let file = File::open(&path).unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!(planner.answer(&file, metadata.dev(), metadata.ino()), None);
    }
    assert!(area.entry(0).is_none());
}

#[test]
fn the_usual_files_of_a_program_are_itself_its_interpreter_and_libc() {
    let files = usual_files(Path::new("/proc/self/exe"));
    assert_eq!(files[0], Path::new("/proc/self/exe"));
    if Path::new(LOADER).exists() {
        assert!(files.iter().any(|path| path.to_string_lossy().contains("ld-linux")), "{files:?}");
    }
}

#[test]
fn damaged_headers_are_refused_or_harmless() {
    let whole = fs::read("/proc/self/exe").unwrap();
    let mut file = whole[..whole.len().min(1 << 16)].to_vec();
    for at in 0..1024 {
        let kept = file[at];
        for value in [0, 0xff, kept ^ 0x80] {
            file[at] = value;
            if let Ok(sites) = sites_of(&file) {
                for site in &sites {
                    check_bytes(site, &file);
                }
            }
        }
        file[at] = kept;
    }
}

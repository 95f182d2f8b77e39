//! Executable mappings of files and the call sites patched in them.
//!
//! A site is patched when it is first met: from the supervisor's plan for the file (then with all planned sites of the
//! same page); in a file without a plan only if the instruction behind it compares the result with -4095 or -4096, to
//! which compilers make nothing jump but the call itself. Everything else stays on the signal path.
//!
//! Invariant: bytes are changed only in mappings of files that are executable and not writable, and only where they
//! are exactly what the plan or the white list expects.
#![allow(unsafe_code, reason = "changes protection of guest code pages and writes jumps into them")]

use crate::guest;
use crate::shared;
use crate::state::State;
use crate::trap::entry;
use crate::trap::plan::{self, FileId};
use rcb_abi::plan::{MAX_SITE_BYTES, PlanSite};
use rcb_sys::errno::is_error;
use rcb_sys::{nr, syscall};

const PAGE: u64 = 4096;
/// Executable mappings remembered.
const MAPS: usize = 192;
/// Trampoline regions.
const REGIONS: usize = 24;
/// Bytes of a region.
const REGION_BYTES: u64 = 64 * 1024;
/// Bytes a trampoline may need.
const TRAMPOLINE_MAX: u64 = 64;
/// Patched sites remembered.
const PATCHES: usize = 4096;
/// How far a 32-bit jump reaches, with a margin for the mapping itself.
const REACH: u64 = 0x7f00_0000;

/// Bytes from where a trampoline enters the agent to where the guest resumes: lea, jmp, address.
pub const TO_CALL: u64 = 7 + 6 + 8;

/// An executable mapping of a file.
#[derive(Clone, Copy)]
struct Map {
    start: u64,
    end: u64,
    /// Offset in the file of `start`.
    offset: u64,
    /// What is mapped.
    file: FileId,
    /// Index of the plan plus one; 0 for none, [`UNASKED`] before the first call.
    plan: u32,
}

/// Nobody has looked for a plan yet.
const UNASKED: u32 = u32::MAX;

impl Map {
    const NONE: Self = Self { start: 0, end: 0, offset: 0, file: FileId::NONE, plan: 0 };
}

/// A piece of memory near some code, for trampolines.
#[derive(Clone, Copy)]
struct Region {
    start: u64,
    used: u64,
}

/// All of it.
#[repr(C)]
pub struct CodeMap {
    count: usize,
    /// Patching is switched off.
    pub off: bool,
    maps: [Map; MAPS],
    regions: [Region; REGIONS],
    /// `(address behind the original call, address behind it in the trampoline)`.
    patches: [(u64, u64); PATCHES],
}

impl CodeMap {
    /// Nothing mapped yet.
    #[allow(clippy::large_stack_arrays, reason = "initialises a static, is never on a stack")]
    pub const NEW: Self = Self {
        maps: [Map::NONE; MAPS],
        regions: [Region { start: 0, used: 0 }; REGIONS],
        patches: [(0, 0); PATCHES],
        count: 0,
        off: false,
    };

    /// A range is unmapped, replaced or no longer plain code.
    pub fn forget(&mut self, start: u64, end: u64) {
        for map in &mut self.maps {
            if map.start < end && map.end > start {
                *map = Map::NONE;
            }
        }
        let mut i = 0;
        while i < self.count {
            if (start..end).contains(&self.patches[i].0) {
                self.count -= 1;
                self.patches[i] = self.patches[self.count];
            } else {
                i += 1;
            }
        }
    }

    /// Where to resume a saved context whose address lies behind a call that has been patched since.
    pub fn relocated(&self, rip: u64) -> u64 {
        self.patches[..self.count].iter().find(|p| p.0 == rip).map_or(rip, |p| p.1)
    }
}

/// A file was mapped executable.
pub fn mapped(st: &mut State, start: u64, end: u64, fd: u64, offset: u64) {
    if st.code.off {
        return;
    }
    if let Some(slot) = st.code.maps.iter_mut().find(|m| m.end == 0)
        && let Some(file) = FileId::of(fd)
    {
        *slot = Map { start, end, offset, file, plan: UNASKED };
    }
}

/// A call site was met on the signal path; patches it if that is proven safe. Returns where the guest resumes.
pub fn met(st: &mut State, behind: u64) -> u64 {
    let site = behind - 2;
    let Some(index) = st.code.maps.iter().position(|m| m.start <= site && site + 16 <= m.end) else {
        return behind;
    };
    let mut map = st.code.maps[index];
    if map.plan == UNASKED {
        map.plan = plan::find(st, map.file, map.start);
        st.code.maps[index] = map;
    }
    let before = st.code.count;
    if map.plan != 0 {
        page_of_plan(st, &map, site);
    }
    if map.plan == 0
        && let Some(plain) = white_listed(site)
    {
        patch_all(st, site, &mut core::iter::once((site, plain)));
        shared::own().stats.sites_met += (st.code.count - before) as u64;
    }
    st.code.relocated(behind)
}

/// The plan's sites in the page of `site`.
fn page_of_plan(st: &mut State, map: &Map, site: u64) {
    let plans = shared::plans();
    let Some(entry) = plans.entries.get(map.plan as usize - 1) else { return };
    let Some(sites) = plans.sites.get(entry.first as usize..(entry.first + entry.count) as usize) else { return };
    let to_offset = |address: u64| address - map.start + map.offset;
    let (low, high) = (to_offset(site & !(PAGE - 1)), to_offset((site & !(PAGE - 1)) + PAGE));
    let before = st.code.count;
    let mut chosen = sites
        .iter()
        .filter(|s| (low..high).contains(&u64::from(s.offset)))
        .map(|s| (u64::from(s.offset) - map.offset + map.start, *s))
        .filter(|(at, s)| at + u64::from(s.len) <= map.end && *at >= map.start)
        .peekable();
    // A site that is not planned (a fork) is met again and again: the first time does the others of its page, which
    // children then have, too.
    let is_planned = sites.iter().any(|s| u64::from(s.offset) + u64::from(s.head) == to_offset(site));
    let is_done = |at: u64, s: &PlanSite| st.code.patches[..st.code.count].iter().any(|p| p.0 == at + behind(s));
    if !is_planned && chosen.peek().is_none_or(|(at, s)| is_done(*at, s)) {
        return;
    }
    patch_all(st, site, &mut chosen);
    shared::own().stats.sites_planned += (st.code.count - before) as u64;
}

/// From the start of what is replaced to behind the call.
fn behind(site: &PlanSite) -> u64 {
    u64::from(site.len - site.tail)
}

/// A rdtsc (`length` 2) or rdtscp (3) was met at `site` on the signal path; patches it if the instruction behind it is
/// the `shl $32,%rdx` that joins the halves. Returns where the guest resumes.
pub fn met_tsc(st: &mut State, site: u64, length: u64) -> u64 {
    let behind = site + length;
    let inside = st.code.maps.iter().any(|m| m.start <= site && site + 16 <= m.end);
    let mut bytes = [0u8; 4];
    if !inside || guest::read(behind, &mut bytes).is_err() || bytes != [0x48, 0xc1, 0xe2, 0x20] {
        return behind;
    }
    let mut expect = [0u8; MAX_SITE_BYTES];
    let total = length as usize + bytes.len();
    if guest::read(site, &mut expect[..total]).is_err() {
        return behind;
    }
    let plain = PlanSite { offset: 0, len: total as u8, head: 0, tail: 4, reserved: 1, expect };
    patch_all(st, site, &mut core::iter::once((site, plain)));
    st.code.relocated(behind)
}

/// `cmp $-4096,%rax`, `cmp $-4095,%rax`, `cmp $-4096,%eax` behind the call.
fn white_listed(site: u64) -> Option<PlanSite> {
    let mut expect = [0u8; MAX_SITE_BYTES];
    guest::read(site, &mut expect).ok()?;
    let tail = match &expect[2..8] {
        [0x48, 0x3d, 0x00 | 0x01, 0xf0, 0xff, 0xff] => 6,
        [0x3d, 0x00 | 0x01, 0xf0, 0xff, 0xff, _] => 5,
        _ => return None,
    };
    (expect[..2] == [0x0f, 0x05]).then_some(PlanSite { offset: 0, len: 2 + tail, head: 0, tail, reserved: 0, expect })
}

/// Patches sites of the mapping in which `near` lies. It becomes writable as a whole: a page by itself would be left as a
/// mapping of its own, of which a fork has to copy each.
fn patch_all(st: &mut State, near: u64, sites: &mut dyn Iterator<Item = (u64, PlanSite)>) {
    let is_meant = |m: &&Map| m.start <= near && near < m.end;
    let Some((start, end)) = st.code.maps.iter().find(is_meant).map(|m| (m.start, m.end)) else { return };
    let Some(region) = region_near(st, near) else { return };
    let region_start = st.code.regions[region].start;
    if !protect(region_start, REGION_BYTES, 3) {
        return;
    }
    if protect(start, end - start, 3) {
        for (at, site) in sites {
            if at >= start && at + u64::from(site.len) <= end {
                one(st, region, at, &site);
            }
        }
        protect(start, end - start, 5);
    }
    protect(region_start, REGION_BYTES, 5);
}

fn protect(at: u64, bytes: u64, prot: u64) -> bool {
    // SAFETY: pages of guest code or of our own trampolines; the agent does not execute there meanwhile.
    unsafe { syscall!(nr::MPROTECT, at, bytes, prot, 0, 0, 0) == 0 }
}

/// Writes the trampoline and then the jump.
fn one(st: &mut State, region: usize, at: u64, site: &PlanSite) {
    let (head, tail, len) = (usize::from(site.head), usize::from(site.tail), usize::from(site.len));
    let room = st.code.regions[region].used + TRAMPOLINE_MAX <= REGION_BYTES && st.code.count < PATCHES;
    if !room || !(5..=MAX_SITE_BYTES).contains(&len) || head + tail + 2 > len {
        return;
    }
    let call = site.reserved == 0;
    let mut found = [0u8; MAX_SITE_BYTES];
    let matches = guest::read(at, &mut found[..len]).is_ok() && found[..len] == site.expect[..len];
    if !matches || (call && (found[head..head + 2] != [0x0f, 0x05] || head + 2 + tail != len)) {
        return;
    }
    let base = st.code.regions[region].start;
    let start = base + st.code.regions[region].used;
    let mut code = Writer { bytes: [0x90; TRAMPOLINE_MAX as usize], used: 0, at: start };
    code.put(&site.expect[..head]);
    if !call {
        code.put(&[0x48, 0x8d, 0x64, 0x24, 0x80]); // lea -128(%rsp),%rsp: below the red zone
        code.put(&[0x51]); // push %rcx
    }
    let after = code.here() + 7 + 6 + 8;
    code.put(&[0x48, 0x8d, 0x0d]); // lea after(%rip),%rcx
    code.relative(after);
    code.put(&[0xff, 0x25]); // jmp *base(%rip): the entries' addresses stand at the start of the region
    code.relative(if call { base } else { base + 8 });
    let behind = at + (len - tail) as u64;
    code.put(&behind.to_le_bytes());
    if !call && len - tail == 3 {
        code.put(&[0xb9, 0, 0, 0, 0]); // rdtscp: mov $0,%ecx
    }
    code.put(&site.expect[len - tail..len]);
    code.put(&[0xe9]); // jmp back
    code.relative(at + len as u64);
    let mut jump = [0x90u8; MAX_SITE_BYTES];
    jump[0] = 0xe9;
    let distance = start.wrapping_sub(at + 5) as i64;
    let Ok(distance) = i32::try_from(distance) else { return };
    jump[1..5].copy_from_slice(&distance.to_le_bytes());
    if guest::write(start, &code.bytes[..code.used]).is_ok() && guest::write(at, &jump[..len]).is_ok() {
        st.code.regions[region].used += code.used.next_multiple_of(16) as u64;
        st.code.patches[st.code.count] = (behind, after);
        st.code.count += 1;
    }
}

/// Code being written for a known address.
struct Writer {
    bytes: [u8; TRAMPOLINE_MAX as usize],
    used: usize,
    at: u64,
}

impl Writer {
    fn here(&self) -> u64 {
        self.at + self.used as u64
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    /// A 32-bit distance to `target`, from behind itself.
    fn relative(&mut self, target: u64) {
        let distance = target.wrapping_sub(self.here() + 4) as i64 as i32;
        self.put(&distance.to_le_bytes());
    }
}

/// A region that `site` can jump to, with room; a new one is mapped below the code, at the same address in all
/// replicas because their address spaces are equal.
fn region_near(st: &mut State, site: u64) -> Option<usize> {
    let usable =
        |r: &Region| r.start != 0 && r.start.abs_diff(site) < REACH && r.used + 16 * TRAMPOLINE_MAX <= REGION_BYTES;
    if let Some(i) = st.code.regions.iter().position(usable) {
        return Some(i);
    }
    let slot = st.code.regions.iter().position(|r| r.start == 0)?;
    let map = st.code.maps.iter().find(|m| m.start <= site && site < m.end)?;
    let mut at = (map.start & !(REGION_BYTES - 1)).checked_sub(REGION_BYTES)?;
    for step in 0..1024u64 {
        if at < 0x1_0000 || at.abs_diff(site) > REACH {
            break;
        }
        // MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE
        // SAFETY: replaces nothing.
        let got = unsafe { syscall!(nr::MMAP, at, REGION_BYTES, 3, 0x10_0022, -1i64, 0) };
        if got == at as i64 {
            // The first words of a region are where its trampolines jump.
            let entries = [entry::entry_address(), entry::tsc_entry_address()];
            if entries.iter().zip(0..).any(|(e, i)| guest::put(at + 8 * i, e).is_err()) {
                return None;
            }
            st.code.regions[slot] = Region { start: at, used: 16 };
            return Some(slot);
        }
        if !is_error(got) {
            // An old kernel took the address as a hint.
            // SAFETY: unmaps what was just mapped.
            unsafe { syscall!(nr::MUNMAP, got, REGION_BYTES, 0, 0, 0, 0) };
        }
        at = at.saturating_sub(REGION_BYTES << (step / 16).min(8));
    }
    None
}

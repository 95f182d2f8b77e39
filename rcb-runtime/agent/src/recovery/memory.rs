//! A child cannot go back to before it was born, nor a program to before it was started. So replicas that leave frozen
//! copies compare the memory that they have written to before they fork, and when a program starts, and go back themselves
//! if it differs.
//!
//! What differs again when that is done again stays different: it was in the copy already, or it is no fault. Then nothing
//! is compared any more, and what it leads to is found when it shows.
//!
//! LIMIT: of a process with more memory only what the kernel has put above its first stack pointer is compared.
#![allow(unsafe_code, reason = "reads what the kernel says of pages")]

use super::{order, replay};
use crate::agree::{meet, post};
use crate::call::post_event;
use crate::fault::{Words, park};
use crate::guest;
use crate::load::{elf, proc};
use crate::shared;
use crate::state::{State, scratch};
use core::ops::Range;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use rcb_abi::fault::{Regs, kind};
use rcb_abi::segment::{COMPARE, PATH_BYTES};
use rcb_abi::{AGENT_END, AGENT_START};
use rcb_sys::{nr, syscall};
use rcb_vote::digest;

const PAGE: u64 = PATH_BYTES as u64;
/// Pages that are compared at most.
const MOST: u64 = 4096;
/// Entries of `/proc/self/pagemap` that are read at once.
const ENTRIES: usize = 64;
/// Bits of an entry: in memory, in swap; and not the process's own page.
const THERE: u64 = 3 << 62;
const OF_FILE: u64 = 1 << 61;

/// Compares. If it `must` be the same, the replicas stop as often as it is not.
pub fn compare(st: &mut State, regs: &Regs, must: bool) {
    // A majority mends what it leads to.
    let looks = st.compares && st.n == 2 && !replay::is_answered_again(st);
    let own = &shared::own().memory;
    if looks {
        own.digest.store(digest_of(st), Relaxed);
    }
    let outer = st.regs;
    post_event(st, regs, COMPARE, [0; 6], 0);
    st.regs = outer;
    meet::symmetric(st);
    let segments = (0..st.n).map(|replica| &shared::peer(replica).memory);
    let mine = own.digest.load(Relaxed);
    if looks && segments.clone().any(|other| other.digest.load(Acquire) != mine) {
        let now = order().epoch.load(Acquire);
        // A peer may have stopped because of this very difference already: that is of this order, and not old.
        let is_old = |of: &rcb_abi::segment::Memory| of.seq.load(Acquire) == st.seq && of.epoch.load(Relaxed) != now;
        if must || !segments.clone().any(is_old) {
            own.epoch.store(now, Relaxed);
            own.seq.store(st.seq, Release);
            park(st, Words::new(kind::MEMORY, 0, 0));
        }
        st.compares = false;
    }
    st.handed = if looks && st.compares { mine } else { 0 };
    post::conclude(st, 0, 0);
}

/// In a child, before it does anything: if its memory is not that of its peer, the one in which it is not what the parents
/// had agreed on ends itself, and is replaced.
pub fn check_child(st: &mut State, regs: &Regs) {
    if !st.checkpoints || st.n != 2 {
        return;
    }
    let handed = st.handed;
    let mine = digest_of(st);
    shared::own().memory.digest.store(mine, Relaxed);
    post_event(st, regs, COMPARE, [0; 6], 0);
    meet::symmetric(st);
    let is_right_elsewhere = (0..st.n).any(|replica| shared::peer(replica).memory.digest.load(Acquire) == handed);
    // A parent that did its fork again has nothing to compare with.
    if handed != 0 && mine != handed && is_right_elsewhere {
        crate::signals::kill_self(crate::signals::SIGKILL);
    }
    post::conclude(st, 0, 0);
}

/// Digest of what is compared.
fn digest_of(st: &State) -> u64 {
    written().unwrap_or_else(|| guest::words(st.words_start))
}

/// Digest of the private pages that this process has written to, but those of zeros; `None` if they are too many or cannot
/// be known.
fn written() -> Option<u64> {
    let path = b"/proc/self/pagemap\0";
    let pagemap = elf::open(path.as_ptr() as u64).ok()?;
    let known = core::arch::x86_64::__cpuid(1).ebx & ANY_CPU;
    let mut sum = Sum { digest: 0, pages: 0, known };
    let is_known = proc::each_mapping(|range, line| {
        let is_ours = range.start < AGENT_END && range.end > AGENT_START;
        let rights = line.iter().position(|byte| *byte == b' ').and_then(|at| line.get(at + 1..at + 5));
        if !is_ours && matches!(rights, Some([b'r', b'w', _, b'p'])) {
            sum.add(pagemap, range);
        }
    });
    // SAFETY: closes what was opened above.
    unsafe { syscall!(nr::CLOSE, pagemap, 0, 0, 0, 0, 0) };
    (is_known && sum.pages <= MOST).then_some(sum.digest)
}

/// In what `cpuid` 1 leaves in EBX, all but the number of the CPU. Start-up code of the C library keeps that word.
const ANY_CPU: u32 = 0x00ff_ffff;

struct Sum {
    digest: u64,
    pages: u64,
    known: u32,
}

impl Sum {
    /// Adds the pages of a mapping.
    fn add(&mut self, pagemap: u64, range: Range<u64>) {
        let mut entries = [0u64; ENTRIES];
        let mut at = range.start;
        while at < range.end && self.pages <= MOST {
            let count = ((range.end - at) / PAGE).min(ENTRIES as u64);
            let bytes = 8 * count;
            // SAFETY: reads into a local that is as large.
            let got = unsafe { syscall!(nr::PREAD64, pagemap, entries.as_mut_ptr(), bytes, at / PAGE * 8, 0, 0) };
            super::read(got.max(0) as u64);
            for entry in &entries[..count as usize] {
                if got != bytes as i64 || (entry & THERE != 0 && entry & OF_FILE == 0) {
                    self.page(at);
                }
                at += PAGE;
            }
        }
    }

    fn page(&mut self, at: u64) {
        // A fork names no paths.
        let bytes = &mut scratch().paths[1];
        if guest::read(at, bytes).is_err() || bytes.iter().all(|byte| *byte == 0) {
            return;
        }
        for word in bytes.as_chunks_mut::<4>().0 {
            if u32::from_le_bytes(*word) & ANY_CPU == self.known {
                word[3] = 0;
            }
        }
        self.pages += 1;
        self.digest = digest::chain_result(self.digest, at, digest::bytes(bytes));
    }
}

//! `--huge-pages`: asks the kernel for transparent huge pages for the guest's own memory. Every replica asks for the same
//! ranges, and nothing that a guest can see depends on what the kernel answers.

use crate::call::each;
use crate::shared;
use rcb_sys::nr;

/// A transparent huge page.
const HUGE_BYTES: u64 = 2 << 20;
const MADV_HUGEPAGE: u64 = 14;

/// New private memory of the guest, at addresses that it knows.
#[inline]
pub fn ask(start: u64, end: u64) {
    if shared::control().huge_pages != 0 && end.saturating_sub(start) >= HUGE_BYTES {
        // A kernel without them says so with an error; small pages are as right.
        each(nr::MADVISE, [start, end - start, MADV_HUGEPAGE, 0, 0, 0]);
    }
}

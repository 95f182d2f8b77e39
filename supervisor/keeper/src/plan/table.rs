//! The shared plan area as its only writer sees it.
//!
//! Readers in the replicas look at `count` entries (acquire) and never beyond, so an entry and its sites are written
//! before `count` says that they exist (release), and are never changed afterwards.
//!
//! # Safety
//! The area is memory shared with other processes, so no reference to its entries is ever made here: everything goes
//! through raw pointers, and what was published is never read back.
#![allow(unsafe_code, reason = "writes into memory shared with the replicas")]

use rcb_abi::MAGIC;
use rcb_abi::plan::{MAX_PLANS, MAX_SITES, PlanArea, PlanEntry, PlanSite};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Writer of a [`PlanArea`]. There must be one per area.
pub struct PlanTable {
    area: NonNull<PlanArea>,
    entries: usize,
    sites: usize,
}

// SAFETY: the pointer is to memory that stays mapped and that only this value writes, whatever thread it is on.
unsafe impl Send for PlanTable {}

/// Identity of a file at one moment, as `fstat` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// st_dev.
    pub dev: u64,
    /// st_ino.
    pub ino: u64,
    /// st_size.
    pub size: u64,
    /// st_mtime in nanoseconds since the epoch.
    pub mtime_ns: u64,
}

impl PlanTable {
    /// Takes over an area and empties it.
    ///
    /// # Safety
    /// `area` must point to writable memory for one [`PlanArea`], aligned for it, that stays mapped as long as the
    /// value lives; nobody else writes to it, and no replica may be reading it yet.
    pub unsafe fn new(area: NonNull<PlanArea>) -> Self {
        let at = area.as_ptr();
        // SAFETY: writable by the caller's promise.
        unsafe {
            (&raw mut (*at).magic).write(MAGIC);
        }
        let table = Self { area, entries: 0, sites: 0 };
        table.count().store(0, Ordering::Release);
        table
    }

    /// Number of plans published so far.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether nothing is published yet.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Publishes the plan of one file; `None` if there is no room left.
    pub fn publish(&mut self, file: FileId, sites: &[PlanSite]) -> Option<u32> {
        if self.entries >= MAX_PLANS || sites.len() > MAX_SITES - self.sites {
            return None;
        }
        let at = self.area.as_ptr();
        let entry = PlanEntry {
            dev: file.dev,
            ino: file.ino,
            size: file.size,
            mtime_ns: file.mtime_ns,
            first: self.sites as u32,
            count: sites.len() as u32,
        };
        // SAFETY: both targets are inside the area (checked above) and behind what readers may look at.
        unsafe {
            let first = (&raw mut (*at).sites).cast::<PlanSite>().add(self.sites);
            first.copy_from_nonoverlapping(sites.as_ptr(), sites.len());
            (&raw mut (*at).entries).cast::<PlanEntry>().add(self.entries).write(entry);
        }
        let index = self.entries as u32;
        self.entries += 1;
        self.sites += sites.len();
        self.count().store(self.entries as u32, Ordering::Release);
        Some(index)
    }

    fn count(&self) -> &AtomicU32 {
        // SAFETY: an atomic in memory that stays mapped; replicas only load it.
        unsafe { AtomicU32::from_ptr((&raw mut (*self.area.as_ptr()).count).cast()) }
    }
}

#[cfg(test)]
pub(super) mod private {
    //! A plan area in private memory, to look at what was published.
    use super::{NonNull, Ordering, PlanArea, PlanEntry, PlanSite, PlanTable};

    /// The area and its writer.
    pub(in super::super) struct Private {
        area: NonNull<PlanArea>,
        table: Option<PlanTable>,
    }

    impl Private {
        pub(in super::super) fn new() -> Self {
            // SAFETY: all-zero bytes are a valid, empty PlanArea: it holds integers only.
            let area: Box<PlanArea> = unsafe { Box::new_zeroed().assume_init() };
            // Never freed: a writer may outlive this value.
            let area = NonNull::from(Box::leak(area));
            // SAFETY: leaked, aligned by its type and only read, by `entry`.
            let table = unsafe { PlanTable::new(area) };
            Self { area, table: Some(table) }
        }

        /// The one writer.
        pub(in super::super) fn take_table(&mut self) -> PlanTable {
            self.table.take().expect("an area has one writer")
        }

        /// A published entry with its sites, as a replica would read it.
        pub(in super::super) fn entry(&self, index: u32) -> Option<(PlanEntry, Vec<PlanSite>)> {
            // SAFETY: the area is never freed, and the tests read and write it on one thread, never at once.
            let area = unsafe { self.area.as_ref() };
            if index >= area.count.load(Ordering::Acquire) {
                return None;
            }
            let entry = area.entries[index as usize];
            let sites = &area.sites[entry.first as usize..(entry.first + entry.count) as usize];
            Some((entry, sites.to_vec()))
        }
    }
}

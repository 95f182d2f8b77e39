//! The shared areas of a run as the supervisor sees them: control pages, plan area, one column of segments per replica.
//!
//! Segments are written by their replicas while we read, so nothing here lends a reference into one: every word is
//! copied out once and judged as a copy.
#![allow(unsafe_code, reason = "maps shared memory and reads what other processes write")]

mod segment;

pub use segment::SegmentArea;

use crate::error::{Error, Result};
use crate::plan::PlanTable;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mprotect, munmap};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rcb_abi::control::{Control, Hook, process};
use rcb_abi::journal::JOURNAL_BYTES;
use rcb_abi::plan::PlanArea;
use rcb_abi::segment::Segment;
use rcb_abi::{MAX_GROUPS, SEGMENT_STRIDE};
use std::cell::Cell;
use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// Flag of `memfd_create` since Linux 6.3, needed where `vm.memfd_noexec` is 1.
const MFD_EXEC: u32 = 0x10;

/// One memfd, mapped whole.
pub struct Area<T> {
    fd: OwnedFd,
    at: NonNull<T>,
}

impl<T> Area<T> {
    /// A new area of zeros. `T` must be plain data for which zeros are valid, as everything in the abi crate is.
    fn create(name: &str) -> Result<Self> {
        Self::create_with(name, size_of::<T>())
    }

    /// The same with a file that ends earlier: what lies behind must not be touched before the file is longer.
    fn create_with(name: &str, file_bytes: usize) -> Result<Self> {
        let fd = memory_file(name, false)?;
        without_file_limit(|| nix::unistd::ftruncate(&fd, file_bytes as i64))
            .map_err(|error| Error::os(format!("sizing {name} (see also ulimit -f)"), error))?;
        let length = NonZeroUsize::new(size_of::<T>()).ok_or_else(|| Error::Internal("an empty area".into()))?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at an address the kernel chooses touches nothing that exists.
        let at = unsafe { mmap(None, length, protection, MapFlags::MAP_SHARED, &fd, 0) }
            .map_err(|error| Error::os(format!("mapping {name}"), error))?;
        Ok(Self { fd, at: at.cast() })
    }

    /// The descriptor, readable and writable.
    pub const fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The same file again, read-only, for those who must not write.
    pub fn reopen_read_only(&self) -> Result<OwnedFd> {
        reopen_read_only(&self.fd)
    }
}

impl<T> Drop for Area<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours alone and nothing refers to it any more.
        let _ = unsafe { munmap(self.at.cast(), size_of::<T>()) };
    }
}

/// A file in memory, close-on-exec.
fn memory_file(name: &str, executable: bool) -> Result<OwnedFd> {
    let c_name = CString::new(name).map_err(|_| Error::Internal("a NUL in a name".into()))?;
    let mut flags = MFdFlags::MFD_CLOEXEC;
    if executable {
        flags |= MFdFlags::from_bits_retain(MFD_EXEC);
    }
    let made = match memfd_create(c_name.as_c_str(), flags) {
        // Kernels before 6.3 do not know the flag, and do not need it.
        Err(nix::errno::Errno::EINVAL) if executable => memfd_create(c_name.as_c_str(), MFdFlags::MFD_CLOEXEC),
        other => other,
    };
    made.map_err(|error| Error::os(format!("making the memory file {name} (see also sysctl vm.memfd_noexec)"), error))
}

/// Does something while the limit of file sizes, which is meant for the guest's files, is as high as it may be. A limit
/// that cannot be changed shows in what is done.
fn without_file_limit<T>(work: impl FnOnce() -> T) -> T {
    let limit = getrlimit(Resource::RLIMIT_FSIZE).ok();
    if let Some((_, hard)) = limit {
        let _ = setrlimit(Resource::RLIMIT_FSIZE, hard, hard);
    }
    let outcome = work();
    if let Some((soft, hard)) = limit {
        let _ = setrlimit(Resource::RLIMIT_FSIZE, soft, hard);
    }
    outcome
}

/// Opens the file behind a descriptor again, read-only and close-on-exec.
pub fn reopen_read_only(fd: &OwnedFd) -> Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    File::open(&path)
        .map(OwnedFd::from)
        .map_err(|error| Error::os(format!("opening {path} (is /proc mounted?)"), error))
}

/// An executable memory file with these bytes, read-only for whoever gets it.
pub fn executable_file(name: &str, bytes: &[u8]) -> Result<OwnedFd> {
    let mut file = File::from(memory_file(name, true)?);
    without_file_limit(|| file.write_all(bytes))
        .map_err(|error| Error::os(format!("writing {name} (see also ulimit -f)"), error))?;
    reopen_read_only(&file.into())
}

/// The control pages of all groups.
pub struct ControlArea(Area<[Control; MAX_GROUPS]>);

impl ControlArea {
    /// Pages of zeros.
    pub fn create() -> Result<Self> {
        Area::create("rcb-control").map(Self)
    }

    /// The area.
    pub const fn area(&self) -> &Area<[Control; MAX_GROUPS]> {
        &self.0
    }

    /// The page of a group, to fill in before one of its replicas exists.
    pub fn fill(&mut self, group: usize) -> &mut Control {
        // SAFETY: the mapping is as large as the type, zeros are valid for it, and `&mut self` makes us the only user.
        unsafe { &mut *self.page(group) }
    }

    /// The page of a group. Only its atomics change once replicas exist, and only we change them.
    pub fn get(&self, group: usize) -> &Control {
        // SAFETY: as above; replicas map the pages read-only.
        unsafe { &*self.page(group) }
    }

    /// Gives a group that nobody uses yet the settings of the first one, and nothing of what has happened since.
    pub fn set_up(&self, group: usize, parent_pid: u32) {
        assert!(group != 0, "the first group is the model");
        let (from, to) = (self.page(0), self.page(group));
        // SAFETY: both are inside the mapping, only we write to them, and no replica of the new group exists.
        let page = unsafe {
            to.copy_from_nonoverlapping(from, 1);
            &mut *to
        };
        *page.virtual_ppid.get_mut() = parent_pid;
        *page.state.get_mut() = process::RUNS;
        *page.status.get_mut() = 0;
        *page.job_changes.get_mut() = 0;
        page.used_us = [AtomicU64::new(0), AtomicU64::new(0)];
        *page.child_events.get_mut() = 0;
        *page.spares_given.get_mut() = 0;
        *page.petition_answered.get_mut() = 0;
        page.plan_answered = Default::default();
        *page.heal.epoch.get_mut() = 0;
        *page.heal.stand_at.get_mut() = 0;
        *page.heal.released.get_mut() = 0;
        *page.heal.rollback.freeze_at.get_mut() = 0;
        *page.heal.rollback.to.get_mut() = 0;
        *page.guest_pid.get_mut() = 0;
        *page.leader_pid.get_mut() = 0;
        page.hook = Hook::NONE;
    }

    fn page(&self, group: usize) -> *mut Control {
        assert!(group < MAX_GROUPS, "groups are numbered below the limit");
        // SAFETY: inside the mapping.
        unsafe { self.0.at.as_ptr().cast::<Control>().add(group) }
    }
}

/// Wakes everybody who sleeps on a word of shared memory.
pub fn wake_all(word: &AtomicU32) {
    // SAFETY: FUTEX_WAKE only uses the address as a name.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX, 0, 0, 0) };
}

/// The low half of a 64-bit word, which is where a futex on it lies (little-endian).
pub const fn low_half(word: &AtomicU64) -> &AtomicU32 {
    // SAFETY: a u64's first four bytes are a valid, aligned u32, and both views are atomic.
    unsafe { &*std::ptr::from_ref(word).cast::<AtomicU32>() }
}

/// The plan area.
pub struct PlanFile(Area<PlanArea>);

impl PlanFile {
    /// An empty area.
    pub fn create() -> Result<Self> {
        Area::create("rcb-plans").map(Self)
    }

    /// The area.
    pub const fn area(&self) -> &Area<PlanArea> {
        &self.0
    }

    /// The one writer of the area.
    ///
    /// # Safety
    ///
    /// To be called once, before a replica exists, and the writer must not be used after the area is dropped.
    pub unsafe fn writer(&self) -> PlanTable {
        // SAFETY: the mapping is as large as the type; the caller promises the rest.
        unsafe { PlanTable::new(self.0.at) }
    }
}

/// The journals of all groups, which the replicas alone use.
pub struct Journals(OwnedFd);

impl Journals {
    /// Room for the journal of every group, which costs no memory before it is used.
    pub fn create() -> Result<Self> {
        let fd = memory_file("rcb-journals", false)?;
        without_file_limit(|| nix::unistd::ftruncate(&fd, MAX_GROUPS as i64 * JOURNAL_BYTES as i64))
            .map_err(|error| Error::os("sizing the journals (see also ulimit -f)", error))?;
        Ok(Self(fd))
    }

    /// The descriptor, readable and writable.
    pub const fn fd(&self) -> &OwnedFd {
        &self.0
    }

    /// The same file again, read-only.
    pub fn reopen_read_only(&self) -> Result<OwnedFd> {
        reopen_read_only(&self.0)
    }

    /// Gives back the memory of groups that are gone, from `group` on.
    pub fn clear(&self, group: usize, groups: usize) -> Result<()> {
        punch(&self.0, group as u64 * JOURNAL_BYTES, groups as u64 * JOURNAL_BYTES)
    }
}

/// Makes a part of a file zeros again.
fn punch(fd: &OwnedFd, start: u64, length: u64) -> Result<()> {
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: changes the contents of our own file.
    if unsafe { libc::fallocate(fd.as_raw_fd(), mode, start as i64, length as i64) } != 0 {
        return Err(Error::last_os("clearing shared memory"));
    }
    Ok(())
}

/// The segments of one replica of every group.
pub struct Column {
    area: Area<[u8; MAX_GROUPS * SEGMENT_STRIDE as usize]>,
    /// Bytes of the file so far.
    size: Cell<u64>,
}

impl Column {
    /// The segment of the first group, of zeros.
    pub fn create(replica: usize) -> Result<Self> {
        let area = Area::create_with(&format!("rcb-segments-{replica}"), SEGMENT_STRIDE as usize)?;
        Ok(Self { area, size: Cell::new(SEGMENT_STRIDE) })
    }

    /// Makes room for the segment of a group, of zeros.
    pub fn reserve(&self, group: usize) -> Result<()> {
        let wanted = (group as u64 + 1) * SEGMENT_STRIDE;
        if self.size.get() < wanted {
            without_file_limit(|| nix::unistd::ftruncate(self.fd(), wanted as i64))
                .map_err(|error| Error::os("sizing a segment (see also ulimit -f)", error))?;
            self.size.set(wanted);
        }
        Ok(())
    }

    /// The descriptor, readable and writable.
    pub const fn fd(&self) -> &OwnedFd {
        self.area.fd()
    }

    /// The same file again, read-only.
    pub fn reopen_read_only(&self) -> Result<OwnedFd> {
        self.area.reopen_read_only()
    }

    /// The segment of a group.
    pub fn segment(&self, group: usize) -> SegmentArea<'_> {
        assert!(group < MAX_GROUPS, "groups are numbered below the limit");
        // SAFETY: inside the mapping.
        let at = unsafe { self.area.at.cast::<u8>().add(group * SEGMENT_STRIDE as usize) };
        SegmentArea { at: at.cast(), column: std::marker::PhantomData }
    }

    /// Fills in the segment of the first group, before its replica exists; from then on the column is read-only here.
    pub fn fill(&mut self, fill: impl FnOnce(&mut Segment)) -> Result<()> {
        // SAFETY: the mapping is large and aligned enough, zeros are valid for a segment, and no replica exists yet.
        fill(unsafe { self.area.at.cast::<Segment>().as_mut() });
        // SAFETY: nothing here writes through the mapping any more.
        unsafe { mprotect(self.area.at.cast(), MAX_GROUPS * SEGMENT_STRIDE as usize, ProtFlags::PROT_READ) }
            .map_err(|error| Error::os("protecting a segment", error))
    }

    /// Makes the segments of groups that are gone zeros again, from `group` on.
    pub fn clear(&self, group: usize, groups: usize) -> Result<()> {
        punch(self.fd(), group as u64 * SEGMENT_STRIDE, groups as u64 * SEGMENT_STRIDE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn segments_read_back_what_was_filled_in() {
        let mut column = Column::create(1).expect("column");
        column
            .fill(|raw| {
                raw.head.seq.store(70, Ordering::Relaxed);
                raw.wait.hook_done.store(1, Ordering::Relaxed);
                for index in 0..70u64 {
                    raw.refusals[index as usize % 64].store(index + 1, Ordering::Relaxed);
                }
                raw.refusal_count.store(70, Ordering::Relaxed);
            })
            .expect("protect");
        let segment = column.segment(0);
        assert_eq!(segment.inbox().seq(), 70);
        assert!(segment.is_hook_done());
        assert_eq!(segment.refusals_since(68), (70, vec![69, 70]));
        assert_eq!(segment.refusals_since(0).1.len(), 64);
        assert_eq!(segment.refusals_since(70), (70, vec![]));
        column.clear(0, 1).expect("clear");
        assert_eq!(segment.inbox().seq(), 0);
        column.reserve(MAX_GROUPS - 1).expect("reserve");
        assert_eq!(column.segment(MAX_GROUPS - 1).pid(), 0);
    }

    #[test]
    fn read_only_means_read_only() {
        let control = ControlArea::create().expect("control");
        let fd = control.area().reopen_read_only().expect("reopen");
        assert!(File::from(fd).write_all(b"x").is_err());
    }
}

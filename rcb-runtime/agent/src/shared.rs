//! The shared areas: control page, plan area and segments, mapped at the addresses that `rcb-abi` fixes.
#![allow(unsafe_code, reason = "fixed addresses of shared memory become references here and nowhere else")]

use crate::state::words;
use core::mem::offset_of;
use core::sync::atomic::Ordering::{Acquire, Relaxed};
use rcb_abi::control::{Control, process};
use rcb_abi::descriptors::{FD_CONTROL, FD_JOURNAL, FD_PLAN, FD_SEGMENT};
use rcb_abi::journal::{JOURNAL_ADDR, JOURNAL_BYTES};
use rcb_abi::plan::PlanArea;
use rcb_abi::segment::Segment;
use rcb_abi::{
    ABI_VERSION, AGENT_BASE, AGENT_START, CONTROL_ADDR, MAGIC, MAX_GROUPS, OWN_ADDR, PLAN_ADDR, SEGMENT_STRIDE,
    segment_addr,
};
use rcb_sys::{errno, nr, syscall};

const PROT_READ: u64 = 1;
const PROT_WRITE: u64 = 2;
const MAP_SHARED: u64 = 0x01;
const MAP_FIXED: u64 = 0x10;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;

/// The group of this process.
#[inline]
pub fn group() -> usize {
    words().group.load(Relaxed) as usize
}

/// The supervisor's page of this group.
#[inline]
pub fn control() -> &'static Control {
    control_of(group())
}

/// The supervisor's page of a group.
#[inline]
pub fn control_of(group: usize) -> &'static Control {
    let page = CONTROL_ADDR + (group % MAX_GROUPS) as u64 * size_of::<Control>() as u64;
    // SAFETY: mapped at boot, for ever; written by the supervisor only through atomics once the group exists.
    unsafe { &*(page as *const Control) }
}

/// The process to which signals for this process id of the guest go: that of the group's leader, if it is another one
/// than at first.
pub fn real_pid(pid: u32) -> u32 {
    let pages = (0..MAX_GROUPS).map(control_of);
    let is_meant = |page: &&Control| page.guest_pid.load(Acquire) == pid && page.state.load(Relaxed) == process::RUNS;
    pages.into_iter().find(is_meant).map_or(pid, |page| page.leader_pid.load(Relaxed))
}

/// The supervisor's patch plans.
pub fn plans() -> &'static PlanArea {
    // SAFETY: mapped at boot; entries below `count` never change.
    unsafe { &*(PLAN_ADDR as *const PlanArea) }
}

/// Whether digests of data are made with AES instructions; the same for all replicas.
#[inline]
pub fn wide_digest() -> bool {
    control().wide_digest != 0
}

/// The segment of a replica of this group, to read: there is one mapping of each.
#[inline]
pub fn peer(replica: usize) -> &'static Segment {
    let is_own = words().replica.load(Relaxed) as usize == replica;
    let at = if is_own { OWN_ADDR } else { segment_addr(replica) };
    // SAFETY: mapped at boot, for ever; only its atomics are read.
    unsafe { &*(at as *const Segment) }
}

/// This replica's own segment.
#[inline]
pub fn own() -> &'static mut Segment {
    // SAFETY: this replica is the only writer and has one thread; callers hold the reference for one statement.
    unsafe { &mut *(OWN_ADDR as *mut Segment) }
}

/// Maps everything for a replica of a group; returns an errno (negated) on failure.
pub fn map((replica, group): (usize, usize), fd_base: u32) -> Result<(), i64> {
    const PRIVATE_ANONYMOUS: u64 = 0x22;
    let how = PRIVATE_ANONYMOUS | MAP_FIXED_NOREPLACE;
    // SAFETY: the range belongs to the agent; nothing is replaced.
    let fence = unsafe { syscall!(nr::MMAP, AGENT_START, AGENT_BASE - AGENT_START, 0, how, -1i64, 0) };
    if fence != AGENT_START as i64 {
        return Err(fence);
    }
    one(CONTROL_ADDR, MAX_GROUPS * size_of::<Control>(), PROT_READ, fd_base + FD_CONTROL, 0, MAP_FIXED_NOREPLACE)?;
    one(PLAN_ADDR, size_of::<PlanArea>(), PROT_READ, fd_base + FD_PLAN, 0, MAP_FIXED_NOREPLACE)?;
    words().group.store(group as u32, Relaxed);
    words().replica.store(replica as u32, Relaxed);
    let n = control().replicas as usize;
    if control().magic != MAGIC || control().version != ABI_VERSION || n == 0 || n > rcb_abi::MAX_REPLICAS {
        return Err(errno::fail(errno::EINVAL));
    }
    map_segments(replica, n, fd_base, MAP_FIXED_NOREPLACE)?;
    let own = own();
    if own.magic != MAGIC || own.version != ABI_VERSION || own.replica as usize != replica {
        return Err(errno::fail(errno::EINVAL));
    }
    Ok(())
}

/// Maps the journal of this process's group; the first leader's descriptor is for reading only.
fn journal(fd_base: u32, how: u64) -> Result<(), i64> {
    let offset = group() as u64 * JOURNAL_BYTES;
    let with = |rights| one(JOURNAL_ADDR, JOURNAL_BYTES as usize, rights, fd_base + FD_JOURNAL, offset, how);
    with(PROT_READ | PROT_WRITE).or_else(|_| with(PROT_READ))
}

/// The same again, with the rights of a descriptor that was opened anew.
pub fn map_journal(fd_base: u32) -> Result<(), i64> {
    journal(fd_base, MAP_FIXED)
}

/// Maps the segments of this process's group.
fn map_segments(replica: usize, n: usize, fd_base: u32, how: u64) -> Result<(), i64> {
    let offset = group() as u64 * SEGMENT_STRIDE;
    for i in (0..n).filter(|i| *i != replica) {
        one(segment_addr(i), size_of::<Segment>(), PROT_READ, fd_base + FD_SEGMENT + i as u32, offset, how)?;
    }
    if control().checkpoints != 0 {
        journal(fd_base, how)?;
    }
    map_own(fd_base + FD_SEGMENT + replica as u32, how)
}

/// Maps the segment in `column` as this replica's own.
fn map_own(column: u32, how: u64) -> Result<(), i64> {
    let offset = group() as u64 * SEGMENT_STRIDE;
    one(OWN_ADDR, size_of::<Segment>(), PROT_READ | PROT_WRITE, column, offset, how)
}

/// A copy of `origin`, in the same group, leaves that one's segment, which it reads from now on, for that of `victim`.
pub fn replace_own(origin: usize, victim: usize, fd_base: u32) -> Result<(), i64> {
    let column = |replica: usize| fd_base + FD_SEGMENT + replica as u32;
    map_own(column(victim), MAP_FIXED)?;
    words().replica.store(victim as u32, Relaxed);
    // SAFETY: the agent's own mapping, which nobody looks at any more.
    unsafe { syscall!(nr::MUNMAP, segment_addr(victim), size_of::<Segment>(), 0, 0, 0, 0) };
    let offset = group() as u64 * SEGMENT_STRIDE;
    one(segment_addr(origin), size_of::<Segment>(), PROT_READ, column(origin), offset, MAP_FIXED_NOREPLACE)
}

/// A forked process leaves the segments of its parent's group for those of its own.
pub fn join(group: u32, replica: usize, n: usize, fd_base: u32) -> Result<(), i64> {
    words().group.store(group, Relaxed);
    map_segments(replica, n, fd_base, MAP_FIXED)
}

/// Which replica this process is, and of which group: where its process id stands. `given` is the replica that was
/// started here, which it may not be any more; at first nothing stands anywhere. `None`: it stands nowhere.
pub fn place(given: usize, fd_base: u32) -> Option<(usize, usize)> {
    // SAFETY: asks for a number.
    let own = unsafe { syscall!(nr::GETPID, 0, 0, 0, 0, 0, 0) } as u32;
    let column = |replica: usize| fd_base + FD_SEGMENT + replica as u32;
    if pid_in(column(given), 0) == Some(0) {
        return Some((given, 0));
    }
    let others = (0..rcb_abi::MAX_REPLICAS).filter(|replica| *replica != given);
    for replica in core::iter::once(given).chain(others) {
        let holds = |group: &usize| pid_in(column(replica), *group) == Some(own);
        if let Some(group) = (0..MAX_GROUPS).find(holds) {
            return Some((replica, group));
        }
    }
    None
}

/// The process id in the segment of a group; `None` beyond the end of the column.
fn pid_in(column: u32, group: usize) -> Option<u32> {
    let mut pid = 0u32;
    let at = group as u64 * SEGMENT_STRIDE + offset_of!(Segment, pid) as u64;
    // SAFETY: reads into a local.
    let got = unsafe { syscall!(nr::PREAD64, column, &raw mut pid, 4, at, 0, 0) };
    (got == 4).then_some(pid)
}

fn one(addr: u64, bytes: usize, prot: u64, fd: u32, offset: u64, how: u64) -> Result<(), i64> {
    // SAFETY: the range belongs to the agent.
    let at = unsafe { syscall!(nr::MMAP, addr, bytes, prot, MAP_SHARED | how, fd, offset) };
    if at == addr as i64 { Ok(()) } else { Err(at) }
}

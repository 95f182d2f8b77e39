//! The shared areas: control page, plan area and segments, mapped at the addresses that `rcb-abi` fixes.
#![allow(unsafe_code, reason = "fixed addresses of shared memory become references here and nowhere else")]

use rcb_abi::control::Control;
use rcb_abi::descriptors::{FD_CONTROL, FD_PLAN, FD_SEGMENT};
use rcb_abi::plan::PlanArea;
use rcb_abi::segment::Segment;
use rcb_abi::{ABI_VERSION, CONTROL_ADDR, MAGIC, PLAN_ADDR, segment_addr};
use rcb_sys::{errno, nr, syscall};

const PROT_READ: u64 = 1;
const PROT_WRITE: u64 = 2;
const MAP_SHARED_FIXED: u64 = 0x01 | 0x10_0000;

/// The supervisor's page.
#[inline]
pub fn control() -> &'static Control {
    // SAFETY: mapped at boot, for ever; written by the supervisor only through atomics after `go`.
    unsafe { &*(CONTROL_ADDR as *const Control) }
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

/// The segment of a peer, read-only.
#[inline]
pub fn peer(replica: usize) -> &'static Segment {
    // SAFETY: mapped at boot, for ever; only its atomics are read.
    unsafe { &*(segment_addr(replica) as *const Segment) }
}

/// This replica's own segment.
#[inline]
pub fn own(replica: usize) -> &'static mut Segment {
    // SAFETY: this replica is the only writer and has one thread; callers hold the reference for one statement.
    unsafe { &mut *(segment_addr(replica) as *mut Segment) }
}

/// Maps everything; returns an errno (negated) on failure.
pub fn map(replica: usize, fd_base: u32) -> Result<(), i64> {
    one(CONTROL_ADDR, size_of::<Control>(), PROT_READ, fd_base + FD_CONTROL)?;
    one(PLAN_ADDR, size_of::<PlanArea>(), PROT_READ, fd_base + FD_PLAN)?;
    let n = control().replicas as usize;
    if control().magic != MAGIC || control().version != ABI_VERSION || n == 0 || n > rcb_abi::MAX_REPLICAS {
        return Err(errno::fail(errno::EINVAL));
    }
    for i in 0..n {
        let prot = if i == replica { PROT_READ | PROT_WRITE } else { PROT_READ };
        one(segment_addr(i), size_of::<Segment>(), prot, fd_base + FD_SEGMENT + i as u32)?;
    }
    let own = own(replica);
    if own.magic != MAGIC || own.version != ABI_VERSION || own.replica as usize != replica {
        return Err(errno::fail(errno::EINVAL));
    }
    Ok(())
}

fn one(addr: u64, bytes: usize, prot: u64, fd: u32) -> Result<(), i64> {
    // SAFETY: the range belongs to the agent and MAP_FIXED_NOREPLACE replaces nothing.
    let at = unsafe { syscall!(nr::MMAP, addr, bytes, prot, MAP_SHARED_FIXED, fd, 0) };
    if at == addr as i64 { Ok(()) } else { Err(at) }
}

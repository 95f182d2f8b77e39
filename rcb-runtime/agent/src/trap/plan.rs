//! Asks the supervisor for the patch plan of a file that is mapped executable and has made its first call.
//! (Most of the libraries that a program maps never make one.)
//!
//! Only the leader asks; the followers take its answer from the log, so that all patch the same sites.
#![allow(unsafe_code, reason = "waits on a shared word")]

use crate::call::step;
use crate::fault;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::{Acquire, Release};
use rcb_abi::plan::MAX_PLANS;
use rcb_abi::segment::START;
use rcb_sys::errno::is_error;
use rcb_sys::types::Stat;
use rcb_sys::{nr, syscall};

/// Pseudo number of the request for a plan.
const PLAN: u32 = START + 1;
/// How long the supervisor may take (nanoseconds); then the file is not patched from a plan.
const PATIENCE_NS: u64 = 200_000_000;

/// A file as `fstat` tells it from others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    dev: u64,
    ino: u64,
    size: u64,
    mtime_ns: u64,
}

impl FileId {
    /// No file.
    pub const NONE: Self = Self { dev: 0, ino: 0, size: 0, mtime_ns: 0 };

    /// The file behind `fd`.
    pub fn of(fd: u64) -> Option<Self> {
        let mut stat = Stat::default();
        // SAFETY: writes a local.
        if is_error(unsafe { syscall!(nr::FSTAT, fd, &raw mut stat, 0, 0, 0, 0) }) {
            return None;
        }
        let mtime_ns = stat.times[2].wrapping_mul(1_000_000_000).wrapping_add(stat.times[3]);
        Some(Self { dev: stat.dev, ino: stat.ino, size: stat.size as u64, mtime_ns })
    }
}

/// Index of the plan for `file`, mapped at `addr`, plus one; 0 for none.
pub fn find(st: &mut State, file: FileId, addr: u64) -> u32 {
    let (replica, base) = (st.replica, st.fd_base);
    let value = step(st, PLAN, || ask(replica, base, file, addr));
    (value as u32).min(MAX_PLANS as u32)
}

/// Looks among the published plans, else asks and waits.
fn ask(replica: usize, fd_base: u32, file: FileId, addr: u64) -> u64 {
    let known = || {
        let plans = shared::plans();
        let count = (plans.count.load(Acquire) as usize).min(MAX_PLANS);
        let same = |e: &rcb_abi::plan::PlanEntry| {
            file == FileId { dev: e.dev, ino: e.ino, size: e.size, mtime_ns: e.mtime_ns }
        };
        plans.entries[..count].iter().position(same).map_or(0, |i| i as u64 + 1)
    };
    let found = known();
    if found != 0 {
        return found;
    }
    let request = &mut shared::own().plan_request;
    request.addr = addr;
    request.dev = file.dev;
    request.ino = file.ino;
    let ticket = request.ticket.load(Acquire) + 1;
    request.ticket.store(ticket, Release);
    fault::notify_at(fd_base);
    let answered = &shared::control().plan_answered[replica];
    let nap = [0u64, PATIENCE_NS];
    let seen = answered.load(Acquire);
    if seen < ticket {
        // SAFETY: waits on a shared word.
        unsafe { syscall!(nr::FUTEX, answered.as_ptr(), 0, seen as u32, &raw const nap, 0, 0) };
    }
    if answered.load(Acquire) < ticket {
        return 0;
    }
    known()
}

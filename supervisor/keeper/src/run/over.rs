//! Replicas that disagree before they have left their first frozen copies are started over: what has been done so far is
//! to load the program, and nothing has left.

use crate::act::Watch;
use rcb_abi::fault::kind;
use rcb_abi::segment::{RING, START};
use rcb_guard::{Cause, Fault};
use std::time::{Duration, Instant};

/// A fault that is there again after so many times stays.
const TIMES: usize = 2;
/// What the other replica may take to fail at what one has failed at.
const PATIENCE: Duration = Duration::from_millis(100);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(1);

/// Whether a replica has not come to a call of the guest, so that in strict lockstep none has been performed; asked when they
/// stand still.
pub(super) fn is_possible(watch: &Watch<'_>, again: usize) -> bool {
    let first = watch.tree.groups.get(&0).filter(|_| watch.checkpoints.is_some() && again < TIMES);
    let Some(watched) = first else { return false };
    watched.group.segments.iter().any(|segment| {
        let said = segment.inbox().statement();
        said.seq < RING as u64 && said.requests().all(|request| request.nr >= START)
    })
}

/// Whether it is the program that cannot be started: then all fail alike. Asked while the replicas run.
pub(super) fn all_fail(watch: &Watch<'_>, id: usize, cause: &Cause) -> bool {
    let (Some(watched), Cause::Fault { fault, .. }) = (watch.tree.groups.get(&id), cause) else { return false };
    if fault.kind != kind::BOOT {
        return false;
    }
    let is_same = |other: &Fault| (other.kind, other.detail, other.site) == (fault.kind, fault.detail, fault.site);
    let until = Instant::now() + PATIENCE;
    loop {
        if watched.group.segments.iter().all(|segment| is_same(&segment.inbox().fault())) {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(LOOK);
    }
}

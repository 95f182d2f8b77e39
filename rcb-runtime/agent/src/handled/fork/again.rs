//! A fork in the middle of which a replica was lost, made again by its frozen copy: its child may be there already, with or
//! without that of its peer. No other one is made then, so that a group that has begun to run does so once.
#![allow(unsafe_code, reason = "reads the child's segment")]

use super::wanted::{CLONE_PIDFD, CLONE_VFORK, Wanted};
use crate::recovery::{self, refuse};
use crate::shared;
use crate::state::State;
use core::mem::offset_of;
use core::sync::atomic::Ordering::Acquire;
use rcb_abi::SEGMENT_STRIDE;
use rcb_abi::control::process;
use rcb_abi::descriptors::FD_SEGMENT;
use rcb_abi::fault::heal_site;
use rcb_abi::segment::{Carry, Segment};
use rcb_sys::errno::ENOSYS;
use rcb_sys::{nr, syscall};

/// A word of this replica's segment in another group; 0 in one that nobody has written to.
fn word(st: &State, group: u32, offset: usize) -> u64 {
    let mut value = 0u64;
    let column = st.fd_base + FD_SEGMENT + st.replica as u32;
    let at = u64::from(group) * SEGMENT_STRIDE + offset as u64;
    // SAFETY: reads into a local of that size.
    let got = unsafe { syscall!(nr::PREAD64, column, &raw mut value, 8, at, 0, 0) };
    recovery::read(got.max(0) as u64);
    value
}

/// The process that was born as this replica's child, if it was before now.
pub(super) fn child(st: &State, wanted: &Wanted, group: u32) -> Option<u32> {
    if !st.checkpoints {
        return None;
    }
    let pid = word(st, group, offset_of!(Segment, born)) as u32;
    if pid == 0 {
        return None;
    }
    if wanted.has(CLONE_PIDFD) {
        // Its descriptor was made with it, under a number that is not known.
        refuse(st, heal_site::PLACE, u64::from(ENOSYS));
    }
    if wanted.has(CLONE_VFORK) {
        let generation = offset_of!(Segment, carry) + offset_of!(Carry, generation);
        let nap = [0u64, 500_000];
        while shared::control_of(group as usize).state.load(Acquire) != process::ENDED
            && word(st, group, generation) == shared::own().carry.generation
        {
            // SAFETY: sleeps; the time is a local.
            unsafe { syscall!(nr::NANOSLEEP, &raw const nap, 0, 0, 0, 0, 0) };
        }
    }
    Some(pid)
}

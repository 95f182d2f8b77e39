//! Last words: a replica that cannot go on records why, wakes the supervisor and stands still.
#![allow(unsafe_code, reason = "the panic handler and raw waiting")]

use crate::shared;
use crate::state::{State, state};
use core::sync::atomic::Ordering::{Relaxed, Release};
use rcb_abi::descriptors::FD_NOTIFY;
use rcb_abi::fault::kind;
use rcb_abi::segment::phase;
use rcb_sys::{nr, syscall};

/// What to write down.
#[derive(Clone, Copy)]
pub struct Words {
    /// See `rcb_abi::fault::kind`.
    pub kind: u32,
    /// The peer concerned, `u32::MAX` for none.
    pub peer: u32,
    /// Its chain.
    pub peer_chain: u64,
    /// errno, line or signal.
    pub detail: u64,
    /// Address or place.
    pub site: u64,
    /// Data address of an exception.
    pub data_addr: u64,
}

impl Words {
    /// Words about nobody else.
    pub fn new(kind: u32, detail: u64, site: u64) -> Self {
        Self { kind, peer: u32::MAX, peer_chain: 0, detail, site, data_addr: 0 }
    }

    /// Words about those of the leader.
    pub fn of_leader(st: &State, kind: u32, detail: u64, site: u64) -> Self {
        Self { peer: st.leader as u32, ..Self::new(kind, detail, site) }
    }

    /// A difference from a peer.
    pub fn mismatch(peer: usize, peer_chain: u64) -> Self {
        Self { kind: kind::MISMATCH, peer: peer as u32, peer_chain, detail: 0, site: 0, data_addr: 0 }
    }
}

/// Records a fault and never returns; the supervisor decides what happens to this process.
pub fn park(st: &State, words: Words) -> ! {
    record(st, words);
    stand_still()
}

/// Records a fault and wakes the supervisor.
pub fn record(st: &State, words: Words) {
    let own = shared::own();
    own.fault.peer = words.peer;
    own.fault.seq = st.seq;
    own.fault.own_chain = st.chain;
    own.fault.peer_chain = words.peer_chain;
    own.fault.detail = words.detail;
    own.fault.site = words.site;
    own.fault.data_addr = words.data_addr;
    if !st.regs.is_null() {
        // SAFETY: set on entry to a structure on the agent's stack that lives until the call is done.
        own.regs = unsafe { *st.regs };
    }
    own.fault.kind.store(words.kind, Release);
    own.wait.phase.store(phase::PARKED, Relaxed);
    notify(st);
}

/// Wakes the supervisor.
pub fn notify(st: &State) {
    notify_at(st.fd_base);
}

/// Wakes the supervisor; `fd_base` is the first reserved descriptor.
pub fn notify_at(fd_base: u32) {
    let one = 1u64;
    // Entered first: whoever is woken may end this process before it runs again.
    crate::recovery::wrote(8);
    // SAFETY: writes eight bytes from a local to the agent's own eventfd.
    let written = unsafe { syscall!(nr::WRITE, fd_base + FD_NOTIFY, &raw const one, 8) };
    if written != 8 {
        crate::recovery::wrote(0u64.wrapping_sub(8));
    }
}

/// Sleeps until killed.
pub fn stand_still() -> ! {
    loop {
        let word = &raw const shared::control().stop;
        // SAFETY: waits on a word of the control page; nothing is written.
        let result = unsafe { syscall!(nr::FUTEX, word, 0, 0, 0, 0, 0) };
        if result == -11 {
            // The word is 1 already: there is nothing to sleep on, so wait in the kernel without a condition.
            let hour = [3600u64, 0];
            // SAFETY: a sleep.
            unsafe { syscall!(230, 1, 0, &raw const hour, 0) };
        }
    }
}

/// What the hardening pass says about a failed check: name of the function, kind of check.
#[repr(C)]
pub struct Site {
    function: *const u8,
    check: u32,
}

/// Where a failed check of the hardened agent arrives. Nothing calls it in an agent that is not hardened.
#[unsafe(no_mangle)]
extern "C" fn __rcb_fault(site: *const Site) -> ! {
    // SAFETY: the pass gives the address of a constant of this image.
    let (function, check) = unsafe { ((*site).function, (*site).check) };
    park(state(), Words::new(kind::AGENT_CHECK, u64::from(check), function as u64))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let line = info.location().map_or(0, core::panic::Location::line);
    let file = info.location().map_or(0, |l| rcb_vote::digest::bytes(l.file().as_bytes()));
    park(state(), Words::new(kind::AGENT_PANIC, u64::from(line), file))
}

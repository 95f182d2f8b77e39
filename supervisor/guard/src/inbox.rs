//! What a replica says, copied out of its segment as the words of somebody who may be mad.
//!
//! Every word is loaded once into a value of ours. A slot of the trace counts only if its number belongs into that
//! slot and lies in the window behind the head; counts are cut to what their arrays hold.
#![allow(unsafe_code, reason = "reads shared memory that another process may be writing")]

use crate::decide::End;
use core::marker::PhantomData;
use core::ptr::{NonNull, addr_of};
use core::sync::atomic::Ordering::{Acquire, Relaxed};
use rcb_abi::fault::{FaultRecord, Regs};
use rcb_abi::segment::{RING, Segment, Trace, phase};

/// A fault as a replica has recorded it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// One of [`rcb_abi::fault::kind`]; 0 for none.
    pub kind: u32,
    /// See [`FaultRecord`].
    pub peer: u32,
    /// See [`FaultRecord`].
    pub seq: u64,
    /// See [`FaultRecord`].
    pub own_chain: u64,
    /// See [`FaultRecord`].
    pub peer_chain: u64,
    /// See [`FaultRecord`].
    pub detail: u64,
    /// See [`FaultRecord`].
    pub site: u64,
    /// See [`FaultRecord`].
    pub data_addr: u64,
}

const _: () = assert!(core::mem::offset_of!(FaultRecord, kind) == 0, "the kind is the word that publishes the record");

/// The segment of one replica as its judge reads it.
#[derive(Clone, Copy)]
pub struct Inbox<'run> {
    at: NonNull<Segment>,
    lives: PhantomData<&'run Segment>,
}

/// Copies one plain field out.
macro_rules! copy_out {
    ($self:ident, $($field:tt)+) => {
        // SAFETY: `Inbox::new` promises the mapping; a volatile read copies the bytes once, and every bit pattern is
        // valid for the plain types used here.
        unsafe { addr_of!((*$self.at.as_ptr()).$($field)+).read_volatile() }
    };
}

/// Lends an atomic word.
macro_rules! word {
    ($self:ident, $($field:tt)+) => {
        // SAFETY: `Inbox::new` promises the mapping; the word is atomic, so it may change while it is lent.
        unsafe { &(*$self.at.as_ptr()).$($field)+ }
    };
}

impl Inbox<'_> {
    /// Reads the segment at this address.
    ///
    /// # Safety
    ///
    /// A whole [`Segment`] must be mapped there, readable, for as long as the lifetime says. It may change at any time.
    pub const unsafe fn new(at: NonNull<Segment>) -> Self {
        Self { at, lives: PhantomData }
    }

    /// Sequence number of the latest request.
    pub fn seq(&self) -> u64 {
        word!(self, head.seq).load(Acquire)
    }

    /// Call number of the latest request.
    pub fn nr(&self) -> u32 {
        word!(self, head.nr).load(Relaxed)
    }

    /// What the replica is doing ([`phase`]).
    pub fn phase(&self) -> u32 {
        word!(self, wait.phase).load(Acquire)
    }

    /// The peer it waits for.
    pub fn wait_for(&self) -> u32 {
        word!(self, wait.wait_for).load(Relaxed)
    }

    /// Number of the answer in the slot in which the one to request `seq` belongs.
    pub fn answered(&self, seq: u64) -> u64 {
        word!(self, records)[slot_of(seq)].seq.load(Acquire)
    }

    /// The end that the replica has announced, if it is one that a process can come to.
    pub fn ending(&self) -> Option<End> {
        let how = word!(self, ending.how).load(Acquire);
        let code = word!(self, ending.code).load(Acquire);
        match (how, code) {
            (1, _) => Some(End::Exit((code & 0xff) as i32)),
            (2, 1..=64) => Some(End::Signal(code as i32)),
            _ => None,
        }
    }

    /// The fault; its `kind` is 0 while there is none.
    pub fn fault(&self) -> Fault {
        let kind = word!(self, fault.kind).load(Acquire);
        if kind == 0 {
            return Fault::default();
        }
        Fault {
            kind,
            peer: copy_out!(self, fault.peer),
            seq: copy_out!(self, fault.seq),
            own_chain: copy_out!(self, fault.own_chain),
            peer_chain: copy_out!(self, fault.peer_chain),
            detail: copy_out!(self, fault.detail),
            site: copy_out!(self, fault.site),
            data_addr: copy_out!(self, fault.data_addr),
        }
    }

    /// Everything that is judged. The replica should stand still; if it does not, requests are missing, not mixed up.
    pub fn statement(&self) -> Statement {
        let mut statement = Statement {
            fault: self.fault(),
            phase: self.phase(),
            seq: self.seq(),
            chain: word!(self, head.chain).load(Relaxed),
            regs: copy_out!(self, regs),
            ..Statement::EMPTY
        };
        for slot in 0..RING {
            statement.take(slot, copy_out!(self, trace[slot]));
            let record = &word!(self, records)[slot];
            statement.answers[slot] = (record.seq.load(Acquire), record.chain.load(Relaxed));
        }
        statement
    }
}

/// What one replica says, as plain values.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Sequence number of its latest request.
    pub seq: u64,
    /// The chain it showed its peers with that request.
    pub chain: u64,
    /// One of [`phase`].
    pub phase: u32,
    /// Its own fault, kind 0 for none.
    pub fault: Fault,
    /// Registers of the guest, left by a replica that is parked; zeros otherwise.
    pub regs: Regs,
    /// Latest requests, each in its slot; 0 for an empty one.
    trace: [Trace; RING],
    /// Numbers and chains of its latest answers, each in its slot.
    answers: [(u64, u64); RING],
}

/// An empty slot.
const NO_REQUEST: Trace = Trace {
    seq: 0,
    chain: 0,
    nr: 0,
    nargs: 0,
    rip: 0,
    result: 0,
    args: [0; 6],
    input: 0,
    sample: [0; 16],
    sample_len: 0,
    reserved: 0,
};

impl Statement {
    /// A replica that has not said anything.
    pub const EMPTY: Self = Self {
        seq: 0,
        chain: 0,
        phase: phase::BOOT,
        fault: Fault { kind: 0, peer: 0, seq: 0, own_chain: 0, peer_chain: 0, detail: 0, site: 0, data_addr: 0 },
        regs: Regs {
            r15: 0,
            r14: 0,
            r13: 0,
            r12: 0,
            rbp: 0,
            rbx: 0,
            r11: 0,
            r10: 0,
            r9: 0,
            r8: 0,
            rax: 0,
            rcx: 0,
            rdx: 0,
            rsi: 0,
            rdi: 0,
            rip: 0,
            rflags: 0,
            rsp: 0,
        },
        trace: [NO_REQUEST; RING],
        answers: [(0, 0); RING],
    };

    /// A parked replica that has made these requests, the last one last.
    pub fn of(requests: &[Trace]) -> Self {
        let (seq, chain) = requests.last().map_or((0, 0), |last| (last.seq, last.chain));
        let mut statement = Self { seq, chain, phase: phase::PARKED, ..Self::EMPTY };
        for request in requests {
            statement.take(slot_of(request.seq), *request);
        }
        statement
    }

    /// Takes a request out of a slot of the ring, if it can be one that the replica has posted.
    fn take(&mut self, slot: usize, found: Trace) {
        let is_possible = found.seq != 0 && slot_of(found.seq) == slot;
        // A slot is written before the head shows its number: a later one may be half written.
        let is_posted = found.seq <= self.seq && self.seq - found.seq < RING as u64;
        if is_possible && is_posted && slot < RING {
            self.trace[slot] = Trace {
                nargs: found.nargs.min(found.args.len() as u32),
                sample_len: found.sample_len.min(found.sample.len() as u32),
                ..found
            };
        }
    }

    /// The request with this number, if the ring still holds it.
    pub const fn request(&self, seq: u64) -> Option<&Trace> {
        let slot = &self.trace[slot_of(seq)];
        if seq != 0 && slot.seq == seq { Some(slot) } else { None }
    }

    /// The result of the request with this number, known once the next one is posted.
    pub fn result(&self, seq: u64) -> Option<u64> {
        self.request(seq).filter(|_| self.seq > seq).map(|slot| slot.result)
    }

    /// The chain that it has written with its answer to this request, if the ring still holds one.
    pub const fn answer(&self, seq: u64) -> Option<u64> {
        let (number, chain) = self.answers[slot_of(seq)];
        if seq != 0 && number == seq { Some(chain) } else { None }
    }

    /// The same replica when it has answered this request with this chain.
    #[must_use]
    pub const fn answering(mut self, seq: u64, chain: u64) -> Self {
        self.answers[slot_of(seq)] = (seq, chain);
        self
    }

    /// All requests that the ring holds, in no order.
    pub fn requests(&self) -> impl Iterator<Item = &Trace> {
        self.trace.iter().filter(|slot| slot.seq != 0)
    }

    /// Whether it waits for a peer or has stopped for good: then its words do not change under our eyes.
    pub const fn stands(&self) -> bool {
        matches!(self.phase, phase::PARKED | phase::WAIT_REQUEST | phase::WAIT_RESULT)
    }
}

/// Where in a ring the number belongs.
const fn slot_of(seq: u64) -> usize {
    (seq % RING as u64) as usize
}

#[cfg(test)]
mod tests;

//! Posting a request: the sequence number rises, the chain takes in everything that is compared, the trace keeps it
//! in full for the report, and the head line shows it to the peers.
//!
//! Invariant: the chain covers the call number, every argument that the row names, the input bytes, the address of
//! the call, the stack pointer and the callee-saved registers, and (through earlier links) every earlier result.

use super::meet;
use crate::recovery;
use crate::shared;
use crate::state::State;
use core::sync::atomic::Ordering::{Relaxed, Release};
use rcb_abi::fault::Regs;
use rcb_abi::segment::{LAG, RING};
use rcb_vote::digest::chain_request;

/// A request, ready to post.
pub struct Request<'a> {
    /// Call number or pseudo number.
    pub nr: u32,
    /// Guest registers.
    pub regs: &'a Regs,
    /// Arguments; those beyond `nargs` are not compared.
    pub args: [u64; 6],
    /// How many arguments count.
    pub nargs: usize,
    /// Digest of the input bytes.
    pub input: u64,
    /// First bytes of the first input.
    pub sample: [u8; 16],
    /// How many of them.
    pub sample_len: u32,
}

/// Posts a request. `announced` requests wake peers that may be waiting for this replica; the others are plain stores
/// that nobody waits for.
#[inline]
pub fn post(st: &mut State, request: &Request<'_>, announced: bool) {
    // First, because a copy that rises goes on here, and has something to attend to.
    if recovery::checkpoint::is_due(st.seq + 1) {
        recovery::checkpoint::leave(st);
    }
    if recovery::due(st) {
        recovery::attend(st);
    }
    st.seq += 1;
    let seq = st.seq;
    let slot = (seq % RING as u64) as usize;
    st.payload_start[slot] = st.payload_pos;
    if st.n == 1 {
        let own = shared::own();
        own.head.nr.store(request.nr, Relaxed);
        own.head.seq.store(seq, Release);
        return;
    }
    let regs = request.regs;
    let a = |i: usize| if i < request.nargs { request.args[i] } else { 0 };
    st.chain = chain_request(
        st.chain,
        &[
            u64::from(request.nr),
            regs.rip,
            regs.rsp,
            regs.rbp,
            regs.rbx,
            regs.r12,
            regs.r13,
            regs.r14,
            regs.r15,
            a(0),
            a(1),
            a(2),
            a(3),
            a(4),
            a(5),
            request.input,
        ],
    );
    let own = shared::own();
    let trace = &mut own.trace[slot];
    trace.seq = seq;
    trace.chain = st.chain;
    trace.nr = request.nr;
    trace.nargs = request.nargs as u32;
    trace.rip = regs.rip;
    trace.args = request.args;
    trace.input = request.input;
    trace.sample = request.sample;
    trace.sample_len = request.sample_len;
    own.head.chain.store(st.chain, Relaxed);
    own.head.nr.store(request.nr, Relaxed);
    if announced || st.strict {
        meet::publish(st, &own.head.seq, seq);
    } else {
        own.head.seq.store(seq, Release);
    }
    if seq.is_multiple_of(LAG) {
        meet::bound_lag(st);
    }
    if recovery::stands_at(seq) {
        recovery::stand(st);
    }
}

/// Takes a result into the chain and the trace.
#[inline]
pub fn conclude(st: &mut State, result: i64, delivered: u64) {
    if st.n > 1 {
        if st.journal.keeps || st.replay.on {
            recovery::replay::conclude(st, result);
        }
        st.chain = rcb_vote::digest::chain_result(st.chain, result as u64, delivered);
        shared::own().trace[(st.seq % RING as u64) as usize].result = result as u64;
    }
}

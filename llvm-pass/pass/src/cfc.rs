//! Control-flow signatures, the light form of SWIFT's (Reis et al., CGO 2005, section 4).
//!
//! Every block has a random number, its signature. A variable `g` holds the signature of the block that runs: on the way
//! from a block `b` to a block `c`, `g ^= sig(b) ^ sig(c)`. Whoever arrives at `c` by a jump that is none of the program
//! brings something else. `g` is compared with the signature before a function returns and before each way back in a loop,
//! so that a wrong jump is seen before the result is used, and at the latest one round later.
//!
//! The exclusive-or is in assembly: an optimiser would see that `g` is a constant in every block.

use crate::fault::Check;
use crate::faults::Faults;
use crate::ir::{Block, Cursor, Opcode, Predicate, Value};
use std::collections::{HashMap, HashSet};

/// Signature of block number `index`: a bijection of the number (Knuth's multiplicative hash), so that no two are equal.
fn signature(index: u32) -> u32 {
    index.wrapping_add(1).wrapping_mul(0x9E37_79B1)
}

/// Adds signatures to a function that was duplicated.
pub(crate) fn sign(function: Value, faults: &mut Faults<'_, '_>) {
    let blocks = function.blocks_in_order();
    let number: HashMap<Block, u32> = (0..).zip(blocks.iter().copied()).map(|(index, block)| (block, index)).collect();
    // Blocks that are entered from code we do not see (landing pads, computed jumps) begin anew.
    let begins: HashSet<Block> = blocks.iter().copied().filter(|&block| begins_anew(block)).collect();
    let int = function.ty().int32();
    let mut arrives: HashMap<Block, Value> = HashMap::new();
    let mut predecessors: HashMap<Block, Vec<Block>> = HashMap::new();
    for &block in &blocks {
        let end = block.terminator();
        let mut seen = HashSet::new();
        for index in 0..end.successor_count() {
            if seen.insert(end.successor(index)) {
                predecessors.entry(end.successor(index)).or_default().push(block);
            }
        }
    }
    let entry = function.entry();
    // The value of g at the beginning of each block: a phi where several ways meet.
    for &block in &blocks {
        let value = if block == entry || begins.contains(&block) {
            let Some(at) = first_place(block) else { continue };
            let cursor = Cursor::before(at);
            cursor.assembly("movl $1, $0", "=r,i", int, &[Value::int(int, sig(&number, block))], None)
        } else {
            let Some(first) = block.first() else { continue };
            Cursor::at_head(first).phi(int, &[])
        };
        arrives.insert(block, value);
    }
    for &block in &blocks {
        if block == entry || begins.contains(&block) {
            continue;
        }
        let Some(&phi) = arrives.get(&block) else { continue };
        for &from in predecessors.get(&block).into_iter().flatten() {
            let Some(&g) = arrives.get(&from) else { continue };
            let end = from.terminator();
            let change = u64::from(signature(number[&from]) ^ signature(number[&block]));
            let cursor = Cursor::before(end);
            let next = cursor.assembly("xorl $2, $0", "=r,0,i,~{flags}", int, &[g, Value::int(int, change)], None);
            let times = (0..end.successor_count()).filter(|&index| end.successor(index) == block).count();
            for _ in 0..times {
                phi.add_incoming(next, from);
            }
        }
    }
    let place: HashMap<Block, usize> = (0..).zip(&blocks).map(|(index, &block)| (block, index)).collect();
    for &block in &blocks {
        let end = block.terminator();
        let goes_back = (0..end.successor_count())
            .any(|index| place.get(&end.successor(index)).is_some_and(|&to| to <= place[&block]));
        let is_last = end.opcode() == Opcode::LLVMRet;
        let Some(&g) = arrives.get(&block).filter(|_| goes_back || is_last) else { continue };
        let at = if end.opcode() == Opcode::LLVMRet { before_tail_call(block, end) } else { end };
        let cursor = Cursor::before(at);
        let differs = cursor.compare(Predicate::LLVMIntNE, g, Value::int(int, sig(&number, block)));
        drop(cursor);
        crate::check::test_before(faults, at, &[differs], Check::Signature);
    }
}

fn sig(number: &HashMap<Block, u32>, block: Block) -> u64 {
    u64::from(signature(number[&block]))
}

fn begins_anew(block: Block) -> bool {
    let first = block.instructions().find(|instruction| instruction.opcode() != Opcode::LLVMPHI);
    first.is_some_and(|first| first.opcode() == Opcode::LLVMLandingPad)
}

fn first_place(block: Block) -> Option<Value> {
    let first = block.first_insertion()?;
    std::iter::successors(Some(first), |slot| slot.next()).find(|instruction| !instruction.is_static_alloca())
}

/// A mandatory tail call stands directly before its return.
fn before_tail_call(block: Block, end: Value) -> Value {
    block.instructions().find(|instruction| instruction.is_must_tail()).unwrap_or(end)
}

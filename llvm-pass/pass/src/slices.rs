//! The two slices apart from each other, for `+cfc`.
//!
//! A signature tells one block from another; a jump that stays in its block passes it. When every value stands beside its
//! shadow, such a jump leaves out or repeats both of some pairs, and what is left agrees. So the values of a stretch of
//! the block come first and then all of their shadows:
//!
//! ```text
//!   a  a'  b  b'  c  c'      ->      a  b  c  a'  b'  c'
//! ```
//!
//! A jump from anywhere into the same stretch now leaves out or repeats other values than shadows, unless it goes exactly
//! from one end to the other. A stretch ends at what can be seen from outside (a store, a call, the end of the block), and
//! after so many shadows, because registers are few and the processor looks ahead only so far.

use crate::duplicate::Shadows;
use crate::ir::{Block, Cursor, Opcode, Value};
use std::collections::HashSet;

/// Most instructions of the shadow slice in one stretch.
const STRETCH: usize = 24;

/// Moves the shadows of every stretch behind its values.
pub(crate) fn part(function: Value, shadows: &Shadows) {
    for block in function.blocks_in_order() {
        part_block(block, shadows);
    }
}

fn part_block(block: Block, shadows: &Shadows) {
    let instructions: Vec<_> = block.instructions().filter(|instruction| is_movable_part(*instruction)).collect();
    let values = values(&instructions, shadows);
    let mut late: Vec<Value> = Vec::new();
    for &instruction in &instructions {
        let is_value = values.contains(&instruction);
        if ends_stretch(instruction, is_value) || (is_value && late.len() >= STRETCH) {
            let cursor = Cursor::before(instruction);
            for moved in late.drain(..) {
                moved.remove();
                cursor.insert(moved);
            }
        } else if !is_value {
            late.push(instruction);
        }
    }
}

/// Instructions that have a shadow, copies of values, and all that these are computed from, which is nothing else. A copy
/// stays directly behind its value: what changes in between is in both.
fn values(instructions: &[Value], shadows: &Shadows) -> HashSet<Value> {
    let mut values = HashSet::new();
    for &instruction in instructions.iter().rev() {
        let has_shadow = shadows.of.get(&instruction).is_some_and(|&shadow| shadow != instruction);
        let is_copy = || instruction.operands().any(|operand| shadows.of.get(&operand) == Some(&instruction));
        let is_copy = shadows.copies.contains(&instruction) && is_copy();
        if has_shadow || is_copy || values.contains(&instruction) {
            values.insert(instruction);
            values.extend(instruction.operands());
        }
    }
    values
}

fn is_movable_part(instruction: Value) -> bool {
    !matches!(instruction.opcode(), Opcode::LLVMPHI | Opcode::LLVMLandingPad) && !instruction.is_static_alloca()
}

/// Whether an instruction stays where it is. A load that is volatile only so that it is done a second time does not.
fn ends_stretch(instruction: Value, is_value: bool) -> bool {
    let is_second_load = instruction.opcode() == Opcode::LLVMLoad && !is_value;
    instruction.is_terminator() || (instruction.has_side_effects() && !is_second_load)
}

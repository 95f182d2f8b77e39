//! Branches and switches: every way out decides again with the shadow.

use crate::duplicate::Duplication;
use crate::fault::Check;
use crate::ir::{Block, Cursor, Opcode, Predicate, Value};

impl Duplication<'_, '_> {
    /// A place for checks on one way out of a block.
    fn way_out(&self, terminator: Value, index: u32, name: &str) -> (Block, Block) {
        let target = terminator.successor(index);
        let way = Block::append(self.function, name);
        terminator.set_successor(index, way);
        (way, target)
    }

    pub(crate) fn branch(&mut self, branch: Value) {
        if branch.successor_count() < 2 {
            return;
        }
        let condition = branch.operand(0);
        let Some(&shadow) = self.shadows.of.get(&condition) else { return };
        // A phi in a target would need to know the new block; the first phase has left none.
        if (0..2).any(|index| branch.successor(index).predecessor_count() != 1) {
            return self.check_operands(branch, &[0], Check::Branch);
        }
        let is_compare = shadow.is_instruction() && matches!(shadow.opcode(), Opcode::LLVMICmp | Opcode::LLVMFCmp);
        for index in 0..2 {
            let (way, target) = self.way_out(branch, index, "rcb.way");
            let cursor = Cursor::at_end(way).located_like(branch);
            let again = if is_compare {
                let again = shadow.clone_instruction();
                cursor.insert(again);
                again
            } else {
                shadow
            };
            let fault = self.faults.block(Check::Branch);
            cursor.branch_rarely(again, fault, target, index == 1);
        }
    }

    pub(crate) fn switch(&mut self, switch: Value) {
        let value = switch.operand(0);
        let Some(&shadow) = self.shadows.of.get(&value) else { return };
        let ways = switch.successor_count();
        if (0..ways).any(|index| switch.successor(index).predecessor_count() != 1) {
            return self.check_operands(switch, &[0], Check::Branch);
        }
        let cases: Vec<_> = (1..ways).map(|index| switch.case_value(index)).collect();
        let goes_nowhere = switch.successor(0).terminator().opcode() == Opcode::LLVMUnreachable;
        if !goes_nowhere {
            let (way, target) = self.way_out(switch, 0, "rcb.default");
            let fault = self.faults.block(Check::Branch);
            Cursor::at_end(way).located_like(switch).switch(shadow, target, &cases, fault);
        }
        for (index, case) in (1..).zip(cases) {
            let (way, target) = self.way_out(switch, index, "rcb.case");
            let cursor = Cursor::at_end(way).located_like(switch);
            let differs = cursor.compare(Predicate::LLVMIntNE, shadow, case);
            cursor.branch_rarely(differs, self.faults.block(Check::Branch), target, true);
        }
    }
}

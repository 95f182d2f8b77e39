//! Deliberate mistakes, for the tests that must see them found.

use crate::duplicate::Shadows;
use crate::ir::{Cursor, Opcode};
use crate::options::Mistake;

/// Makes a mistake in one shadow instruction of a function. Returns whether there was a place for it.
pub(crate) fn make(mistake: Mistake, shadows: &mut Shadows) -> bool {
    let mut places: Vec<_> = shadows
        .of
        .iter()
        .map(|(&original, &shadow)| (original, shadow))
        .filter(|(original, shadow)| {
            original.is_instruction() && shadow.is_instruction() && !shadows.copies.contains(shadow)
        })
        .filter(|(original, _)| original.opcode() == Opcode::LLVMAdd)
        .collect();
    places.sort_by_key(|(original, _)| original.text());
    for (original, shadow) in places {
        let first = original.operand(0);
        match mistake {
            Mistake::SharedOperand | Mistake::LateSharedOperand
                if shadows.of.get(&first).is_some_and(|&own| own != first) =>
            {
                shadow.set_operand(0, first);
                return true;
            }
            Mistake::SharedOperand | Mistake::LateSharedOperand => {}
            Mistake::WrongOperation => {
                let cursor = Cursor::before(shadow);
                let wrong = cursor.binary(Opcode::LLVMSub, shadow.operand(0), shadow.operand(1));
                drop(cursor);
                shadow.replace_all_uses_with(wrong);
                shadow.erase();
                shadows.of.insert(original, wrong);
                return true;
            }
        }
    }
    false
}

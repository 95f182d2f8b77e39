//! The structural checker: the shadow slice is a slice of its own.
//!
//! A shadow instruction that uses an original value computes the right thing, passes every test and every count of
//! instructions, and detects nothing. So no shadow instruction may have an operand that has a shadow itself. Only opaque
//! copies may, which is what they are for. Every run makes this check.

use crate::Error;
use crate::duplicate::Shadows;
use crate::ir::Opcode;

/// Checks one function.
///
/// # Errors
/// [`Error::Shared`] names the first instruction that shares.
pub(crate) fn check(function: &str, shadows: &Shadows) -> Result<(), Error> {
    for &shadow in shadows.of.values() {
        if !shadow.is_instruction() || shadows.copies.contains(&shadow) {
            continue;
        }
        if shadow.opcode() == Opcode::LLVMExtractValue && !shadows.of.contains_key(&shadow.operand(0)) {
            // The second half of what a twin returned.
            continue;
        }
        for operand in shadow.operands() {
            if shadows.of.get(&operand).is_some_and(|&own| own != operand) {
                return Err(Error::Shared {
                    function: function.to_owned(),
                    shadow: shadow.text(),
                    original: operand.text(),
                });
            }
        }
    }
    Ok(())
}

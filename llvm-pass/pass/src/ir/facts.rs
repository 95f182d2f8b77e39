//! What the phases ask of values that LLVM's C interface does not answer.
#![allow(unsafe_code, reason = "calls of the shim with handles that come from a live module")]

use super::{Opcode, Value, shim};

impl Value {
    /// Whether an address can be written relative to the instruction pointer.
    pub(crate) fn is_dso_local(self) -> bool {
        // SAFETY: reads the value.
        unsafe { shim::rcb_is_dso_local(self.0) != 0 }
    }

    pub(crate) fn is_division(self) -> bool {
        use Opcode::{LLVMSDiv, LLVMSRem, LLVMUDiv, LLVMURem};
        matches!(self.opcode(), LLVMUDiv | LLVMSDiv | LLVMURem | LLVMSRem)
    }

    /// Writes out a division by a constant; other instructions are left alone. The handle is not valid afterwards.
    pub(crate) fn write_out_division(self) {
        // SAFETY: asked of instructions in a block only.
        unsafe { shim::rcb_write_out_division(self.0) }
    }

    /// Whether it is the address of a slot of the frame or of a variable that is not constant.
    pub(crate) fn is_changeable(self) -> bool {
        // SAFETY: reads the value.
        unsafe { shim::rcb_is_changeable(self.0) != 0 }
    }

    pub(crate) fn is_thread_local(self) -> bool {
        // SAFETY: reads the value.
        unsafe { shim::rcb_is_thread_local(self.0) != 0 }
    }

    /// Whether it is a slot at a fixed place of the frame.
    pub(crate) fn is_static_alloca(self) -> bool {
        // SAFETY: reads the value.
        unsafe { shim::rcb_is_static_alloca(self.0) != 0 }
    }

    pub(crate) fn is_pure_intrinsic_call(self) -> bool {
        // SAFETY: asked of calls only.
        unsafe { shim::rcb_is_pure_intrinsic(self.0) != 0 }
    }

    pub(crate) fn is_immediate_argument(self, index: u32) -> bool {
        // SAFETY: asked of calls only.
        unsafe { shim::rcb_is_immediate_argument(self.0, index) != 0 }
    }

    /// Whether a call names its function and agrees with it in type and convention.
    pub(crate) fn is_exact_direct_call(self) -> bool {
        // SAFETY: asked of calls only.
        unsafe { shim::rcb_is_exact_direct_call(self.0) != 0 }
    }

    pub(crate) fn is_must_tail(self) -> bool {
        // SAFETY: reads the value.
        unsafe { shim::rcb_is_must_tail(self.0) != 0 }
    }

    /// Whether a call runs code of others that may count on the direction flag.
    pub(crate) fn needs_direction(self) -> bool {
        // SAFETY: asked of calls only.
        unsafe { shim::rcb_needs_direction(self.0) != 0 }
    }

    /// Debug records, lifetime marks, assumptions: nothing that runs.
    pub(crate) fn is_marker(self) -> bool {
        // SAFETY: reads the value.
        unsafe { shim::rcb_is_debug_or_marker(self.0) != 0 }
    }

    pub(crate) fn is_splat(self) -> bool {
        // SAFETY: reads the value.
        unsafe { shim::rcb_is_operand_splat(self.0) != 0 }
    }

    pub(crate) fn drop_call_promises(self) {
        // SAFETY: asked of calls only.
        unsafe { shim::rcb_drop_call_promises(self.0) }
    }

    /// Gives it the source location "somewhere in its function".
    pub(crate) fn locate_in_function(self) {
        // SAFETY: asked of instructions in a block only.
        unsafe { shim::rcb_locate_in_function(self.0) }
    }

    /// Length of a `memcpy`, `memmove` or `memset` that is known and not volatile, in bytes.
    pub(crate) fn constant_length(self) -> Option<u64> {
        // SAFETY: asked of instructions only.
        unsafe { shim::rcb_constant_length(self.0) }.try_into().ok()
    }

    pub(crate) fn is_memset(self) -> bool {
        // SAFETY: asked of instructions only.
        unsafe { shim::rcb_is_memset(self.0) != 0 }
    }

    pub(crate) fn is_volatile_or_atomic(self) -> bool {
        // SAFETY: asked of instructions only.
        unsafe { shim::rcb_is_volatile_or_atomic(self.0) != 0 }
    }

    /// Whether it does more than compute a value: writes memory, is volatile or ordered, may not come back.
    pub(crate) fn has_side_effects(self) -> bool {
        // SAFETY: asked of instructions only.
        unsafe { shim::rcb_has_side_effects(self.0) != 0 }
    }

    /// The address that this one lies a constant distance behind, as far as instructions of its own block say so; the
    /// distance is part of the machine instruction that uses the address.
    pub(crate) fn near_root(self) -> Self {
        // SAFETY: walks over operands.
        unsafe { Self(shim::rcb_near_root(self.0)) }
    }

    /// Whether it is an address computed from another one.
    pub(crate) fn is_address_computation(self) -> bool {
        self.is_instruction() && self.opcode() == Opcode::LLVMGetElementPtr
    }
}

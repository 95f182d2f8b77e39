//! Declarations of `shim.cpp` and `division.cpp`.
#![allow(unsafe_code, reason = "declares foreign functions; each takes valid handles and keeps none")]

use inkwell::llvm_sys::prelude::{LLVMBasicBlockRef, LLVMBuilderRef, LLVMTypeRef, LLVMValueRef};
use std::ffi::{c_char, c_int, c_uint};

unsafe extern "C" {
    pub(super) fn rcb_is_changeable(address: LLVMValueRef) -> c_int;
    pub(super) fn rcb_write_out_division(inst: LLVMValueRef);
    pub(super) fn rcb_near_root(address: LLVMValueRef) -> LLVMValueRef;
    pub(super) fn rcb_split_before(inst: LLVMValueRef) -> LLVMBasicBlockRef;
    pub(super) fn rcb_make_twin(function: LLVMValueRef, name: *const c_char, twice: *const u8) -> LLVMValueRef;
    pub(super) fn rcb_share_twin(function: LLVMValueRef, twin: LLVMValueRef);
    pub(super) fn rcb_call_twin(
        old: LLVMValueRef,
        twin: LLVMValueRef,
        shadows: *mut LLVMValueRef,
        count: c_uint,
    ) -> LLVMValueRef;
    pub(super) fn rcb_drop_promises(function: LLVMValueRef);
    pub(super) fn rcb_drop_call_promises(call: LLVMValueRef);
    pub(super) fn rcb_take_passing(call: LLVMValueRef, function: LLVMValueRef);
    pub(super) fn rcb_define(value: LLVMValueRef) -> LLVMValueRef;
    pub(super) fn rcb_is_dso_local(value: LLVMValueRef) -> c_int;
    pub(super) fn rcb_is_thread_local(value: LLVMValueRef) -> c_int;
    pub(super) fn rcb_is_static_alloca(value: LLVMValueRef) -> c_int;
    pub(super) fn rcb_is_pure_intrinsic(call: LLVMValueRef) -> c_int;
    pub(super) fn rcb_is_immediate_argument(call: LLVMValueRef, index: c_uint) -> c_int;
    pub(super) fn rcb_is_single_param(function: LLVMValueRef, index: c_uint) -> c_int;
    pub(super) fn rcb_has_other_uses(function: LLVMValueRef) -> c_int;
    pub(super) fn rcb_is_exact_direct_call(call: LLVMValueRef) -> c_int;
    pub(super) fn rcb_is_must_tail(call: LLVMValueRef) -> c_int;
    pub(super) fn rcb_needs_direction(call: LLVMValueRef) -> c_int;
    pub(super) fn rcb_has_attribute(function: LLVMValueRef, name: *const c_char) -> c_int;
    pub(super) fn rcb_is_debug_or_marker(inst: LLVMValueRef) -> c_int;
    pub(super) fn rcb_is_operand_splat(value: LLVMValueRef) -> c_int;
    pub(super) fn rcb_locate_in_function(inst: LLVMValueRef);
    pub(super) fn rcb_copy_location(to: LLVMValueRef, from: LLVMValueRef);
    pub(super) fn rcb_branch_unlikely(
        builder: LLVMBuilderRef,
        condition: LLVMValueRef,
        then: LLVMBasicBlockRef,
        otherwise: LLVMBasicBlockRef,
        first_is_rare: c_int,
    ) -> LLVMValueRef;
    pub(super) fn rcb_bits(ty: LLVMTypeRef) -> u64;
    pub(super) fn rcb_is_scalable(ty: LLVMTypeRef) -> c_int;
    pub(super) fn rcb_constant_length(inst: LLVMValueRef) -> i64;
    pub(super) fn rcb_is_memset(inst: LLVMValueRef) -> c_int;
    pub(super) fn rcb_fold_single_phis(function: LLVMValueRef);
    pub(super) fn rcb_predecessor_count(block: LLVMBasicBlockRef) -> c_uint;
    pub(super) fn rcb_has_side_effects(inst: LLVMValueRef) -> c_int;
    pub(super) fn rcb_is_volatile_or_atomic(inst: LLVMValueRef) -> c_int;
}

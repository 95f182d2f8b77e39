//! Types, as far as the phases look at them.
#![allow(unsafe_code, reason = "LLVM's C interface on type handles that come from a live module")]

use super::shim;
use inkwell::llvm_sys::LLVMTypeKind;
use inkwell::llvm_sys::core::{
    LLVMCountStructElementTypes, LLVMDoubleTypeInContext, LLVMFloatTypeInContext, LLVMGetArrayLength2,
    LLVMGetElementType, LLVMGetIntTypeWidth, LLVMGetPointerAddressSpace, LLVMGetTypeContext, LLVMGetTypeKind,
    LLVMGetVectorSize, LLVMInt32TypeInContext, LLVMIntTypeInContext, LLVMPointerTypeInContext,
    LLVMStructGetTypeAtIndex, LLVMVectorType, LLVMVoidTypeInContext,
};
use inkwell::llvm_sys::prelude::{LLVMContextRef, LLVMTypeRef};

/// A type of the module's context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Type(pub(super) LLVMTypeRef);

/// What a type is, in the terms in which values are copied and compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// No value.
    Void,
    /// An integer of so many bits.
    Int(u32),
    /// A pointer in the default address space.
    Pointer,
    /// A pointer in another address space.
    FarPointer,
    /// 16, 32 or 64 bits of floating point that live in a vector register.
    Float(u32),
    /// Floating point of the x87 unit, or another that no register constraint names.
    OddFloat,
    /// So many elements.
    Vector(u32),
    /// A structure of so many fields.
    Struct(u32),
    /// An array of so many elements.
    Array(u64),
    /// Anything else: tokens, metadata, labels, tiles.
    Other,
}

impl Type {
    fn context(self) -> LLVMContextRef {
        // SAFETY: a type is valid while its module lives.
        unsafe { LLVMGetTypeContext(self.0) }
    }

    pub(crate) fn kind(self) -> Kind {
        // SAFETY: as above; each query fits the kind just read.
        unsafe {
            match LLVMGetTypeKind(self.0) {
                LLVMTypeKind::LLVMVoidTypeKind => Kind::Void,
                LLVMTypeKind::LLVMIntegerTypeKind => Kind::Int(LLVMGetIntTypeWidth(self.0)),
                LLVMTypeKind::LLVMPointerTypeKind if LLVMGetPointerAddressSpace(self.0) == 0 => Kind::Pointer,
                LLVMTypeKind::LLVMPointerTypeKind => Kind::FarPointer,
                LLVMTypeKind::LLVMHalfTypeKind => Kind::Float(16),
                LLVMTypeKind::LLVMFloatTypeKind => Kind::Float(32),
                LLVMTypeKind::LLVMDoubleTypeKind => Kind::Float(64),
                LLVMTypeKind::LLVMBFloatTypeKind
                | LLVMTypeKind::LLVMX86_FP80TypeKind
                | LLVMTypeKind::LLVMFP128TypeKind
                | LLVMTypeKind::LLVMPPC_FP128TypeKind => Kind::OddFloat,
                LLVMTypeKind::LLVMVectorTypeKind => Kind::Vector(LLVMGetVectorSize(self.0)),
                LLVMTypeKind::LLVMStructTypeKind => Kind::Struct(LLVMCountStructElementTypes(self.0)),
                LLVMTypeKind::LLVMArrayTypeKind => Kind::Array(LLVMGetArrayLength2(self.0)),
                _ => Kind::Other,
            }
        }
    }

    /// Element of a vector or array, field of a structure.
    pub(crate) fn part(self, index: u32) -> Self {
        // SAFETY: asked only for types that have parts, with an index below their number.
        unsafe {
            match self.kind() {
                Kind::Struct(_) => Self(LLVMStructGetTypeAtIndex(self.0, index)),
                _ => Self(LLVMGetElementType(self.0)),
            }
        }
    }

    /// Bits of a scalar or vector without pointers; 0 otherwise.
    pub(crate) fn bits(self) -> u64 {
        // SAFETY: reads the type.
        unsafe { shim::rcb_bits(self.0) }
    }

    /// Whether its size is known only when the program runs.
    pub(crate) fn is_scalable(self) -> bool {
        // SAFETY: reads the type.
        unsafe { shim::rcb_is_scalable(self.0) != 0 }
    }

    /// Whether it is a structure or an array.
    pub(crate) fn is_aggregate(self) -> bool {
        matches!(self.kind(), Kind::Struct(_) | Kind::Array(_))
    }

    /// An integer type of the same context.
    pub(crate) fn int(self, bits: u32) -> Self {
        // SAFETY: the context lives.
        unsafe { Self(LLVMIntTypeInContext(self.context(), bits)) }
    }

    /// The 32-bit integer of the same context.
    pub(crate) fn int32(self) -> Self {
        // SAFETY: the context lives.
        unsafe { Self(LLVMInt32TypeInContext(self.context())) }
    }

    /// `float` or `double` of the same context.
    pub(crate) fn float(self, bits: u32) -> Self {
        // SAFETY: the context lives.
        unsafe {
            Self(match bits {
                32 => LLVMFloatTypeInContext(self.context()),
                _ => LLVMDoubleTypeInContext(self.context()),
            })
        }
    }

    /// The pointer type of the same context.
    pub(crate) fn pointer(self) -> Self {
        // SAFETY: the context lives.
        unsafe { Self(LLVMPointerTypeInContext(self.context(), 0)) }
    }

    /// The type without values.
    pub(crate) fn void(self) -> Self {
        // SAFETY: the context lives.
        unsafe { Self(LLVMVoidTypeInContext(self.context())) }
    }

    /// A vector of `count` of these.
    pub(crate) fn vector(self, count: u32) -> Self {
        // SAFETY: called for integer elements.
        unsafe { Self(LLVMVectorType(self.0, count)) }
    }
}

//! The wall around LLVM: handles for values, blocks and types with exactly the operations that the phases use.
//!
//! Generic surgery ("clone this instruction, whatever it is, and give it other operands") is several times longer over
//! inkwell's typed values, and parts of it are not in LLVM's C interface at all (`ir/shim.cpp`). Everything outside this
//! folder is safe code over [`Value`], [`Block`], [`Type`] and [`Cursor`].
//!
//! A handle is valid while its module lives and until what it names is erased. Handles cannot be made outside this
//! folder except from a module in hand, and the crate lets none out.

mod block;
mod build;
mod facts;
mod function;
mod module;
mod shim;
mod types;
mod value;

pub(crate) use block::Block;
pub(crate) use build::Cursor;
pub(crate) use function::Linkage;
pub(crate) use module::Module;
pub(crate) use types::{Kind, Type};
pub(crate) use value::{Constant, Opcode, Predicate, Value};

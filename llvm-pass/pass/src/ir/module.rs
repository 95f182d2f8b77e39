//! A module: read, walked, verified, written.
#![allow(unsafe_code, reason = "LLVM's C interface on a module that inkwell owns")]

use super::{Type, Value};
use crate::Error;
use inkwell::context::Context;
use inkwell::llvm_sys::core::{
    LLVMAddFunction, LLVMAddGlobal, LLVMConstArray2, LLVMConstStringInContext2, LLVMConstStructInContext,
    LLVMDeleteGlobal, LLVMFunctionType, LLVMGetAsString, LLVMGetFirstFunction, LLVMGetFirstGlobalIFunc,
    LLVMGetGlobalIFuncResolver, LLVMGetInitializer, LLVMGetModuleContext, LLVMGetNamedFunction, LLVMGetNamedGlobal,
    LLVMGetNextFunction, LLVMGetNextGlobalIFunc, LLVMInt32TypeInContext, LLVMIsAGlobalVariable, LLVMIsConstantString,
    LLVMSetGlobalConstant, LLVMSetInitializer, LLVMSetLinkage, LLVMSetSection, LLVMSetUnnamedAddress,
    LLVMSetVisibility, LLVMTypeOf,
};
use inkwell::llvm_sys::prelude::LLVMModuleRef;
use inkwell::llvm_sys::{LLVMLinkage, LLVMUnnamedAddr, LLVMVisibility};
use inkwell::memory_buffer::MemoryBuffer;
use inkwell::passes::PassBuilderOptions;
use inkwell::targets::{CodeModel, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple};
use inkwell::{OptimizationLevel, module::Module as Owned};
use std::ffi::CString;

/// A module of bitcode in its context.
#[derive(Debug)]
pub(crate) struct Module<'ctx> {
    owned: Owned<'ctx>,
}

impl<'ctx> Module<'ctx> {
    /// Reads bitcode, or text that begins as IR text does.
    ///
    /// # Errors
    /// [`Error::Unreadable`] with LLVM's reason.
    pub(crate) fn read(context: &'ctx Context, bytes: &[u8], name: &str) -> Result<Self, Error> {
        let unreadable = |reason: String| Error::Unreadable { reason: reason.trim().to_owned() };
        let is_bitcode = bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(b"\xde\xc0\x17\x0b");
        if is_bitcode {
            let buffer = MemoryBuffer::create_from_memory_range_copy(bytes, name);
            let owned = Owned::parse_bitcode_from_buffer(&buffer, context).map_err(|e| unreadable(e.to_string()))?;
            return Ok(Self { owned });
        }
        let buffer = MemoryBuffer::create_from_memory_range_copy(bytes, name);
        let owned = context.create_module_from_ir(buffer).map_err(|e| unreadable(e.to_string()))?;
        Ok(Self { owned })
    }

    /// A module that another program has in memory, who also disposes of it: the result must not be dropped.
    ///
    /// # Safety
    /// `raw` is a valid module, and nobody else uses it meanwhile.
    pub(crate) unsafe fn borrow(raw: LLVMModuleRef) -> Self {
        // SAFETY: the caller's promise.
        Self { owned: unsafe { Owned::new(raw) } }
    }

    /// What the module is compiled for, for example `x86_64-unknown-linux-gnu`.
    pub(crate) fn triple(&self) -> String {
        self.owned.get_triple().as_str().to_string_lossy().into_owned()
    }

    /// Name of the source, as the compiler was given it.
    pub(crate) fn source(&self) -> String {
        self.owned.get_source_file_name().to_string_lossy().into_owned()
    }

    /// LLVM's verifier.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the phase after which the module was wrong.
    pub(crate) fn verify(&self, phase: &'static str) -> Result<(), Error> {
        self.owned.verify().map_err(|reason| Error::Invalid { phase, reason: reason.to_string() })
    }

    /// Runs passes of LLVM by name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when LLVM refuses.
    pub(crate) fn run_passes(&self, passes: &str) -> Result<(), Error> {
        let fail = |reason: String| Error::Invalid { phase: "passes of LLVM", reason };
        Target::initialize_x86(&InitializationConfig::default());
        let triple = TargetTriple::create("x86_64-unknown-linux-gnu");
        let target = Target::from_triple(&triple).map_err(|e| fail(e.to_string()))?;
        let level = OptimizationLevel::Default;
        let machine: TargetMachine = target
            .create_target_machine(&triple, "x86-64", "", level, RelocMode::PIC, CodeModel::Default)
            .ok_or_else(|| fail("no machine for x86-64".to_owned()))?;
        let options = PassBuilderOptions::create();
        self.owned.run_passes(passes, &machine, options).map_err(|e| fail(e.to_string()))
    }

    pub(crate) fn functions(&self) -> Vec<Value> {
        // SAFETY: walks the module's own list.
        unsafe {
            let mut all = Vec::new();
            let mut next = LLVMGetFirstFunction(self.owned.as_mut_ptr());
            while !next.is_null() {
                all.push(Value(next));
                next = LLVMGetNextFunction(next);
            }
            all
        }
    }

    /// The declaration or definition of a function without result that takes one pointer.
    pub(crate) fn reporter(&self, name: &str) -> Value {
        let symbol = CString::new(name).unwrap_or_default();
        // SAFETY: the module lives; the name is copied.
        unsafe {
            let raw = self.owned.as_mut_ptr();
            let known = LLVMGetNamedFunction(raw, symbol.as_ptr());
            if !known.is_null() {
                return Value(known);
            }
            let int = Type(LLVMInt32TypeInContext(LLVMGetModuleContext(raw)));
            let mut params = [int.pointer().0];
            Value(LLVMAddFunction(raw, symbol.as_ptr(), LLVMFunctionType(int.void().0, params.as_mut_ptr(), 1, 0)))
        }
    }

    /// Initial value of a variable, if there is such a variable with one.
    pub(crate) fn initial_value(&self, name: &str) -> Option<Value> {
        let symbol = CString::new(name).ok()?;
        // SAFETY: reads the module.
        unsafe {
            let global = LLVMGetNamedGlobal(self.owned.as_mut_ptr(), symbol.as_ptr());
            if global.is_null() {
                return None;
            }
            let value = LLVMGetInitializer(global);
            (!value.is_null()).then_some(Value(value))
        }
    }

    /// A variable of this object with a value. One that is not constant cannot be replaced by its value.
    pub(crate) fn variable(&self, name: &str, value: Value, is_constant: bool, section: Option<&str>) -> Value {
        let symbol = CString::new(name).unwrap_or_default();
        // SAFETY: the module lives; names are copied; the value is of this context.
        unsafe {
            let global = LLVMAddGlobal(self.owned.as_mut_ptr(), LLVMTypeOf(value.0), symbol.as_ptr());
            LLVMSetInitializer(global, value.0);
            LLVMSetLinkage(global, LLVMLinkage::LLVMInternalLinkage);
            LLVMSetGlobalConstant(global, i32::from(is_constant));
            if let Some(section) = section {
                let section = CString::new(section).unwrap_or_default();
                LLVMSetSection(global, section.as_ptr());
            }
            Value(global)
        }
    }

    /// Lets equal constants be one.
    pub(crate) fn mergeable(global: Value) {
        // SAFETY: asked of a variable of this module.
        unsafe {
            LLVMSetUnnamedAddress(global.0, LLVMUnnamedAddr::LLVMGlobalUnnamedAddr);
            LLVMSetVisibility(global.0, LLVMVisibility::LLVMDefaultVisibility);
        }
    }

    /// Bytes as a constant.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Value {
        // SAFETY: the bytes are copied.
        unsafe {
            let context = LLVMGetModuleContext(self.owned.as_mut_ptr());
            Value(LLVMConstStringInContext2(context, bytes.as_ptr().cast(), bytes.len(), 1))
        }
    }

    /// A structure of constants.
    pub(crate) fn record(&self, fields: &[Value]) -> Value {
        let mut raw: Vec<_> = fields.iter().map(|field| field.0).collect();
        // SAFETY: constants of this context.
        unsafe {
            let context = LLVMGetModuleContext(self.owned.as_mut_ptr());
            Value(LLVMConstStructInContext(context, raw.as_mut_ptr(), raw.len() as u32, 0))
        }
    }

    /// A 32-bit number as a constant.
    pub(crate) fn number(&self, value: u32) -> Value {
        // SAFETY: the context lives.
        let ty = unsafe { Type(LLVMInt32TypeInContext(LLVMGetModuleContext(self.owned.as_mut_ptr()))) };
        Value::int(ty, u64::from(value))
    }

    /// Keeps a variable although nothing refers to it.
    pub(crate) fn keep(&self, global: Value) {
        let old = self.initial_value("llvm.compiler.used");
        let mut all: Vec<_> = old.into_iter().flat_map(Value::operands).collect();
        all.push(global);
        // SAFETY: the old list, if there is one, is replaced as a whole; nothing but the linker looks at it.
        unsafe {
            let list = LLVMGetNamedGlobal(self.owned.as_mut_ptr(), c"llvm.compiler.used".as_ptr());
            if !list.is_null() {
                LLVMDeleteGlobal(list);
            }
        }
        self.make_used(&all);
    }

    fn make_used(&self, all: &[Value]) {
        let mut raw: Vec<_> = all.iter().map(|global| global.0).collect();
        // SAFETY: pointers to globals of this module.
        unsafe {
            let list = LLVMConstArray2(LLVMTypeOf(raw[0]), raw.as_mut_ptr(), raw.len() as u64);
            let global = LLVMAddGlobal(self.owned.as_mut_ptr(), LLVMTypeOf(list), c"llvm.compiler.used".as_ptr());
            LLVMSetInitializer(global, list);
            LLVMSetLinkage(global, LLVMLinkage::LLVMAppendingLinkage);
            LLVMSetSection(global, c"llvm.metadata".as_ptr());
        }
    }

    /// Functions that choose an implementation while the program is being loaded.
    pub(crate) fn resolvers(&self) -> Vec<Value> {
        // SAFETY: walks the module's own list.
        unsafe {
            let mut all = Vec::new();
            let mut next = LLVMGetFirstGlobalIFunc(self.owned.as_mut_ptr());
            while !next.is_null() {
                all.push(Value(LLVMGetGlobalIFuncResolver(next)));
                next = LLVMGetNextGlobalIFunc(next);
            }
            all
        }
    }

    /// Text of a constant variable that holds a C string.
    pub(crate) fn text_of(variable: Value) -> Option<String> {
        // SAFETY: reads constants of this module; the string's length is given.
        unsafe {
            if LLVMIsAGlobalVariable(variable.0).is_null() {
                return None;
            }
            let value = LLVMGetInitializer(variable.0);
            if value.is_null() || LLVMIsConstantString(value) == 0 {
                return None;
            }
            let mut length = 0;
            let start = LLVMGetAsString(value, &raw mut length);
            let bytes = std::slice::from_raw_parts(start.cast::<u8>(), length);
            Some(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
        }
    }

    /// The module as text.
    pub(crate) fn text(&self) -> String {
        self.owned.print_to_string().to_string()
    }

    /// The module as bitcode.
    pub(crate) fn bitcode(&self) -> Vec<u8> {
        self.owned.write_bitcode_to_memory().as_slice().to_vec()
    }
}

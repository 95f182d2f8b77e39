//! Which functions are protected.

use crate::ir::{Kind, Linkage, Module, Opcode, Value};
use crate::options::{Options, Protection, Scheme, matches};
use crate::plan::Reason;
use std::collections::{HashMap, HashSet};

/// What happens to one function.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) function: Value,
    pub(crate) name: String,
    pub(crate) decision: Result<Protection, Reason>,
    /// Whether somebody passes parameters and takes the result twice, and both are possible.
    pub(crate) takes_twice: bool,
}

/// Decides for every function with a body.
pub(crate) fn plan(module: &Module<'_>, options: &Options) -> Vec<Planned> {
    let annotations = annotations(module);
    let bodies = || module.functions().into_iter().filter(|function| function.is_definition());
    let (mut tail, mut called) = (HashSet::new(), HashSet::new());
    for function in bodies() {
        for call in function.instructions_of_function() {
            if call.is_must_tail() {
                tail.insert(function);
                tail.insert(call.callee());
            } else if matches!(call.opcode(), Opcode::LLVMCall | Opcode::LLVMInvoke) && call.is_exact_direct_call() {
                called.insert(call.callee());
            }
        }
    }
    let resolvers = module.resolvers();
    bodies()
        .filter(|function| function.linkage() != Linkage::Borrowed)
        .map(|function| {
            let name = function.name();
            let decision = decide(function, &name, options, annotations.get(&function).map(String::as_str), &resolvers);
            let takes_twice =
                called.contains(&function) && !function.is_variadic() && !tail.contains(&function) && name != "main";
            Planned { function, name, decision, takes_twice }
        })
        .collect()
}

fn decide(
    function: Value,
    name: &str,
    options: &Options,
    annotation: Option<&str>,
    resolvers: &[Value],
) -> Result<Protection, Reason> {
    let chosen = match annotation {
        Some("none") => return Err(Reason::Annotated),
        Some(text) => text.parse().unwrap_or(options.protection),
        None if options.except.iter().any(|pattern| matches(pattern, name)) => return Err(Reason::Excluded),
        None if !options.only.is_empty() && !options.only.iter().any(|pattern| matches(pattern, name)) => {
            return Err(Reason::Excluded);
        }
        None => options.protection,
    };
    if chosen.scheme == Scheme::None {
        return Err(Reason::Unprotected);
    }
    if name.starts_with("__rcb_") || name.starts_with("rcb_fault") {
        return Err(Reason::Runtime);
    }
    if resolvers.contains(&function) {
        return Err(Reason::Resolver);
    }
    obstacle(function).map_or(Ok(chosen), Err)
}

/// What in a function no phase can handle.
fn obstacle(function: Value) -> Option<Reason> {
    if function.has_attribute("naked") {
        return Some(Reason::Naked);
    }
    if function.has_attribute("presplitcoroutine") {
        return Some(Reason::Coroutine);
    }
    for instruction in function.instructions_of_function() {
        match instruction.opcode() {
            Opcode::LLVMCallBr => return Some(Reason::AsmGoto),
            Opcode::LLVMCatchSwitch | Opcode::LLVMCatchPad | Opcode::LLVMCleanupPad => return Some(Reason::Tokens),
            _ => {}
        }
        let values = instruction.operands().filter(|operand| !operand.is_block()).chain([instruction]);
        for value in values {
            if value.ty().is_scalable() {
                return Some(Reason::ScalableVectors);
            }
            let is_odd = value.ty().kind() == Kind::Other && !value.is_metadata() && !value.is_inline_asm();
            if is_odd && !value.is_function() && !value.is_block() && !instruction.is_marker() {
                return Some(Reason::Tokens);
            }
        }
    }
    None
}

/// What `__attribute__((annotate("rcb.protect=SCHEME")))` and `annotate("rcb.none")` say, by function.
fn annotations(module: &Module<'_>) -> HashMap<Value, String> {
    let mut found = HashMap::new();
    let Some(list) = module.initial_value("llvm.global.annotations") else { return found };
    for record in list.operands() {
        if record.operand_count() < 2 {
            continue;
        }
        let Some(text) = Module::text_of(record.operand(1)) else { continue };
        if text == "rcb.none" {
            found.insert(record.operand(0), "none".to_owned());
        } else if let Some(scheme) = text.strip_prefix("rcb.protect=") {
            found.insert(record.operand(0), scheme.to_owned());
        }
    }
    found
}

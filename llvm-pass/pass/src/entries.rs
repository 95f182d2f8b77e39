//! Twins: functions that take every parameter and give their result twice.
//!
//! At a call boundary a single value would be the only copy of itself: a flip in an argument register between the
//! caller's check and the callee's copy stays unseen. So the body of `f` moves to a twin
//!
//! ```text
//!   {T, T} f.rcb(A a, B b, A a', B b')
//! ```
//!
//! which hardened functions of the module call directly, without any check. What remains of `f` is an entry with the
//! plain signature for everybody else (exported functions, addresses taken, code that is not hardened): it copies the
//! parameters, calls the twin and compares the two results. A function that nobody else can reach has no entry.
//!
//! Functions with variable arguments, those that end in a mandatory tail call, and those that no function of the module
//! calls directly keep their signature.

use crate::check::{differences, test_before};
use crate::copy;
use crate::fault::Check;
use crate::faults::Faults;
use crate::ir::{Block, Cursor, Linkage, Module, Value};
use std::collections::BTreeMap;

/// A function, its twin, and which parameters of it come twice.
#[derive(Debug)]
pub(crate) struct Twin {
    pub(crate) function: Value,
    pub(crate) body: Value,
    pub(crate) twice: Vec<bool>,
    linkage: Linkage,
}

/// Moves a function's body to a twin. `suffix` names the protection, because objects with different ones may be linked.
pub(crate) fn make_twin(function: Value, suffix: &str) -> Twin {
    let params = function.params().len() as u32;
    let twice: Vec<_> = (0..params).map(|index| !function.is_single_param(index)).collect();
    let linkage = function.linkage();
    let twin = function.make_twin(&format!("{}.rcb.{suffix}", function.name()), &twice);
    if linkage == Linkage::Shared {
        function.share_twin(twin);
    }
    Twin { function, body: twin, twice, linkage }
}

/// Gives the function a body again that leads plain calls to the twin, or removes it when nobody needs one.
///
/// Returns the checks that the entry makes, by kind; `None` when there is no entry.
pub(crate) fn finish(module: &Module<'_>, twin: &Twin, name: &str) -> Option<BTreeMap<Check, u32>> {
    let function = twin.function;
    if twin.linkage == Linkage::Local && !function.has_uses() {
        function.delete_function();
        return None;
    }
    let mut faults = Faults::new(module, function, name);
    let entry = Block::append(function, "entry");
    let cursor = Cursor::at_end(entry);
    let params = function.params();
    let mut arguments = params.clone();
    for (&param, _) in params.iter().zip(&twin.twice).filter(|(_, twice)| **twice) {
        arguments.push(copy::opaque(&cursor, param).unwrap_or(param));
    }
    let pair = cursor.call_function(twin.body, &arguments);
    if !function.returns_value() {
        cursor.ret(None);
        return Some(faults.counts);
    }
    let (value, shadow) = (cursor.extract(pair, 0), cursor.extract(pair, 1));
    let end = cursor.ret(Some(value));
    drop(cursor);
    let conditions = differences(&Cursor::before(end), value, shadow);
    test_before(&mut faults, end, &conditions, Check::Return);
    Some(faults.counts)
}

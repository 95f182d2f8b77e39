//! Where a failed check goes: one cold block per function and kind of check, which names itself.
//!
//! ```text
//!   rcb.fault.store:  call void @__rcb_fault(ptr @rcb.site)     rcb.site = { name of the function, kind }
//!                     unreachable
//! ```

use crate::fault::{Check, HANDLER};
use crate::ir::{Block, Cursor, Module, Value};
use std::collections::BTreeMap;

/// The fault blocks of one function.
#[derive(Debug)]
pub(crate) struct Faults<'a, 'ctx> {
    module: &'a Module<'ctx>,
    function: Value,
    name: Value,
    blocks: BTreeMap<Check, Block>,
    /// Checks made, by kind.
    pub(crate) counts: BTreeMap<Check, u32>,
}

impl<'a, 'ctx> Faults<'a, 'ctx> {
    /// For a function that is reported under a name.
    pub(crate) fn new(module: &'a Module<'ctx>, function: Value, name: &str) -> Self {
        let text = module.bytes(&[name.as_bytes(), &[0]].concat());
        let name = module.variable("rcb.name", text, true, None);
        Module::mergeable(name);
        Self { module, function, name, blocks: BTreeMap::new(), counts: BTreeMap::new() }
    }

    /// The block for one more check of this kind.
    pub(crate) fn block(&mut self, check: Check) -> Block {
        *self.counts.entry(check).or_default() += 1;
        if let Some(&block) = self.blocks.get(&check) {
            return block;
        }
        let site = self.module.record(&[self.name, self.module.number(check as u32)]);
        let site = self.module.variable("rcb.site", site, true, None);
        let block = Block::append(self.function, &format!("rcb.fault.{}", check.name()));
        let handler = self.module.reporter(HANDLER);
        let cursor = Cursor::at_end(block);
        for attribute in ["noreturn", "nounwind", "cold"] {
            cursor.function_attribute(handler, attribute);
        }
        cursor.call(handler, site.ty().void(), &[site]).locate_in_function();
        cursor.unreachable();
        self.blocks.insert(check, block);
        block
    }
}

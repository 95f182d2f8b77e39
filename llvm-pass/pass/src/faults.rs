//! Where a failed check goes: one cold block per function and kind of check, which names itself.
//!
//! ```text
//!   rcb.fault.store:  call void @__rcb_fault(ptr @rcb.site)     rcb.site = { name of the function, kind }
//!                     unreachable
//! ```
//!
//! A function with x87 values gets one block per check: code generation lets all ways into one block agree on what lies
//! on the x87 stack, which would put every x87 value there everywhere. The equal blocks are merged after that.

use crate::fault::{Check, HANDLER};
use crate::ir::{Block, Cursor, Kind, Module, Value};
use std::collections::BTreeMap;

/// The fault blocks of one function.
#[derive(Debug)]
pub(crate) struct Faults<'a, 'ctx> {
    module: &'a Module<'ctx>,
    function: Value,
    name: Value,
    /// By kind: what names it, and the block unless each check has its own.
    sites: BTreeMap<Check, (Value, Option<Block>)>,
    has_x87: bool,
    /// Checks made, by kind.
    pub(crate) counts: BTreeMap<Check, u32>,
}

impl<'a, 'ctx> Faults<'a, 'ctx> {
    /// For a function that is reported under a name.
    pub(crate) fn new(module: &'a Module<'ctx>, function: Value, name: &str) -> Self {
        let text = module.bytes(&[name.as_bytes(), &[0]].concat());
        let name = module.variable("rcb.name", text, true, None);
        Module::mergeable(name);
        let is_x87 = |instruction: Value| instruction.ty().kind() == Kind::OddFloat;
        let has_x87 = function.instructions_of_function().any(is_x87);
        Self { module, function, name, sites: BTreeMap::new(), has_x87, counts: BTreeMap::new() }
    }

    /// The block for one more check of this kind.
    pub(crate) fn block(&mut self, check: Check) -> Block {
        *self.counts.entry(check).or_default() += 1;
        let known = self.sites.get(&check).copied();
        if let Some((_, Some(block))) = known {
            return block;
        }
        let site = known.map_or_else(
            || {
                let site = self.module.record(&[self.name, self.module.number(check as u32)]);
                self.module.variable("rcb.site", site, true, None)
            },
            |(site, _)| site,
        );
        let block = Block::append(self.function, &format!("rcb.fault.{}", check.name()));
        let handler = self.module.reporter(HANDLER);
        let cursor = Cursor::at_end(block);
        for attribute in ["noreturn", "nounwind", "cold"] {
            cursor.function_attribute(handler, attribute);
        }
        cursor.call(handler, site.ty().void(), &[site]).locate_in_function();
        cursor.unreachable();
        self.sites.insert(check, (site, (!self.has_x87).then_some(block)));
        block
    }
}

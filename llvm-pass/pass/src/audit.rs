//! A look at the machine code: is the redundancy still there?
//!
//! The object is disassembled function by function. Four things are looked for, none of which the intermediate
//! representation can promise:
//!
//! - calls of the fault handler: a protected function with checks has at least one;
//! - ways to the blocks that make those calls: the checks that are left;
//! - comparisons of a register with itself: what a check of two slices becomes when they were merged;
//! - twin operations whose operands come from one register (`twins`).

mod twins;

use crate::fault::{Check, HANDLER};
use crate::report::{Outcome, Report};
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex, SectionKind, SymbolKind};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// What the machine code of one function shows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Machine {
    /// Bytes of code.
    pub bytes: u64,
    /// Instructions.
    pub instructions: u32,
    /// Calls of the fault handler.
    pub fault_calls: u32,
    /// Conditional jumps to those calls.
    pub checks: u32,
    /// Comparisons of a register with itself whose outcome decides about such a jump, but for checks of branches.
    pub idle_checks: u32,
    /// Pairs of operations, one of each slice, that lead to a check.
    pub twins: u32,
    /// Addresses of instructions that feed both operations of such a pair.
    pub shared: Vec<u64>,
}

/// What the machine code of an object shows, by symbol.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Audit {
    /// Functions of the object.
    pub functions: BTreeMap<String, Machine>,
}

/// Disassembles an object file.
///
/// # Errors
/// When it cannot be read.
pub fn audit(bytes: &[u8]) -> Result<Audit, object::Error> {
    let file = object::File::parse(bytes)?;
    let mut sections: HashMap<SectionIndex, HashMap<u64, Reference>> = HashMap::new();
    let mut functions = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0) {
        let Some(index) = symbol.section_index() else { continue };
        let section = file.section_by_index(index)?;
        let references = sections.entry(index).or_insert_with(|| references(&file, &section));
        let start = symbol.address();
        let Some(code) = section.data_range(start, symbol.size())? else { continue };
        functions.insert(symbol.name()?.to_owned(), machine(code, start, references));
    }
    Ok(Audit { functions })
}

/// What a place in the code refers to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reference {
    /// The fault handler.
    Handler,
    /// What names a check of this kind (`rcb.site`).
    Site(u32),
}

/// The places in a section that refer to the handler or to a site.
fn references(file: &object::File<'_>, section: &object::Section<'_, '_>) -> HashMap<u64, Reference> {
    let refers = |relocation: &object::Relocation| -> Option<Reference> {
        let RelocationTarget::Symbol(target) = relocation.target() else { return None };
        let symbol = file.symbol_by_index(target).ok()?;
        if symbol.name() == Ok(HANDLER) {
            return Some(Reference::Handler);
        }
        // A site is the address of its function's name and the kind of its check. The reference counts from the end of
        // an instruction that ends with it.
        let site = symbol.address().checked_add(4)?.checked_add_signed(relocation.addend())?;
        let data = file.section_by_index(symbol.section_index()?).ok()?;
        if data.kind() == SectionKind::Text {
            return None;
        }
        let kind = data.data_range(site + 8, 4).ok()??;
        Some(Reference::Site(u32::from_le_bytes(kind.try_into().ok()?)))
    };
    section.relocations().filter_map(|(offset, relocation)| Some((offset, refers(&relocation)?))).collect()
}

/// `references` are the offsets at which the code refers to the handler or to a site.
fn machine(code: &[u8], start: u64, references: &HashMap<u64, Reference>) -> Machine {
    let all: Vec<Instruction> = Decoder::with_ip(64, code, start, DecoderOptions::NONE).iter().collect();
    let mut machine = Machine { bytes: code.len() as u64, instructions: all.len() as u32, ..Machine::default() };
    let refers = |one: &Instruction| (one.ip()..one.next_ip()).find_map(|offset| references.get(&offset).copied());
    // A fault block is a call of the handler and what prepares its argument: the run of instructions before it from the
    // last place where control cannot fall through. Its kind is that of the site.
    let mut blocks: HashMap<u64, Option<u32>> = HashMap::new();
    for (at, instruction) in all.iter().enumerate() {
        let is_call = matches!(instruction.mnemonic(), Mnemonic::Call | Mnemonic::Jmp);
        if !is_call || refers(instruction) != Some(Reference::Handler) {
            continue;
        }
        machine.fault_calls += 1;
        let mut first = at;
        while first > 0 && at - first < 8 && !ends_flow(&all[first - 1]) {
            first -= 1;
        }
        let kind = all[first..at].iter().find_map(|one| match refers(one) {
            Some(Reference::Site(kind)) => Some(kind),
            _ => None,
        });
        blocks.extend(all[first..=at].iter().map(|one| (one.ip(), kind)));
    }
    let mut slices = twins::Code::new(&all);
    for (at, pair) in all.windows(2).enumerate() {
        let (test, jump) = (&pair[0], &pair[1]);
        let Some(kind) = blocks.get(&jump.near_branch_target()).filter(|_| jump.is_jcc_short_or_near()) else {
            continue;
        };
        machine.checks += 1;
        // The check of a branch compares within the shadow slice what the branch has compared. It compares a register
        // with itself where the program does: code generation knows more equal values than the optimiser.
        if *kind != Some(Check::Branch as u32) {
            machine.idle_checks += u32::from(compares_with_itself(test));
        }
        if kind.is_some_and(|kind| COMPARES_SLICES.iter().any(|&check| check as u32 == kind)) {
            slices.follow(at);
        }
    }
    let found = slices.found();
    (machine.twins, machine.shared) = (found.pairs, found.shared);
    machine
}

/// Checks that compare a value with its shadow.
const COMPARES_SLICES: [Check; 4] = [Check::Store, Check::Call, Check::Return, Check::Access];

fn ends_flow(instruction: &Instruction) -> bool {
    matches!(instruction.mnemonic(), Mnemonic::Jmp | Mnemonic::Ret | Mnemonic::Ud2 | Mnemonic::Call | Mnemonic::Nop)
        || instruction.is_jcc_short_or_near()
}

fn compares_with_itself(instruction: &Instruction) -> bool {
    instruction.mnemonic() == Mnemonic::Cmp
        && instruction.op0_kind() == OpKind::Register
        && instruction.op1_kind() == OpKind::Register
        && instruction.op0_register() == instruction.op1_register()
}

impl Audit {
    /// The machine code of a function of the report: its twin's where it has one.
    fn of<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Machine> {
        let twin = format!("{name}.rcb.");
        let parts = self
            .functions
            .iter()
            .filter(move |(symbol, _)| **symbol == *twin.trim_end_matches(".rcb.") || symbol.starts_with(&twin));
        parts.map(|(_, machine)| machine)
    }

    /// What the report promises and the machine code does not have, in words.
    pub fn lost(&self, report: &Report) -> Vec<String> {
        let mut lost = Vec::new();
        for function in &report.functions {
            if !matches!(function.outcome, Outcome::Protected { .. }) {
                continue;
            }
            let promised: u32 = function.checks.values().sum();
            let (mut found, mut idle, mut any) = (0, 0, false);
            for machine in self.of(&function.name) {
                any = true;
                // Where the program computes something once and copies it, both slices begin with one register.
                if function.single == 0 && !machine.shared.is_empty() {
                    let places: Vec<_> = machine.shared.iter().map(|at| format!("{at:#x}")).collect();
                    lost.push(format!("{}: both slices use the results at {}", function.name, places.join(", ")));
                }
                found += machine.fault_calls;
                idle += machine.idle_checks;
            }
            if any && promised > 0 && found == 0 {
                lost.push(format!("{}: none of {promised} checks is left", function.name));
            }
            if idle > 0 {
                lost.push(format!("{}: {idle} checks compare a register with itself", function.name));
            }
        }
        lost
    }

    /// As a table for people.
    pub fn table(&self, report: &Report) -> String {
        let mut text = format!("{:>7} {:>7} {:>7} {:>7}  machine code of\n", "bytes", "instr", "checks", "twins");
        for function in &report.functions {
            for machine in self.of(&function.name) {
                let Machine { bytes, instructions, checks, twins, .. } = machine;
                let _ = writeln!(text, "{bytes:>7} {instructions:>7} {checks:>7} {twins:>7}  {}", function.name);
            }
        }
        text
    }
}

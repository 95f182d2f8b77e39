//! A look at the machine code: is the redundancy still there?
//!
//! The object is disassembled function by function. Three things are looked for, none of which the intermediate
//! representation can promise:
//!
//! - calls of the fault handler: a protected function with checks has at least one;
//! - ways to the blocks that make those calls: the checks that are left;
//! - comparisons of a register with itself: what a check becomes when both slices were merged.

use crate::fault::HANDLER;
use crate::report::{Outcome, Report};
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
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
    /// Comparisons of a register with itself whose outcome decides about such a jump.
    pub idle_checks: u32,
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
    let handler = file.symbols().find(|symbol| symbol.name() == Ok(HANDLER)).map(|symbol| symbol.index());
    let mut functions = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0) {
        let Some(index) = symbol.section_index() else { continue };
        let section = file.section_by_index(index)?;
        let faults: HashSet<u64> = section
            .relocations()
            .filter(|(_, relocation)| match relocation.target() {
                RelocationTarget::Symbol(target) => Some(target) == handler,
                _ => false,
            })
            .map(|(offset, _)| offset)
            .collect();
        let start = symbol.address();
        let Some(code) = section.data_range(start, symbol.size())? else { continue };
        functions.insert(symbol.name()?.to_owned(), machine(code, start, &faults));
    }
    Ok(Audit { functions })
}

/// `faults` are the offsets at which a call of the handler has its target.
fn machine(code: &[u8], start: u64, faults: &HashSet<u64>) -> Machine {
    let all: Vec<Instruction> = Decoder::with_ip(64, code, start, DecoderOptions::NONE).iter().collect();
    let mut machine = Machine { bytes: code.len() as u64, instructions: all.len() as u32, ..Machine::default() };
    // A fault block is a call of the handler and what prepares its argument: the run of instructions before it from the
    // last place where control cannot fall through.
    let mut blocks = HashSet::new();
    for (at, instruction) in all.iter().enumerate() {
        let is_call = matches!(instruction.mnemonic(), Mnemonic::Call | Mnemonic::Jmp)
            && (instruction.ip()..instruction.next_ip()).any(|offset| faults.contains(&offset));
        if !is_call {
            continue;
        }
        machine.fault_calls += 1;
        let mut first = at;
        while first > 0 && at - first < 8 && !ends_flow(&all[first - 1]) {
            first -= 1;
        }
        blocks.extend(all[first..=at].iter().map(Instruction::ip));
    }
    for pair in all.windows(2) {
        let (test, jump) = (&pair[0], &pair[1]);
        if jump.is_jcc_short_or_near() && blocks.contains(&jump.near_branch_target()) {
            machine.checks += 1;
            machine.idle_checks += u32::from(compares_with_itself(test));
        }
    }
    machine
}

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
        let mut text = format!("{:>7} {:>7} {:>7}  machine code of\n", "bytes", "instr", "checks");
        for function in &report.functions {
            for machine in self.of(&function.name) {
                let Machine { bytes, instructions, checks, .. } = machine;
                let _ = writeln!(text, "{bytes:>7} {instructions:>7} {checks:>7}  {}", function.name);
            }
        }
        text
    }
}

//! Stores: performed once, compared after they were, so that no flip falls between the comparison and the store.
//!
//! | value | address | what is compared |
//! |---|---|---|
//! | part of the instruction | in the frame, a variable of the program | nothing: no register of the program is involved |
//! | in a general or vector register | the same | the value with its shadow |
//! | either | a register and a constant distance | these, and the register with its shadow, once per block |
//! | in a vector register | any other | these, and the address, computed once more |
//! | anything else | | the memory, read through the shadow address, with the shadow value |
//!
//! Reading back is one instruction for value and address, but the load waits for the store and takes a place at the load
//! ports, of which vectors have few: loops of vector stores are bound by them.
//!
//! Comparisons of registers wait in [`Pending`] until something follows that could see what was stored, or the block
//! ends ([`Duplication::settle`]). The first takes a value from assembly that stands behind the stores; the others are
//! in later blocks. A comparison that went ahead of its store would leave a gap between the two.

use crate::check::{differences, test_before};
use crate::constants::{self, fits};
use crate::duplicate::Duplication;
use crate::fault::Check;
use crate::ir::{Cursor, Kind, Opcode, Predicate, Type, Value};

/// Vector stores that wait at most: each keeps two registers.
const VECTORS: usize = 4;

/// What stores of the block still owe.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Values and addresses in general registers, with their shadows.
    registers: Vec<(Value, Value)>,
    /// Addresses that no register holds, with their shadows.
    addresses: Vec<(Value, Value)>,
    vectors: Vec<(Value, Value)>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.registers.is_empty() && self.addresses.is_empty() && self.vectors.is_empty()
    }
}

fn add(list: &mut Vec<(Value, Value)>, pair: (Value, Value)) {
    if !list.contains(&pair) {
        list.push(pair);
    }
}

/// Where a store goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A fixed distance from the instruction or the stack pointer.
    Fixed,
    /// A constant distance from an address in a register.
    Near(Value),
    /// A register and a scaled index, or what code generation may compute in another block.
    Computed(Value),
    /// The address has no shadow.
    Unshadowed,
}

impl Duplication<'_, '_> {
    pub(crate) fn store(&mut self, store: Value) {
        let (value, address) = (store.operand(0), store.operand(1));
        let Some(next) = store.next() else { return };
        if value.ty().kind() == Kind::OddFloat {
            self.shadows.unshadowed += 1;
            return;
        }
        let place = self.place(address);
        let is_vector = is_register_vector(value.ty()) && !value.is_constant();
        let is_immediate = value.is_constant() && fits(value);
        let is_apart = is_vector || is_immediate || self.is_in_register(value, address);
        if !is_apart || place == Place::Unshadowed {
            return self.read_back(store, next);
        }
        let cursor = Cursor::before(next).located_like(store);
        if !is_immediate {
            let pair = (value, self.shadow(&cursor, value));
            add(if is_vector { &mut self.pending.vectors } else { &mut self.pending.registers }, pair);
        }
        match place {
            Place::Near(root) => {
                let pair = (root, self.shadow(&cursor, root));
                add(&mut self.pending.registers, pair);
            }
            Place::Computed(root) => {
                let pair = (root, self.shadow(&cursor, root));
                add(&mut self.pending.addresses, pair);
            }
            Place::Fixed | Place::Unshadowed => {}
        }
        drop(cursor);
        if self.pending.vectors.len() >= VECTORS {
            self.settle(next);
        }
    }

    fn place(&self, address: Value) -> Place {
        let root = address.near_root();
        if constants::is_fixed(root) {
            Place::Fixed
        } else if !self.shadows.of.contains_key(&root) {
            Place::Unshadowed
        } else if root.is_address_computation() {
            Place::Computed(root)
        } else {
            Place::Near(root)
        }
    }

    /// Whether a value is in a general register when it is stored, and in the same one afterwards: not what is read,
    /// changed and written by one instruction, and not an address that can be computed anew at any time.
    fn is_in_register(&self, value: Value, address: Value) -> bool {
        let is_plain = matches!(value.ty().kind(), Kind::Pointer | Kind::Int(8 | 16 | 32 | 64));
        let has_shadow = self.shadows.of.contains_key(&value);
        let is_address_of_slot = value.is_address_computation() && value.operand(0).is_static_alloca();
        is_plain && has_shadow && !is_address_of_slot && !changes_memory(value, address)
    }

    fn read_back(&mut self, store: Value, next: Value) {
        let (value, address) = (store.operand(0), store.operand(1));
        let cursor = Cursor::before(next).located_like(store);
        let ty = value.ty();
        let shadow_address = self.shadow(&cursor, address);
        if shadow_address == address {
            self.shadows.unshadowed += 1;
        }
        let keeps = value.is_constant() && fits(value);
        let shadow = if keeps { value } else { self.shadow(&cursor, value) };
        // Read back as a number: the bits count, and comparing numbers is cheapest.
        let read_as = if let Kind::Float(bits) = ty.kind() { ty.int(bits) } else { ty };
        let back = cursor.load(read_as, shadow_address, store.alignment());
        let shadow = if read_as == ty { shadow } else { cursor.bitcast(shadow, read_as) };
        let conditions = differences(&cursor, back, shadow);
        drop(cursor);
        test_before(&mut self.faults, next, &conditions, Check::Store);
    }

    /// Makes the comparisons that stores before `at` owe.
    pub(crate) fn settle(&mut self, at: Value) {
        if self.pending.is_empty() {
            return;
        }
        let Pending { mut registers, addresses, vectors } = std::mem::take(&mut self.pending);
        let mut is_behind = false;
        for (address, shadow) in addresses {
            let cursor = Cursor::before(at);
            let again = constants::address_behind(&cursor, address);
            self.compare(&cursor, again, shadow, at);
            is_behind = true;
        }
        // A shadow that nothing else uses is best for the first: the assembly then costs no move.
        let free = registers.iter().position(|(value, _)| value.has_one_use());
        if let Some(free) = free {
            registers.swap(0, free);
        }
        for (value, shadow) in registers {
            let cursor = Cursor::before(at);
            let shadow = if is_behind { shadow } else { behind(&cursor, shadow, "=r,0") };
            self.compare(&cursor, value, shadow, at);
            is_behind = true;
        }
        let Some(&(first, _)) = vectors.first() else { return };
        let cursor = Cursor::before(at);
        let numbers = first.ty().int(64).vector(2);
        let mut all: Option<Value> = None;
        for (value, shadow) in vectors {
            let shadow = if is_behind { shadow } else { behind(&cursor, shadow, "=x,0") };
            let [value, shadow] = [value, shadow].map(|vector| cursor.bitcast(vector, numbers));
            let differs = cursor.binary(Opcode::LLVMXor, value, shadow);
            all = Some(all.map_or(differs, |all| cursor.binary(Opcode::LLVMOr, all, differs)));
        }
        if let Some(all) = all {
            let number = numbers.int(128);
            let any = cursor.compare(Predicate::LLVMIntNE, cursor.bitcast(all, number), Value::zero(number));
            drop(cursor);
            test_before(&mut self.faults, at, &[any], Check::Store);
        }
    }

    fn compare(&mut self, cursor: &Cursor, value: Value, shadow: Value, at: Value) {
        let differs = cursor.compare(Predicate::LLVMIntNE, value, shadow);
        test_before(&mut self.faults, at, &[differs], Check::Store);
    }
}

/// The value, from a piece of assembly that stays behind the stores before it.
fn behind(cursor: &Cursor, value: Value, constraints: &str) -> Value {
    cursor.ordered_assembly(("", constraints), value.ty(), &[value], None, true)
}

/// Whether a vector fills one vector register.
fn is_register_vector(ty: Type) -> bool {
    matches!(ty.kind(), Kind::Vector(_)) && ty.bits() == 128 && ty.part(0).bits() >= 8
}

/// Whether a value is made from what its own place in memory held, for this store alone: one instruction does it all.
fn changes_memory(value: Value, address: Value) -> bool {
    let is_load = |operand: Value| {
        operand.is_instruction() && operand.opcode() == Opcode::LLVMLoad && operand.operand(0) == address
    };
    value.is_instruction() && value.has_one_use() && value.operands().any(is_load)
}

//! Which system calls a program makes, counted, and what replicated runs would do with them.
//!
//! The calls come from one native run under observation ([`observe`]) or from the output of `strace` ([`parse`]);
//! [`assess`] compares them with the table.

pub mod assess;
pub mod observe;
pub mod parse;

use rcb_syscalls::{Row, lookup};
use std::collections::BTreeMap;

/// One kind of call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// A number, and for a multiplexer the key that selects the request.
    Number {
        /// Number of the call.
        nr: u32,
        /// The request, if the call is a multiplexer.
        key: Option<u32>,
    },
    /// A multiplexer's request that is known by name only, because the table has no such name.
    Request {
        /// Number of the call.
        nr: u32,
        /// The request as it was printed.
        name: String,
    },
    /// A call that the table does not know.
    Unknown(String),
}

/// What a program did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// How often each call was made, by all processes and threads together.
    pub calls: BTreeMap<Call, u64>,
    /// Threads started.
    pub threads: u64,
    /// Processes started.
    pub processes: u64,
}

impl Observed {
    /// Counts one call.
    pub fn count(&mut self, call: Call) {
        *self.calls.entry(call).or_default() += 1;
    }

    /// Counts one call by number and arguments.
    pub fn count_number(&mut self, nr: u32, args: &[u64; 6]) {
        let key = lookup(nr).and_then(|row| row.family).map(|family| args[usize::from(family.select)] as u32);
        self.count(Call::Number { nr, key });
    }

    /// All calls together.
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// The row that decides about a call: of the request, where the call is a multiplexer and the request is listed.
pub(crate) fn row_of(nr: u32, key: Option<u32>) -> Option<(&'static Row, Option<&'static Row>)> {
    let row = lookup(nr)?;
    let request = key.and_then(|key| row.family?.find(key.into()));
    Some((row, request))
}

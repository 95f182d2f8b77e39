//! The rows of all calls, and the index by number.
//!
//! The index is built when the crate compiles: a number that is missing, twice there or unknown to the kernel does
//! not compile. Looking a row up is one load from a dense array.

mod file;
mod io;
mod ipc;
mod memory;
mod misc;
mod net;
mod poll;
mod process;
mod signal;
mod time;

use crate::check::{self, Problem, Why};
use crate::spec::Row;

/// One more than the greatest number with a row.
pub const LIMIT: u32 = 470;

/// Numbers that x86-64 never gave to a call: 335 to 423, kept free so that numbers agree between architectures.
pub const GAP: core::ops::Range<u32> = 335..424;

/// All rows by subject.
pub const SUBJECTS: &[(&str, &[Row])] = &[
    ("file", file::ROWS),
    ("io", io::ROWS),
    ("memory", memory::ROWS),
    ("process", process::ROWS),
    ("signal", signal::ROWS),
    ("time", time::ROWS),
    ("poll", poll::ROWS),
    ("net", net::ROWS),
    ("ipc", ipc::ROWS),
    ("misc", misc::ROWS),
];

static TABLE: [Option<&'static Row>; LIMIT as usize] = merged();

const fn merged() -> [Option<&'static Row>; LIMIT as usize] {
    let mut table: [Option<&'static Row>; LIMIT as usize] = [None; LIMIT as usize];
    let mut subject = 0;
    while subject < SUBJECTS.len() {
        let rows = SUBJECTS[subject].1;
        check::demand(check::calls(rows));
        let mut at = 0;
        while at < rows.len() {
            let row = &rows[at];
            let slot = &mut table[row.nr as usize];
            if slot.is_some() {
                check::demand(Err(Problem { row: row.name, why: Why::Order }));
            }
            *slot = Some(row);
            at += 1;
        }
        subject += 1;
    }
    let mut nr = 0;
    while nr < LIMIT {
        // `contains` is not const.
        let in_gap = nr >= GAP.start && nr < GAP.end;
        assert!(table[nr as usize].is_none() == in_gap, "a number has no row, or a number in the gap has one");
        nr += 1;
    }
    table
}

/// The row of a call; `None` for numbers the kernel does not know (answered ENOSYS).
pub fn lookup(nr: u32) -> Option<&'static Row> {
    *TABLE.get(nr as usize)?
}

/// All rows in the order of their numbers.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().copied().flatten()
}

//! What must hold for every row, checked when the crate compiles.
//!
//! The checks are `const fn`s that return the first [`Problem`]; the tables hand theirs to [`demand`], which turns a
//! problem into an error of the compiler that names the row. Tests call the same functions with broken rows.
//!
//! A row whose buffer has a length that is no integer does not compile:
//!
//! ```compile_fail,E0080
//! use rcb_syscalls::{Arg, Class, Exec, Len, Makes, Row, Support, check};
//! const WRITE: Row = Row {
//!     nr: 1,
//!     name: "write",
//!     args: &[Arg::Fd, Arg::In(Len::Arg(0)), Arg::Int],
//!     exec: Exec::Once,
//!     class: Class::Output,
//!     blocks: true,
//!     makes: Makes::Nothing,
//!     support: Support::Full,
//!     family: None,
//! };
//! const _: () = check::demand(check::row(&WRITE));
//! ```
//!
//! and with the right argument it does:
//!
//! ```
//! # use rcb_syscalls::{Arg, Class, Exec, Len, Makes, Row, Support, check};
//! # const WRITE: Row = Row {
//! #     nr: 1,
//! #     name: "write",
//! #     args: &[Arg::Fd, Arg::In(Len::Arg(2)), Arg::Int],
//! #     exec: Exec::Once,
//! #     class: Class::Output,
//! #     blocks: true,
//! #     makes: Makes::Nothing,
//! #     support: Support::Full,
//! #     family: None,
//! # };
//! const _: () = check::demand(check::row(&WRITE));
//! ```

mod args;
mod text;

use crate::spec::{Arg, Class, Cloexec, Exec, Family, Len, Makes, Row, Support};

pub use text::Why;

/// Most arguments of a system call.
pub const MAX_ARGS: usize = 6;

/// A row that breaks a rule, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the row.
    pub row: &'static str,
    /// The rule.
    pub why: Why,
}

/// Verdict of a check.
pub type Verdict = Result<(), Problem>;

/// Stops the compiler (or the program) at a problem.
///
/// # Panics
/// With the name of the row and the rule, if the verdict is a problem.
pub const fn demand(verdict: Verdict) {
    if let Err(problem) = verdict {
        let mut line = text::Line::new();
        line.push(problem.row);
        line.push(": ");
        line.push(problem.why.sentence());
        panic!("{}", line.as_str());
    }
}

/// The rows of one file of calls.
pub const fn calls(rows: &[Row]) -> Verdict {
    let mut at = 0;
    while at < rows.len() {
        let one = &rows[at];
        if at > 0 && rows[at - 1].nr >= one.nr {
            return bad(one, Why::Order);
        }
        if one.nr >= crate::table::LIMIT {
            return bad(one, Why::Number);
        }
        if !text::is_call_name(one.name) {
            return bad(one, Why::Name);
        }
        let verdict = row(one);
        if verdict.is_err() {
            return verdict;
        }
        if let Some(of) = one.family {
            if args::integer(one.args, of.select).is_err() {
                return bad(one, Why::Select);
            }
            let verdict = family(of);
            if verdict.is_err() {
                return verdict;
            }
        }
        at += 1;
    }
    Ok(())
}

/// The rows of a family.
pub const fn family(family: &Family) -> Verdict {
    let rows = family.rows;
    let mut at = 0;
    while at < rows.len() {
        let one = &rows[at];
        if at > 0 && rows[at - 1].nr >= one.nr {
            return bad(one, Why::Order);
        }
        if one.nr & family.mask != one.nr {
            return bad(one, Why::Number);
        }
        if !text::is_request_name(one.name) {
            return bad(one, Why::Name);
        }
        if one.family.is_some() {
            return bad(one, Why::Nested);
        }
        if args::integer(one.args, family.select).is_err() {
            return bad(one, Why::Select);
        }
        let verdict = row(one);
        if verdict.is_err() {
            return verdict;
        }
        at += 1;
    }
    if rows.is_empty() || !is_errno(family.unknown) {
        return Err(Problem { row: "family", why: Why::Errno });
    }
    Ok(())
}

/// One row by itself.
pub const fn row(row: &Row) -> Verdict {
    if let Err(why) = args::all(row.args) {
        return bad(row, why);
    }
    if let Err(why) = performed(row) {
        return bad(row, why);
    }
    if let Err(why) = makes(row) {
        return bad(row, why);
    }
    Ok(())
}

const fn bad(row: &Row, why: Why) -> Verdict {
    Err(Problem { row: row.name, why })
}

const fn is_errno(errno: u16) -> bool {
    errno >= 1 && errno <= 133
}

/// Who performs it, what it does and how far it is supported must fit together.
const fn performed(row: &Row) -> Result<(), Why> {
    match row.support {
        Support::Full => {}
        Support::Partial(why) | Support::None(why) => {
            if !text::is_sentence(why) {
                return Err(Why::Sentence);
            }
        }
    }
    match row.exec {
        Exec::Refused(errno) | Exec::Absent(errno) => {
            if !is_errno(errno) {
                return Err(Why::Errno);
            }
            if !matches!(row.support, Support::None(_)) {
                return Err(Why::Support);
            }
            if row.blocks || !matches!(row.makes, Makes::Nothing) || row.family.is_some() {
                return Err(Why::NotPerformed);
            }
            return Ok(());
        }
        Exec::Each | Exec::Once | Exec::Handled(_) => {}
    }
    if matches!(row.support, Support::None(_)) {
        return Err(Why::Support);
    }
    let fits = match row.exec {
        Exec::Each => matches!(row.class, Class::Local) && !row.blocks,
        Exec::Once => matches!(row.class, Class::PureInput | Class::ConsumingInput | Class::Output | Class::Descriptor),
        _ => true,
    };
    if fits { Ok(()) } else { Err(Why::Class) }
}

/// Descriptors must come from where the row says, and be made by calls whose class allows it.
const fn makes(row: &Row) -> Result<(), Why> {
    let args = row.args;
    let cloexec = match row.makes {
        Makes::Nothing => {
            let unsaid = matches!(row.class, Class::Descriptor) || args::receives_rights(args);
            let performed = !matches!(row.exec, Exec::Refused(_) | Exec::Absent(_));
            return if unsaid && performed { Err(Why::Makes) } else { Ok(()) };
        }
        Makes::Rights => return if args::receives_rights(args) { Ok(()) } else { Err(Why::Makes) },
        Makes::Result(cloexec) => cloexec,
        Makes::Pair { arg, cloexec } => {
            if arg as usize >= args.len() || !matches!(args[arg as usize], Arg::Out(Len::Bytes(8))) {
                return Err(Why::Makes);
            }
            cloexec
        }
    };
    if matches!(row.exec, Exec::Each) || matches!(row.class, Class::PureInput) {
        return Err(Why::Makes);
    }
    let found = match cloexec {
        Cloexec::Never | Cloexec::Always => true,
        Cloexec::Arg { arg, mask } => args::integer(args, arg).is_ok() && mask != 0,
        Cloexec::Pointed { arg } => (arg as usize) < args.len() && matches!(args[arg as usize], Arg::In(_)),
    };
    if found { Ok(()) } else { Err(Why::Makes) }
}

#[cfg(test)]
mod tests;

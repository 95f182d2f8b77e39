//! The columns of a row in words, shared by the page and the JSON.
//!
//! Notation: `a0` to `a5` are the arguments, `R` is the result, `a1[a2]` is the memory behind `a1`, as many bytes as
//! `a2` says.

use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec::Vec;

use crate::errno::errno_name;
use crate::spec::{Arg, Class, Cloexec, Exec, Len, Makes, Row, Support};

/// Kind of an argument, in one word.
pub(super) fn kind(arg: &Arg) -> &'static str {
    match arg {
        Arg::Int => "int",
        Arg::Fd => "fd",
        Arg::Flags(_) => "flags",
        Arg::Addr => "addr",
        Arg::Path => "path",
        Arg::Name => "name",
        Arg::Strv => "strings",
        Arg::In(_) => "in",
        Arg::Out(_) => "out",
        Arg::InOut(_) => "inout",
        Arg::InVec { .. } => "iovec in",
        Arg::OutVec { .. } => "iovec out",
        Arg::MsgIn => "msghdr in",
        Arg::MsgOut => "msghdr out",
        Arg::MmsgIn { .. } => "mmsghdr in",
        Arg::MmsgOut { .. } => "mmsghdr out",
        Arg::SigMask(_) | Arg::SigMaskIndirect => "sigmask",
    }
}

/// Length of the memory behind an argument; `None` for arguments without such a length.
pub(super) fn length(arg: &Arg) -> Option<String> {
    match arg {
        Arg::In(len) | Arg::Out(len) | Arg::InOut(len) | Arg::SigMask(len) => Some(extent(*len)),
        Arg::InVec { count } | Arg::OutVec { count } | Arg::MmsgIn { count } | Arg::MmsgOut { count } => {
            Some(format!("a{count}"))
        }
        _ => None,
    }
}

fn extent(len: Len) -> String {
    match len {
        Len::Bytes(bytes) => format!("{bytes}"),
        Len::Arg(arg) => format!("a{arg}"),
        Len::Times { arg, size } => format!("a{arg} * {size}"),
        Len::Result { cap } => format!("R <= a{cap}"),
        Len::ResultTimes { cap, size } => format!("(R <= a{cap}) * {size}"),
        Len::Pointed { arg } => format!("*a{arg}"),
        Len::FdSet { nfds } => format!("fd_set of a{nfds}"),
        Len::BitMask { bits } => format!("a{bits} bits"),
        Len::Pages { arg } => format!("pages of a{arg}"),
        Len::Sized => "its own size".to_owned(),
        Len::FileHandle => "8 + its own size".to_owned(),
        Len::Msg { arg } => format!("8 + a{arg}"),
        Len::MsgResult { cap } => format!("8 + (R <= a{cap})"),
    }
}

/// Arguments by kind.
pub(super) fn arguments(row: &Row) -> String {
    row.args.iter().map(kind).collect::<Vec<_>>().join(", ")
}

/// Memory that is compared, besides the values of all arguments.
pub(super) fn compared(row: &Row) -> String {
    let one = |(at, arg): (usize, &Arg)| match arg {
        Arg::Path | Arg::Name | Arg::Strv => Some(format!("{} a{at}", kind(arg))),
        Arg::In(len) | Arg::InOut(len) | Arg::SigMask(len) => Some(format!("a{at}[{}]", extent(*len))),
        Arg::SigMaskIndirect => Some(format!("mask behind a{at}")),
        Arg::InVec { count } => Some(format!("bytes of a{count} iovecs a{at}")),
        Arg::OutVec { count } => Some(format!("lengths of a{count} iovecs a{at}")),
        Arg::MsgIn => Some(format!("name, bytes, control of a{at}")),
        Arg::MmsgIn { count } => Some(format!("name, bytes, control of a{count} messages a{at}")),
        Arg::MsgOut => Some(format!("lengths of a{at}")),
        Arg::MmsgOut { count } => Some(format!("lengths of a{count} messages a{at}")),
        Arg::Int | Arg::Fd | Arg::Flags(_) | Arg::Addr | Arg::Out(_) => None,
    };
    row.args.iter().enumerate().filter_map(one).collect::<Vec<_>>().join("; ")
}

/// Memory that the call writes, besides the result.
pub(super) fn delivered(row: &Row) -> String {
    let one = |(at, arg): (usize, &Arg)| match arg {
        Arg::Out(len) | Arg::InOut(len) => Some(format!("a{at}[{}]", extent(*len))),
        Arg::OutVec { .. } => Some(format!("iovecs a{at}, R bytes")),
        Arg::MsgOut => Some(format!("name, R bytes, control, flags of a{at}")),
        Arg::MmsgOut { .. } => Some(format!("R messages a{at}")),
        Arg::MmsgIn { .. } => Some(format!("lengths of R messages a{at}")),
        _ => None,
    };
    row.args.iter().enumerate().filter_map(one).collect::<Vec<_>>().join("; ")
}

/// Name of an errno that a row answers with.
pub(super) fn errno(errno: u16) -> String {
    errno_name(errno).map_or_else(|| format!("errno {errno}"), ToOwned::to_owned)
}

/// Who performs it.
pub(super) fn performer(row: &Row) -> String {
    match row.exec {
        Exec::Each => "each replica".to_owned(),
        Exec::Once => "leader".to_owned(),
        Exec::Handled(by) => format!("handler {by:?}"),
        Exec::Refused(code) => format!("nobody: {}", errno(code)),
        Exec::Absent(code) => format!("nobody: {}, no warning", errno(code)),
    }
}

/// Whether anybody performs it.
pub(super) fn is_performed(row: &Row) -> bool {
    !matches!(row.exec, Exec::Refused(_) | Exec::Absent(_))
}

/// What it does to the world.
pub(super) fn class(class: Class) -> &'static str {
    match class {
        Class::Local => "local",
        Class::PureInput => "pure input",
        Class::ConsumingInput => "consuming input",
        Class::Output => "output",
        Class::Descriptor => "descriptor",
        Class::Process => "process",
        Class::Signal => "signal",
    }
}

/// Descriptors that it makes.
pub(super) fn makes(row: &Row) -> String {
    match row.makes {
        Makes::Nothing => String::new(),
        Makes::Result(cloexec) => format!("R{}", closing(cloexec)),
        Makes::Pair { arg, cloexec } => format!("two in a{arg}{}", closing(cloexec)),
        Makes::Rights => "those in control messages".to_owned(),
    }
}

fn closing(cloexec: Cloexec) -> String {
    match cloexec {
        Cloexec::Never => String::new(),
        Cloexec::Always => ", cloexec".to_owned(),
        Cloexec::Arg { arg, mask } => format!(", cloexec if a{arg} & {mask:#x}"),
        Cloexec::Pointed { arg } => format!(", cloexec if *a{arg} & 0x80000"),
    }
}

/// How far it is supported: level and sentence.
pub(super) fn support(support: Support) -> (&'static str, &'static str) {
    match support {
        Support::Full => ("full", ""),
        Support::Partial(missing) => ("partial", missing),
        Support::None(why) => ("none", why),
    }
}

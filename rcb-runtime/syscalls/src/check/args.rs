//! Rules for the arguments of a row: every length refers to an argument that can hold one.

use super::{MAX_ARGS, Why};
use crate::spec::{Arg, Len};

/// All arguments of a row.
pub(super) const fn all(args: &[Arg]) -> Result<(), Why> {
    if args.len() > MAX_ARGS {
        return Err(Why::TooMany);
    }
    let mut at = 0;
    while at < args.len() {
        let verdict = one(args, at);
        if verdict.is_err() {
            return verdict;
        }
        at += 1;
    }
    Ok(())
}

/// Whether argument `at` exists and is an integer by kind.
pub(super) const fn integer(args: &[Arg], at: u8) -> Result<(), Why> {
    if at as usize >= args.len() {
        return Err(Why::NoSuchArg);
    }
    if matches!(args[at as usize], Arg::Int | Arg::Flags(_)) { Ok(()) } else { Err(Why::NotInteger) }
}

/// Whether descriptors may arrive in control messages.
pub(super) const fn receives_rights(args: &[Arg]) -> bool {
    let mut at = 0;
    while at < args.len() {
        if matches!(args[at], Arg::MsgOut | Arg::MmsgOut { .. }) {
            return true;
        }
        at += 1;
    }
    false
}

const fn one(args: &[Arg], at: usize) -> Result<(), Why> {
    match args[at] {
        Arg::In(by) => length(args, by, Way::In),
        Arg::Out(by) => length(args, by, Way::Out),
        Arg::InOut(by) => length(args, by, Way::Both),
        // A signal set has the size that an argument says; the kernel accepts 8 only.
        Arg::SigMask(by) => match by {
            Len::Arg(size) => integer(args, size),
            _ => Err(Why::Length),
        },
        Arg::InVec { count } | Arg::OutVec { count } | Arg::MmsgIn { count } | Arg::MmsgOut { count } => {
            integer(args, count)
        }
        Arg::Flags(set) => {
            if set.names.is_empty() {
                Err(Why::Flags)
            } else {
                Ok(())
            }
        }
        _ => Ok(()),
    }
}

/// Which way the bytes go.
#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
    Both,
}

const fn length(args: &[Arg], by: Len, way: Way) -> Result<(), Why> {
    let reads = matches!(way, Way::In | Way::Both);
    match by {
        Len::Bytes(bytes) => {
            if bytes == 0 {
                return Err(Why::Length);
            }
            Ok(())
        }
        Len::Times { arg, size } => {
            if size == 0 {
                return Err(Why::Length);
            }
            integer(args, arg)
        }
        Len::Arg(arg) | Len::FdSet { nfds: arg } | Len::BitMask { bits: arg } => integer(args, arg),
        Len::Sized | Len::FileHandle => {
            // The size stands in what the caller wrote, so there must be something to read.
            if reads { Ok(()) } else { Err(Why::Length) }
        }
        Len::Msg { arg } => {
            if matches!(way, Way::In) {
                integer(args, arg)
            } else {
                Err(Why::Length)
            }
        }
        // These lengths are known after the call only.
        Len::Result { cap } | Len::MsgResult { cap } | Len::Pages { arg: cap } => {
            if reads {
                return Err(Why::Length);
            }
            integer(args, cap)
        }
        Len::ResultTimes { cap, size } => {
            if reads || size == 0 {
                return Err(Why::Length);
            }
            integer(args, cap)
        }
        Len::Pointed { arg } => {
            if reads {
                return Err(Why::Length);
            }
            if arg as usize >= args.len() {
                return Err(Why::NoSuchArg);
            }
            if matches!(args[arg as usize], Arg::InOut(Len::Bytes(4))) { Ok(()) } else { Err(Why::NotPointer) }
        }
    }
}

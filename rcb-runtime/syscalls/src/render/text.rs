//! One call as `strace` shows it: `openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC, 0) = 3`.
//!
//! The memory of the guest is reached through a function of the caller, which may know none of it: then addresses are
//! printed instead. Reports are made after something went wrong, so nothing here trusts a length or a pointer.

mod memory;
mod value;

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::errno::errno_name;
use crate::spec::{Arg, Row};
use crate::table::lookup;

/// Reads `len` bytes of the guest at an address; `None` if not all of them can be had.
pub type Fetch<'a> = &'a dyn Fn(u64, usize) -> Option<Vec<u8>>;

/// One call with its arguments and, once it is known, its result.
///
/// `result` is the kernel's: negative errno or a value. Buffers that the call fills are shown when it succeeded.
pub fn format_call(nr: u32, args: [u64; 6], result: Option<i64>, fetch: Fetch<'_>) -> String {
    let Some(call) = lookup(nr) else {
        let args: Vec<String> = args.iter().map(|arg| format!("{arg:#x}")).collect();
        return format!("syscall_{nr}({}){}", args.join(", "), outcome(result));
    };
    let request = call.family.and_then(|family| Some((family.select, family.find(args[usize::from(family.select)])?)));
    let row = request.map_or(call, |(_, row)| row);
    let shown: Vec<String> = row
        .args
        .iter()
        .enumerate()
        .map(|(at, arg)| match request {
            Some((select, row)) if usize::from(select) == at && matches!(arg, Arg::Int) => row.name.to_string(),
            _ => argument(row, at, &args, result, fetch),
        })
        .collect();
    format!("{}({}){}", call.name, shown.join(", "), outcome(result))
}

fn argument(row: &Row, at: usize, args: &[u64; 6], result: Option<i64>, fetch: Fetch<'_>) -> String {
    let value = args[at];
    match &row.args[at] {
        Arg::Int => value::integer(value),
        Arg::Fd => value::descriptor(value),
        Arg::Flags(set) => value::flags(set, value),
        Arg::Addr => value::address(value),
        behind => memory::Call { args, result, fetch }.show(value, behind),
    }
}

fn outcome(result: Option<i64>) -> String {
    match result {
        None => String::new(),
        Some(negative @ -4095..=-1) => {
            let errno = -negative as u16;
            match errno_name(errno) {
                Some(name) => format!(" = -1 {name}"),
                None => format!(" = -1 errno {errno}"),
            }
        }
        Some(address) if address as u64 > u64::from(u32::MAX) => format!(" = {address:#x}"),
        Some(value) => format!(" = {value}"),
    }
}

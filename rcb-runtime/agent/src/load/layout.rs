//! Equal addresses where the kernel insists on random ones (containers deny `personality(ADDR_NO_RANDOMIZE)`).
//!
//! What the kernel draws for each process: the stack, the vDSO, and the address below which `mmap` looks for room. The
//! vDSO is unmapped in any case. The range from which the address for `mmap` is drawn becomes one window that nothing else
//! fits into, so that the highest room below that address is the highest room below the window. The stack is
//! copied to the window's end, strings and all, to where it would lie if nothing were random:
//!
//! ```text
//!  start                       end - STACK_MAX            stack                  end                  TOP
//!  | nothing, not accessible   | nothing, not accessible  | the guest's stack    | the kernel's stack |
//! ```
//!
//! The kernel's own stack stays where it is for `/proc/PID/cmdline`; nobody has its address. Address space that the
//! window takes is not counted as the guest's.
//! LIMIT: a stack gets at most STACK_MAX, and lowering RLIMIT_STACK shortens it only for the next program.
//!
//! Invariant: between `start` and `end` nothing is ever free.
#![allow(unsafe_code, reason = "maps the window, reads the stack that the kernel has built")]

use super::stack::{self, AT_EXECFN, AT_PLATFORM};
use crate::guest;
use crate::state::State;
use core::slice::from_raw_parts;
use rcb_abi::WINDOW_BYTES;
use rcb_sys::errno::{EEXIST, EFAULT, EINVAL, ENOMEM, fail, is_error};
use rcb_sys::{nr, syscall};

const PAGE: u64 = 4096;
/// End of the addresses of a process.
const TOP: u64 = 0x7fff_ffff_f000;
/// Most by which the kernel moves a stack down.
const STACK_RANDOM: u64 = 0x3f_ffff << 12;
/// Most that a stack in the window can have.
const STACK_MAX: u64 = 1 << 30;
/// What a stack has below its first use, whatever its limit is.
const STACK_MIN: u64 = 128 << 10;
const RLIMIT_STACK: u32 = 3;
/// Where MAP_32BIT mappings lie, but for the part of it that the kernel leaves out at random.
const LOW: core::ops::Range<u64> = 0x4200_0000..0x8000_0000;
const LOW_STEP: u64 = 0x1_0000;
const PRIVATE_ANONYMOUS: u64 = 0x22;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;
const MAP_32BIT: u64 = 0x40;
/// MAP_NORESERVE | MAP_FIXED_NOREPLACE and the above.
const RESERVE: u64 = PRIVATE_ANONYMOUS | 0x4000 | MAP_FIXED_NOREPLACE;
/// MAP_GROWSDOWN | MAP_STACK: counted as stack; it never grows, for there is no room.
const STACK: u64 = 0x0100 | 0x2_0000;

/// The window; empty where the kernel leaves addresses alone.
#[derive(Clone, Copy)]
pub struct Window {
    start: u64,
    end: u64,
    /// From here on the stack is accessible.
    stack: u64,
    /// Where the next MAP_32BIT mapping is tried.
    low: u64,
}

impl Window {
    /// There is none.
    pub const NONE: Self = Self { start: 0, end: 0, stack: 0, low: LOW.start };

    /// Whether an address lies in it and not on the stack: for the guest nothing is mapped there.
    pub const fn reserves(&self, addr: u64) -> bool {
        self.start <= addr && addr < self.stack
    }
}

/// Makes the window and moves the stack of a new program into it; returns its stack pointer. Only the kernel's stack,
/// the agent and what it shares may be mapped.
pub fn settle(st: &mut State, sp: u64) -> Result<u64, i64> {
    let mut limit = [0u64; 2];
    // SAFETY: writes a local.
    done(unsafe { syscall!(nr::PRLIMIT64, 0, RLIMIT_STACK, 0, &raw mut limit, 0, 0) })?;
    // As the kernel finds the address for mmap: the gap is at most five sixths.
    let gap = limit[0].saturating_add(STACK_RANDOM).min(TOP / 6 * 5);
    let end = (TOP - gap).next_multiple_of(PAGE);
    let start = end - WINDOW_BYTES;
    reserve(start, WINDOW_BYTES - STACK_MAX, 0)?;
    reserve(end - STACK_MAX, STACK_MAX, STACK)?;
    let old = Built::by_kernel(sp).ok_or_else(|| fail(EINVAL))?;
    let strings = end - (old.end - old.strings);
    let shift = [(strings & !15).wrapping_sub(old.vector), strings.wrapping_sub(old.strings)];
    let new = sp.wrapping_add(shift[0]);
    let least = (end - new).saturating_add(STACK_MIN);
    st.window = Window { start, end, stack: end, low: LOW.start };
    done(open(st, limit[0].max(least)))?;
    // Huge pages would be an extravagance that the kernel's stacks do not have either.
    // SAFETY: advice about the stack.
    unsafe { syscall!(nr::MADVISE, st.window.stack, end - st.window.stack, 15, 0, 0, 0) };
    // SAFETY: what the kernel has built, which nobody changes.
    let (strings_from, head_from) = unsafe {
        (
            from_raw_parts(old.strings as *const u8, (old.end - old.strings) as usize),
            from_raw_parts(sp as *const u8, (old.vector - sp) as usize),
        )
    };
    let moved = |value: u64| match value {
        v if (sp..old.vector).contains(&v) => v.wrapping_add(shift[0]),
        v if (old.strings..old.end).contains(&v) => v.wrapping_add(shift[1]),
        v => v,
    };
    let copy = || {
        guest::write(strings, strings_from)?;
        guest::write(new, head_from)?;
        for at in (sp..old.pointers).step_by(8) {
            let value = moved(guest::get::<u64>(at)?);
            guest::put(at.wrapping_add(shift[0]), &value)?;
        }
        Ok(())
    };
    copy().map_err(|_: guest::BadAddress| fail(EFAULT))?;
    Ok(new)
}

/// What lies on the stack that the kernel has built: pointers, then what the kernel adds for them to point to, a random
/// distance, and the strings.
struct Built {
    /// End of the words: arguments, environment and auxiliary vector.
    pointers: u64,
    /// End of what the kernel adds: its last is the name of the platform.
    vector: u64,
    /// First string.
    strings: u64,
    /// End of the stack.
    end: u64,
}

impl Built {
    fn by_kernel(sp: u64) -> Option<Self> {
        let name = stack::value(sp, AT_EXECFN)?;
        // The lowest string is the first argument, or whatever there is.
        let first = (sp + 8..stack::vector(sp)).step_by(8).filter_map(|at| guest::get(at).ok()).find(|p| *p != 0);
        Some(Self {
            pointers: stack::vector_end(sp),
            vector: end_of_string(stack::value(sp, AT_PLATFORM)?)?,
            strings: first.unwrap_or(name),
            // One word lies behind the last string.
            end: (end_of_string(name)? + 8).next_multiple_of(PAGE),
        })
    }
}

fn end_of_string(at: u64) -> Option<u64> {
    let mut text = [0u8; 256];
    guest::string(at, &mut text).ok().flatten().map(|length| at + length as u64)
}

fn done(result: i64) -> Result<(), i64> {
    if is_error(result) { Err(result) } else { Ok(()) }
}

fn reserve(at: u64, bytes: u64, kind: u64) -> Result<(), i64> {
    // SAFETY: replaces nothing, and cannot be accessed.
    match unsafe { syscall!(nr::MMAP, at, bytes, 0, RESERVE | kind, -1i64, 0) } {
        got if got == at as i64 => Ok(()),
        got if is_error(got) => Err(got),
        _ => Err(fail(EEXIST)),
    }
}

/// Makes a stack of the window accessible as far as a limit allows; what is accessible stays so.
fn open(st: &mut State, limit: u64) -> i64 {
    let Window { end, stack, .. } = st.window;
    let low = end - limit.min(STACK_MAX).next_multiple_of(PAGE);
    if low >= stack {
        return 0;
    }
    // SAFETY: pages of the window.
    let result = unsafe { syscall!(nr::MPROTECT, low, stack - low, 3, 0, 0, 0) };
    if result == 0 {
        st.window.stack = low;
    }
    result
}

/// The guest has unmapped or moved something: what lay in the window is taken again.
pub fn refill(st: &State, start: u64, end: u64) {
    let (start, end) = (start.max(st.window.start) & !(PAGE - 1), end.min(st.window.end).next_multiple_of(PAGE));
    if start < end {
        // It fails where the guest has left something, which is as good.
        let _ = reserve(start, end - start, 0);
    }
}

/// A new mapping that asks for low addresses, where the kernel would begin at random; `None` for others.
pub fn low_mapping(st: &mut State, args: &[u64; 6]) -> Option<i64> {
    let [hint, bytes, prot, flags, fd, offset] = *args;
    if st.window.end == 0 || flags & MAP_32BIT == 0 {
        return None;
    }
    let length = bytes.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX);
    let places = |from: core::ops::Range<u64>| from.step_by(LOW_STEP as usize);
    let wanted = (hint != 0).then_some(hint & !(PAGE - 1)).filter(|at| *at < LOW.end);
    for at in wanted.into_iter().chain(places(st.window.low..LOW.end)).chain(places(LOW.start..st.window.low)) {
        if length > LOW.end.saturating_sub(at) {
            continue;
        }
        // SAFETY: the guest's own call, at an address where it replaces nothing.
        let got = unsafe { syscall!(nr::MMAP, at, bytes, prot, flags | MAP_FIXED_NOREPLACE, fd, offset) };
        if got != fail(EEXIST) {
            if got == at as i64 && LOW.contains(&at) {
                st.window.low = (at + length).next_multiple_of(LOW_STEP).min(LOW.end);
            }
            return Some(got);
        }
    }
    Some(fail(ENOMEM))
}

/// Address space that the window takes, which the guest has not asked for.
pub fn reserved(st: &State) -> u64 {
    if st.window.end == 0 { 0 } else { WINDOW_BYTES }
}

/// The limit of the stack of this process, where the window has it; `None` for other limits.
pub fn limit(st: &mut State, which: u32, new: Option<u64>, old: Option<u64>) -> Option<i64> {
    if st.window.end == 0 || which != RLIMIT_STACK {
        return None;
    }
    Some(change_limit(st, new, old).unwrap_or_else(|guest::BadAddress| fail(EFAULT)))
}

fn change_limit(st: &mut State, new: Option<u64>, old: Option<u64>) -> Result<i64, guest::BadAddress> {
    let wanted = new.map(guest::get::<[u64; 2]>).transpose()?;
    let given = wanted.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    let mut before = [0u64; 2];
    // SAFETY: reads and writes locals.
    let result = unsafe { syscall!(nr::PRLIMIT64, 0, RLIMIT_STACK, given, &raw mut before, 0, 0) };
    if result != 0 {
        return Ok(result);
    }
    if let Some([soft, _]) = wanted {
        // Where there is no memory for it the stack ends sooner, as it may natively.
        open(st, soft);
    }
    if let Some(at) = old {
        guest::put(at, &before)?;
    }
    Ok(0)
}

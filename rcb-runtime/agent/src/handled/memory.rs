//! Memory calls: every replica performs them at the same address. They need handlers because the agent's own range
//! must stay untouched, because executable mappings get their call sites patched, and because shared writable memory
//! of files cannot be kept in step.

use crate::call::{Answer, Call, each, note_refusal};
use crate::handled::huge;
use crate::load::layout;
use crate::recovery::{journal, replay};
use crate::state::State;
use crate::trap::code;
use rcb_abi::{AGENT_END, AGENT_START};
use rcb_sys::errno::{EACCES, EINVAL, ENODEV, ENOMEM, is_error};
use rcb_sys::nr;

const F_GETFL: u64 = 3;
const O_ACCMODE: u64 = 3;
const PROT_WRITE: u64 = 2;
const PROT_EXEC: u64 = 4;
const MAP_SHARED: u64 = 1;
const MAP_PRIVATE: u64 = 2;
const MAP_TYPE: u64 = 0xf;
const MAP_FIXED: u64 = 0x10;
const MAP_ANONYMOUS: u64 = 0x20;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;
/// No heap reaches further: the stack and the libraries lie there.
const BRK_MAX: u64 = 0x7fff_0000_0000;
const MADV_FREE: u64 = 8;
const MADV_DONTNEED: u64 = 4;
/// Would let the kernel merge equal pages of the replicas, which are equal on purpose: one copy, one fault for all.
const MADV_MERGEABLE: u64 = 12;
const MADV_HWPOISON: u64 = 100;
const MADV_SOFT_OFFLINE: u64 = 101;
/// Key under which the refusal of shared writable file mappings is noted.
const KEY_SHARED_WRITABLE: u32 = 1;

/// Whether a range touches the agent.
pub fn touches_agent(addr: u64, bytes: u64) -> bool {
    addr < AGENT_END && addr.saturating_add(bytes) > AGENT_START
}

/// mmap.
pub fn mmap(st: &mut State, call: &Call) -> Answer {
    let [mut addr, bytes, prot, flags, fd, offset] = call.args;
    let fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0;
    if touches_agent(addr, bytes) {
        if fixed {
            return Answer::error(ENOMEM);
        }
        // A hint, which the kernel follows only where nothing is mapped.
        addr = 0;
    }
    let anonymous = flags & MAP_ANONYMOUS != 0;
    if !anonymous && st.reserved(fd) {
        return Answer::error(rcb_sys::errno::EBADF);
    }
    let shared = flags & MAP_TYPE & MAP_SHARED != 0;
    if shared && !anonymous && prot & PROT_WRITE != 0 {
        let mode = each(nr::FCNTL, [fd, F_GETFL, 0, 0, 0, 0]);
        if is_error(mode) {
            return Answer::local(mode);
        }
        if mode as u64 & O_ACCMODE == 0 {
            return Answer::error(EACCES);
        }
        note_refusal(st, nr::MMAP, KEY_SHARED_WRITABLE);
        return Answer::error(ENODEV);
    }
    let file = if anonymous { None } else { Some(the_file(st, fd, shared)) };
    let (fd, is_writable) = file.as_ref().map_or((fd, false), |file| (file.fd, file.mode != 0));
    let args = [addr, bytes, prot, flags, fd, offset];
    let low = if fixed { None } else { layout::low_mapping(st, &args) };
    let result = low.unwrap_or_else(|| each(nr::MMAP, args));
    if fixed && is_error(result) {
        // What was there may be gone all the same.
        layout::refill(st, addr, addr.saturating_add(bytes));
    }
    if !is_error(result) {
        let (start, end) = (result as u64, result as u64 + bytes.next_multiple_of(4096));
        changed(st, start, end);
        if anonymous && prot & PROT_WRITE != 0 {
            huge::ask(start, end);
        }
        // Only a descriptor open for writing could make the mapping writable later.
        if shared && is_writable && !remember_shared(st, start, end) {
            each(nr::MUNMAP, [start, end - start, 0, 0, 0, 0]);
            return Answer::error(ENOMEM);
        }
        if prot & PROT_EXEC != 0 && prot & PROT_WRITE == 0 && !anonymous && !shared {
            code::mapped(st, start, end, fd, offset);
        }
    }
    if let Some(file) = &file {
        replay::done_with(file);
    }
    Answer::local(result)
}

/// The file to map: that of the descriptor, or, when a mapping is made again, the one that it stood for.
fn the_file(st: &mut State, fd: u64, shared: bool) -> replay::File {
    if replay::is_answered_again(st) {
        return replay::file(st, fd);
    }
    journal::file(st, fd);
    // Only of a shared mapping it matters how the file was opened.
    let mode = if shared { each(nr::FCNTL, [fd, F_GETFL, 0, 0, 0, 0]) } else { 0 };
    replay::File { fd, mode: if is_error(mode) { 0 } else { mode as u64 & O_ACCMODE }, is_ours: false }
}

/// What lay in a range is gone or altered.
fn changed(st: &mut State, start: u64, end: u64) {
    st.code.forget(start, end);
    for map in &mut st.shared_maps {
        if map.0 < end && map.1 > start {
            *map = match (start <= map.0, end >= map.1) {
                (true, true) => (0, 0),
                (true, false) => (end, map.1),
                (false, true) => (map.0, start),
                // A hole in the middle: the guard stays over the hole as well, which refuses too much, never too little.
                (false, false) => *map,
            };
        }
    }
}

fn remember_shared(st: &mut State, start: u64, end: u64) -> bool {
    st.shared_maps.iter_mut().find(|m| m.1 == 0).map(|slot| *slot = (start, end)).is_some()
}

/// munmap.
pub fn munmap(st: &mut State, call: &Call) -> Answer {
    let [addr, bytes, ..] = call.args;
    if touches_agent(addr, bytes) {
        return Answer::error(EINVAL);
    }
    let result = each(nr::MUNMAP, call.args);
    if result == 0 {
        let end = addr.saturating_add(bytes.next_multiple_of(4096));
        changed(st, addr, end);
        layout::refill(st, addr, end);
    }
    Answer::local(result)
}

/// mprotect, pkey_mprotect.
pub fn mprotect(st: &mut State, call: &Call) -> Answer {
    let [addr, bytes, prot, ..] = call.args;
    let end = addr.saturating_add(bytes);
    if touches_agent(addr, bytes) {
        return Answer::error(ENOMEM);
    }
    if prot & PROT_WRITE != 0 && st.shared_maps.iter().any(|m| m.0 < end && m.1 > addr) {
        note_refusal(st, nr::MMAP, KEY_SHARED_WRITABLE);
        return Answer::error(EACCES);
    }
    let result = each(call.nr, call.args);
    if result == 0 && (prot & PROT_WRITE != 0 || prot & PROT_EXEC == 0) {
        st.code.forget(addr, end);
    }
    Answer::local(result)
}

/// mremap.
pub fn mremap(st: &mut State, call: &Call) -> Answer {
    let [old, old_bytes, new_bytes, flags, target, _] = call.args;
    let Some(old_end) = old.checked_add(old_bytes) else { return Answer::error(EINVAL) };
    if touches_agent(old, old_bytes) || (flags & 2 != 0 && touches_agent(target, new_bytes)) {
        return Answer::error(EINVAL);
    }
    if old_bytes == 0 {
        // A second mapping of shared memory: the guard against mprotect would not know it.
        return Answer::error(EINVAL);
    }
    let shared = st.shared_maps.iter().any(|m| m.0 < old_end && m.1 > old);
    let result = each(nr::MREMAP, call.args);
    if !is_error(result) {
        changed(st, old, old.saturating_add(old_bytes));
        let (start, end) = (result as u64, result as u64 + new_bytes.next_multiple_of(4096));
        changed(st, start, end);
        let left = if start == old { end } else { old };
        layout::refill(st, left, old_end);
        if shared && !remember_shared(st, start, end) {
            return Answer::error(ENOMEM);
        }
    }
    Answer::local(result)
}

/// madvise: MADV_FREE would leave it to memory pressure when the contents vanish; MADV_DONTNEED drops them at once.
pub fn madvise(_st: &mut State, call: &Call) -> Answer {
    let [addr, bytes, advice, ..] = call.args;
    if touches_agent(addr, bytes) {
        return Answer::error(ENOMEM);
    }
    match advice & 0xffff_ffff {
        MADV_FREE => {
            // Refused where the pages are those of a file, whose private changes must then stay.
            let allowed = each(nr::MADVISE, call.args);
            if is_error(allowed) {
                return Answer::local(allowed);
            }
            Answer::local(each(nr::MADVISE, [addr, bytes, MADV_DONTNEED, 0, 0, 0]))
        }
        MADV_MERGEABLE | MADV_HWPOISON | MADV_SOFT_OFFLINE => Answer::error(EINVAL),
        _ => Answer::local(each(nr::MADVISE, call.args)),
    }
}

/// brk: emulated behind the program, since the kernel's own heap follows the agent.
pub fn brk(st: &mut State, call: &Call) -> Answer {
    let wanted = call.args[0];
    let answer = |st: &State| Answer::local(st.brk_now as i64);
    if wanted < st.brk_start || wanted > BRK_MAX {
        return answer(st);
    }
    let (old_end, new_end) = (st.brk_now.next_multiple_of(4096), wanted.next_multiple_of(4096));
    if new_end > old_end {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
        let at = each(nr::MMAP, [old_end, new_end - old_end, 3, flags, u64::MAX, 0]);
        if at != old_end as i64 {
            return answer(st);
        }
        // All of the heap: its parts become one mapping only if they were asked for alike.
        huge::ask(st.brk_start.next_multiple_of(4096), new_end);
    } else if new_end < old_end {
        each(nr::MUNMAP, [new_end, old_end - new_end, 0, 0, 0, 0]);
    }
    st.brk_now = wanted;
    answer(st)
}

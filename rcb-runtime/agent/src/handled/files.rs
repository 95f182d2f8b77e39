//! Paths and descriptors that a row cannot state: opening (the flags decide who must have agreed), paths below /proc
//! that name the process itself, closing and duplicating in mirrored tables.
use crate::agree::record;
use crate::call::{Answer, Call, each, meets, once};
use crate::guest;
use crate::handled::identity;
use crate::load::script::decimal;
use crate::recovery;
use crate::shared;
use crate::state::{FdKind, State, scratch};
use rcb_abi::descriptors::RESERVED;
use rcb_sys::errno::{EBADF, EFAULT, EINVAL, fail};
use rcb_sys::nr;
use rcb_syscalls::spec::{Arg, Exec, Handler};

const O_ACCMODE: u64 = 3;
const O_CREAT: u64 = 0o100;
const O_TRUNC: u64 = 0o1000;
const O_TMPFILE: u64 = 0o20_000_000;
const CLOSE_RANGE_CLOEXEC: u64 = 4;

/// What a path says about the process itself.
enum ProcPath {
    /// Nothing.
    Other,
    /// `/proc/self/exe` in one of its spellings.
    Exe,
    /// `/proc/PID/...` with the guest's own PID: rewritten to `/proc/self/...` in the scratch buffer.
    Own,
}

/// Looks at the first path argument of the current call (already read into the scratch buffer).
fn classify() -> ProcPath {
    let scratch = scratch();
    let length = scratch.path_len[0];
    if length < 8 {
        return ProcPath::Other;
    }
    let path = &scratch.paths[0][..length - 1];
    let Some(rest) = path.strip_prefix(b"/proc/") else { return ProcPath::Other };
    let Some(slash) = rest.iter().position(|b| *b == b'/') else { return ProcPath::Other };
    let (who, what) = (&rest[..slash], &rest[slash..]);
    let by_number = is_own_pid(who);
    if !(by_number || who == b"self" || who == b"thread-self") {
        return ProcPath::Other;
    }
    if what == b"/exe" {
        return ProcPath::Exe;
    }
    if !by_number {
        return ProcPath::Other;
    }
    let head = b"/proc/self";
    if head.len() + what.len() >= scratch.rewritten.len() {
        return ProcPath::Other;
    }
    scratch.rewritten[..head.len()].copy_from_slice(head);
    scratch.rewritten[head.len()..head.len() + what.len()].copy_from_slice(what);
    scratch.rewritten[head.len() + what.len()] = 0;
    ProcPath::Own
}

fn is_own_pid(text: &[u8]) -> bool {
    let mut value = 0i64;
    for byte in text {
        if !byte.is_ascii_digit() || value > 1 << 32 {
            return false;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    !text.is_empty() && value == identity::pid()
}

/// Position of the first path argument.
fn path_position(call: &Call) -> usize {
    call.row.args.iter().position(|a| matches!(a, Arg::Path)).unwrap_or(0)
}

/// Performs a call by path with the path replaced where it names the process itself.
fn perform(call: &Call, args: &[u64; 6]) -> i64 {
    let mut args = *args;
    match classify() {
        ProcPath::Other => {}
        ProcPath::Exe => args[path_position(call)] = shared::own().carry.exe.as_ptr() as u64,
        ProcPath::Own => args[path_position(call)] = scratch().rewritten.as_ptr() as u64,
    }
    each(call.nr, args)
}

/// stat, access, readlink and their like.
pub fn path(st: &mut State, call: &Call) -> Answer {
    if matches!(call.nr, nr::READLINK | nr::READLINKAT) {
        let exe = &shared::own().carry.exe;
        let mut text = [0u8; 48];
        let path = &scratch().paths[0][..scratch().path_len[0].saturating_sub(1)];
        if matches!(classify(), ProcPath::Exe) {
            return readlink_own(call, &exe[..exe.iter().position(|b| *b == 0).unwrap_or(0)]);
        }
        if path == b"/proc/self" {
            let digits = decimal(identity::pid() as u64, &mut text);
            return readlink_own(call, &text[..digits]);
        }
        if path == b"/proc/thread-self" {
            let digits = decimal(identity::pid() as u64, &mut text);
            let middle = b"/task/";
            text[digits..digits + middle.len()].copy_from_slice(middle);
            let more = decimal(identity::pid() as u64, &mut text[digits + middle.len()..]);
            return readlink_own(call, &text[..digits + middle.len() + more]);
        }
    }
    once(st, call, meets(call.row.class), |_, args| perform(call, args))
}

/// `readlink` of a path that names the process itself: every replica knows the answer.
fn readlink_own(call: &Call, answer: &[u8]) -> Answer {
    let at = path_position(call) + 1;
    let room = call.args[at + 1] as i32;
    if room <= 0 {
        return Answer::error(EINVAL);
    }
    let bytes = answer.len().min(room as usize);
    match guest::write(call.args[at], &answer[..bytes]) {
        Ok(()) => Answer::local(bytes as i64),
        Err(guest::BadAddress) => Answer::error(EFAULT),
    }
}

/// open, openat, creat, openat2.
pub fn open(st: &mut State, call: &Call) -> Answer {
    let flags = match call.nr {
        nr::OPEN => call.args[1],
        nr::OPENAT => call.args[2],
        nr::OPENAT2 => guest::get::<u64>(call.args[2]).unwrap_or(0),
        _ => O_CREAT,
    };
    let own_descriptors = names_descriptors();
    let visible = flags & O_ACCMODE != 0 || flags & (O_CREAT | O_TRUNC | O_TMPFILE) != 0;
    let answer = once(st, call, visible, |_, args| perform(call, args));
    if own_descriptors && let Some(kind) = st.kinds.get_mut(answer.result as usize) {
        *kind = FdKind::OwnDescriptors;
    }
    answer
}

/// Whether the current call's path is the directory of the process's own descriptors.
fn names_descriptors() -> bool {
    let scratch = scratch();
    let path = &scratch.paths[0][..scratch.path_len[0].saturating_sub(1)];
    let path = path.strip_suffix(b"/").unwrap_or(path);
    if matches!(path, b"/proc/self/fd" | b"/dev/fd" | b"/proc/thread-self/fd") {
        return true;
    }
    let number = path.strip_prefix(b"/proc/").and_then(|rest| rest.strip_suffix(b"/fd"));
    number.is_some_and(is_own_pid)
}

/// getdents64: as the row says, but without the agent's descriptors.
pub fn directory(st: &mut State, call: &Call) -> Answer {
    let own = st.kinds.get(call.args[0] as u32 as usize) == Some(&FdKind::OwnDescriptors);
    once(st, call, false, |st, args| if own { own_descriptors(st, call.nr, *args) } else { each(call.nr, *args) })
}

/// Reads entries into the agent's buffer and hands on those that the guest may see: what lies behind them in the guest's
/// buffer must stay the same in all replicas.
fn own_descriptors(st: &State, nr: u32, [fd, at, room, ..]: [u64; 6]) -> i64 {
    let buffer = &mut scratch().rewritten;
    let room = room.min(buffer.len() as u64);
    loop {
        let result = each(nr, [fd, buffer.as_mut_ptr() as u64, room, 0, 0, 0]);
        if result <= 0 {
            return result;
        }
        let entries = &mut buffer[..result as usize];
        let kept = without_reserved(st, entries);
        // A buffer that held nothing but the agent's entries must not look like the end.
        if kept > 0 {
            return guest::write(at, &entries[..kept]).map_or(fail(EFAULT), |()| kept as i64);
        }
    }
}

/// Moves the entries that the guest may see together; returns their bytes.
fn without_reserved(st: &State, entries: &mut [u8]) -> usize {
    /// Inode, offset, length, type, then the name.
    const HEAD: usize = 19;
    let (mut from, mut to) = (0, 0);
    while let Some(&[low, high]) = entries.get(from + 16..from + 18) {
        let length = usize::from(u16::from_le_bytes([low, high]));
        let Some(name) = entries.get(from + HEAD..from + length) else { break };
        let digits = name.iter().position(|b| *b == 0).unwrap_or(name.len());
        let number = name[..digits].iter().try_fold(0u64, |value, byte| {
            byte.is_ascii_digit().then(|| value.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
        });
        if digits == 0 || !number.is_some_and(|fd| st.reserved(fd)) {
            entries.copy_within(from..from + length, to);
            to += length;
        }
        from += length;
    }
    to
}

/// close: every replica closes its own, the leader's result counts (a file server may report a lost write only to the
/// one that wrote).
pub fn close(st: &mut State, call: &Call) -> Answer {
    let fd = call.args[0];
    if st.reserved(fd) {
        return Answer::error(EBADF);
    }
    crate::descriptors::settle(st);
    st.forget_kind(fd);
    let own = each(call.nr, call.args);
    recovery::replay::performed(st, call, own);
    closed(st, call, own)
}

/// All have closed: the leader's result counts.
fn closed(st: &mut State, call: &Call, own: i64) -> Answer {
    if st.n == 1 {
        return Answer::local(own);
    }
    if let Some(reply) = crate::agree::meet::record(st) {
        return Answer::local(reply.result);
    }
    record::publish(st, None, &call.args, &call.entry, own, 0, 0);
    Answer::local(own)
}

/// The result of a call that a copy of this replica has performed already.
pub fn known(st: &mut State, call: &Call, result: i64) -> Answer {
    match call.row.exec {
        Exec::Handled(Handler::Close) => closed(st, call, result),
        _ => Answer::local(result),
    }
}

/// close_range: around the agent's descriptors.
pub fn close_range(st: &mut State, call: &Call) -> Answer {
    let (first, last, flags) = (call.args[0] & 0xffff_ffff, call.args[1] & 0xffff_ffff, call.args[2]);
    if first > last || flags & !6 != 0 {
        return Answer::error(EINVAL);
    }
    crate::descriptors::settle(st);
    let flags = flags & CLOSE_RANGE_CLOEXEC;
    let (low, high) = (u64::from(st.fd_base), u64::from(st.fd_base + RESERVED));
    let mut result = 0;
    if first < low {
        result = each(call.nr, [first, last.min(low - 1), flags, 0, 0, 0]);
    }
    if last >= high && result == 0 {
        result = each(call.nr, [first.max(high), last, flags, 0, 0, 0]);
    }
    if flags == 0 {
        st.kinds = [crate::state::FdKind::Unknown; crate::state::KINDS];
    }
    recovery::replay::performed(st, call, result);
    Answer::local(result)
}

/// dup, dup2, dup3, fcntl F_DUPFD: the tables are equal, so each replica does it for itself.
pub fn dup(st: &mut State, call: &Call) -> Answer {
    let fcntl = call.nr == nr::FCNTL;
    if st.reserved(call.args[0]) || (!fcntl && call.nr != nr::DUP && st.reserved(call.args[1])) {
        return Answer::error(EBADF);
    }
    crate::descriptors::settle(st);
    let result = each(call.nr, call.args);
    recovery::replay::performed(st, call, result);
    if result >= 0 {
        st.forget_kind(result as u64);
    }
    Answer::local(result)
}

//! Descriptors of processes. One that names a process of the tree refers to the process of its group's leader, which is
//! the guest's by number, too.
//!
//! The supervisor reaps a process when it ends, long before its parent waits for it, and the kernel then tells no number for
//! the descriptor any more. So the children are remembered by the inode of their process (`pidfs`, Linux 6.9), which is never
//! used again. LIMIT: without it `waitid` of a descriptor and `pidfd_send_signal` are refused; and a descriptor names a
//! leader's process that was lost, not the one that has taken its place; `poll` tells of POLLHUP as soon as the process has
//! ended; where descriptors go over sockets, a fork with a descriptor needs as many free numbers as there are replicas.
#![allow(unsafe_code, reason = "questions about descriptors of processes")]

use crate::agree::{post, walk::Entry};
use crate::call::{Answer, Call, each, note_refusal, once, post_event};
use crate::descriptors;
use crate::guest;
use crate::handled::{identity, petition, signal};
use crate::load::proc;
use crate::recovery::{self, replay};
use crate::shared;
use crate::signals::{SIGKILL, SIGSTOP};
use crate::state::State;
use rcb_abi::MAX_REPLICAS;
use rcb_abi::fault::Regs;
use rcb_abi::segment::petition::KILL;
use rcb_abi::segment::{ChildProcess, FORK};
use rcb_sys::errno::{EBADF, ECHILD, EFAULT, EINVAL, ENOSYS, ESRCH, fail, is_error};
use rcb_sys::types::Stat;
use rcb_sys::{nr, syscall};

const RT_SIGQUEUEINFO: u32 = 129;
const F_GETFL: u64 = 3;
const F_DUPFD_CLOEXEC: u64 = 1030;
const O_NONBLOCK: u64 = 0o4000;
/// `pidfs` as `statfs` names it.
const PID_FS: u64 = 0x5049_4446;

/// What a descriptor refers to.
enum Named {
    /// A process, by inode.
    Process(u64),
    /// Something that is no process, or nothing.
    Other,
    /// The kernel does not tell processes apart.
    Unknown,
}

fn named(fd: u64) -> Named {
    let mut words = [0u64; 15];
    // SAFETY: writes a local of the size of a `statfs`.
    let told = unsafe { syscall!(nr::FSTATFS, fd, words.as_mut_ptr(), 0, 0, 0, 0) };
    if told == 0 && words[0] == PID_FS {
        Named::Process(inode(fd))
    } else if has_pidfs() {
        Named::Other
    } else {
        Named::Unknown
    }
}

fn inode(fd: u64) -> u64 {
    let mut stat = Stat::default();
    // SAFETY: writes a local.
    let result = unsafe { syscall!(nr::FSTAT, fd, &raw mut stat, 0, 0, 0, 0) };
    if result == 0 { stat.ino } else { 0 }
}

/// Does something with a descriptor of a process of the tree that is there.
fn with_process<T>(pid: u32, work: impl FnOnce(u64) -> T) -> Option<T> {
    // SAFETY: makes a descriptor and closes it again.
    unsafe {
        let fd = syscall!(nr::PIDFD_OPEN, pid, 0, 0, 0, 0, 0);
        (!is_error(fd)).then(|| {
            let outcome = work(fd as u64);
            syscall!(nr::CLOSE, fd, 0, 0, 0, 0, 0);
            outcome
        })
    }
}

fn own_process() -> u32 {
    // SAFETY: asks for a number.
    unsafe { syscall!(nr::GETPID, 0, 0, 0, 0, 0, 0) as u32 }
}

fn has_pidfs() -> bool {
    let mut words = [0u64; 15];
    // SAFETY: writes a local of the size of a `statfs`.
    let told = with_process(own_process(), |fd| unsafe { syscall!(nr::FSTATFS, fd, words.as_mut_ptr(), 0, 0, 0, 0) });
    told == Some(0) && words[0] == PID_FS
}

/// pidfd_open.
pub fn open(st: &mut State, call: &Call) -> Answer {
    let answer = once(st, call, false, |_, args| each(call.nr, *args));
    if answer.result >= 0 {
        remember(st, call.args[0] as u32, answer.result as u64);
    }
    answer
}

/// Notes by which inode a child goes, in every replica alike.
fn remember(st: &mut State, pid: u32, fd: u64) {
    let now = if let Named::Process(inode) = named(fd) { inode } else { 0 };
    let inode = replay::side(st, now);
    if let Some(child) = child_mut(|child| child.pid == pid).filter(|_| inode != 0) {
        child.process = inode;
    }
}

fn child_mut(is_it: impl Fn(&ChildProcess) -> bool) -> Option<&'static mut ChildProcess> {
    shared::own().carry.children.iter_mut().find(|child| child.pid != 0 && is_it(child))
}

/// Before a fork that makes a descriptor, while `others` of the agent's own are open: what would keep the kernel from that,
/// 0 for nothing.
pub fn obstacle(others: usize) -> i64 {
    let mut open = [0i64; MAX_REPLICAS];
    let wanted = (others + 1).min(open.len());
    for place in &mut open[..wanted] {
        // SAFETY: makes a descriptor.
        *place = unsafe { syscall!(nr::PIDFD_OPEN, own_process(), 0, 0, 0, 0, 0) };
    }
    for fd in open[..wanted].iter().filter(|fd| !is_error(**fd)) {
        // SAFETY: closes what was opened above.
        unsafe { syscall!(nr::CLOSE, *fd, 0, 0, 0, 0, 0) };
    }
    open[..wanted].iter().copied().find(|fd| is_error(*fd)).unwrap_or(0)
}

/// In the leader after such a fork: the descriptor under the lowest number, whatever was open meanwhile.
pub fn lowest(fd: u64) -> i64 {
    // SAFETY: copies a descriptor that was just made, and closes the one that is not needed.
    unsafe {
        let lower = syscall!(nr::FCNTL, fd, F_DUPFD_CLOEXEC, 0, 0, 0, 0);
        let (kept, spare) = if is_error(lower) || lower as u64 > fd { (fd as i64, lower) } else { (lower, fd as i64) };
        if !is_error(spare) {
            syscall!(nr::CLOSE, spare, 0, 0, 0, 0, 0);
        }
        kept
    }
}

/// A fork has made this child: the leader's descriptor of it becomes everybody's. Returns its number, or an errno.
pub fn hand_out(st: &mut State, regs: &Regs, pid: u32, made: i64) -> i64 {
    let Some(row) = rcb_syscalls::lookup(nr::PIDFD_OPEN) else { return fail(ENOSYS) };
    let outer = st.regs;
    post_event(st, regs, FORK, [0; 6], 0);
    st.regs = outer;
    let args = [u64::from(pid), 0, 0, 0, 0, 0];
    let call = Call { row, nr: nr::PIDFD_OPEN, args, entry: Entry::default(), input: 0 };
    // A replica that has become the leader since has none.
    let answer = once(st, &call, false, |_, args| if made < 0 { each(nr::PIDFD_OPEN, *args) } else { made });
    post::conclude(st, answer.result, answer.delivered);
    if answer.result >= 0 {
        remember(st, pid, answer.result as u64);
    }
    answer.result
}

/// The child that `waitid` shall wait for, and whether it is told to wait for none that is not ready.
pub struct Awaited {
    /// Its process id.
    pub pid: u32,
    /// The descriptor says not to wait.
    pub nonblocking: bool,
    /// The process has ended, though the supervisor may not have said so yet.
    pub ended: bool,
}

/// Leader: the child behind a descriptor, or an errno.
pub fn awaited(st: &State, fd: u64) -> Result<Awaited, u16> {
    let inode = match named(fd) {
        _ if st.reserved(fd) => return Err(EBADF),
        Named::Process(inode) => inode,
        Named::Other => return Err(EBADF),
        Named::Unknown => return Err(EINVAL),
    };
    let child = child_mut(|child| child.process == inode).ok_or(ECHILD)?;
    let mut poll = [fd as u32, 1];
    // SAFETY: asks; writes a local.
    let (flags, ready) =
        unsafe { (syscall!(nr::FCNTL, fd, F_GETFL, 0, 0, 0, 0), syscall!(nr::POLL, poll.as_mut_ptr(), 1, 0, 0, 0, 0)) };
    Ok(Awaited { pid: child.pid, nonblocking: flags > 0 && flags as u64 & O_NONBLOCK != 0, ended: ready > 0 })
}

/// pidfd_send_signal: as `kill` or `rt_sigqueueinfo` of the process in question.
pub fn send_signal(st: &mut State, call: &Call) -> Answer {
    let [fd, signal, info, flags, ..] = call.args;
    if info != 0 {
        let Ok(number) = guest::get::<u32>(info) else { return Answer::error(EFAULT) };
        if number != signal as u32 {
            return Answer::error(EINVAL);
        }
    }
    let meant = meant_by(st, fd);
    let inode = match replay::side(st, meant) {
        NOTHING => return Answer::error(EBADF),
        UNKNOWN => {
            note_refusal(st, call.nr, 0);
            return Answer::error(ENOSYS);
        }
        meant => meant,
    };
    if flags as u32 != 0 {
        return Answer::error(EINVAL);
    }
    if inode == ITSELF {
        let pid = identity::pid() as u64;
        let (nr, args) = if info == 0 {
            (nr::KILL, [pid, signal, 0, 0, 0, 0])
        } else {
            (RT_SIGQUEUEINFO, [pid, signal, info, 0, 0, 0])
        };
        let Some(row) = rcb_syscalls::lookup(nr) else { return Answer::error(ENOSYS) };
        return signal::kill(st, &Call { row, nr, args, entry: Entry::default(), input: 0 });
    }
    once(st, call, true, |st, args| to_other(st, call, args, inode))
}

/// No process is behind a descriptor; the kernel does not tell; it is the guest itself. Else it is an inode.
const NOTHING: u64 = 0;
const UNKNOWN: u64 = 1;
const ITSELF: u64 = 2;

fn meant_by(st: &State, fd: u64) -> u64 {
    let inode = match named(fd) {
        Named::Process(inode) => inode,
        Named::Other => of_folder(fd).and_then(|pid| with_process(pid, self::inode)).unwrap_or(NOTHING),
        Named::Unknown => return UNKNOWN,
    };
    // The process that leads this group is the guest itself.
    let own = if st.leads() {
        with_process(own_process(), self::inode).unwrap_or(0)
    } else {
        descriptors::peer(st, st.leader).map_or(0, |process| self::inode(u64::from(process)))
    };
    if inode == own { ITSELF } else { inode }
}

fn to_other(st: &State, call: &Call, args: &[u64; 6], inode: u64) -> i64 {
    const SIGCONT: u32 = 18;
    let [fd, signal, ..] = call.args;
    let child = child_mut(|child| child.process == inode);
    if matches!(signal as u32, SIGKILL | SIGSTOP | SIGCONT)
        && let Some(pid) = child.as_ref().map(|child| child.pid).or_else(|| of_folder(fd)).or_else(|| process_id(fd))
    {
        let answer = petition::ask(st, KILL, pid as i32, signal as i32);
        if answer != fail(ESRCH) {
            return answer;
        }
    }
    let answer = each(call.nr, *args);
    // One that has ended and was not waited for takes any signal; of ours the kernel knows nothing any more.
    if answer == fail(ESRCH) && child.is_some() { 0 } else { answer }
}

/// The number of the process whose folder in `/proc` this is; `pidfd_send_signal` takes that for its descriptor.
fn of_folder(fd: u64) -> Option<u32> {
    let mut link = [0u8; 32];
    let got = proc::name_of(fd, &mut link);
    let digits = link[..got.max(0) as usize].strip_prefix(b"/proc/")?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

/// The number of the process behind a descriptor, as `/proc/self/fdinfo` tells it.
fn process_id(fd: u64) -> Option<u32> {
    let path = proc::path_of(b"/proc/self/fdinfo/", fd);
    let file = crate::load::elf::open(path.as_ptr() as u64).ok()?;
    let mut text = [0u8; 256];
    // SAFETY: reads into a local.
    let got = unsafe { syscall!(nr::READ, file, text.as_mut_ptr(), text.len(), 0, 0, 0) };
    // SAFETY: closes what was opened above.
    unsafe { syscall!(nr::CLOSE, file, 0, 0, 0, 0, 0) };
    recovery::read(got.max(0) as u64);
    let text = &text[..got.max(0) as usize];
    let at = text.windows(5).position(|window| window == b"Pid:\t")? + 5;
    let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let pid = digits.fold(0u32, |value, digit| value.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')));
    (pid != 0).then_some(pid)
}

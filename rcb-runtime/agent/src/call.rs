//! One system call of the guest: find its row, read its inputs, post the request, have it performed by whom the row
//! says, hand out result and bytes.
#![allow(unsafe_code, reason = "performs the guest's calls with the guest's own arguments")]

mod arguments;

use crate::agree::walk::{self, Entry};
use crate::agree::{meet, post, record};
use crate::fault::{Words, park};
use crate::state::State;
use crate::{arrivals, descriptors, handled, hook, recovery, shared, signals, timing};
use arguments::{changes_credentials, concerns_others, for_kernel, prepare_wait};
use core::sync::atomic::Ordering::Relaxed;
use rcb_abi::fault::{Regs, buffer, kind};
use rcb_abi::segment::{PAYLOAD_MAX, phase, record_flag};
use rcb_sys::errno::{EBADF, EFAULT, EINTR, EINVAL, ENOMEM, ENOSYS, EPIPE, fail};
use rcb_sys::nr;
use rcb_syscalls::spec::{Arg, Class, Exec, Makes, Row};

/// How the guest goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// At the instruction behind the call, with the result.
    Resume,
    /// Needs a full signal frame: a handler has to be entered or left.
    Frame,
}

/// A call in progress.
pub struct Call {
    /// Its row (of the family, for multiplexers).
    pub row: &'static Row,
    /// Number.
    pub nr: u32,
    /// Arguments as the guest gave them.
    pub args: [u64; 6],
    /// What was remembered on entry.
    pub entry: Entry,
    /// Digest of the input bytes, as posted.
    pub input: u64,
}

/// Result and the digest of what was delivered with it.
#[derive(Clone, Copy)]
pub struct Answer {
    /// For rax.
    pub result: i64,
    /// For the chain.
    pub delivered: u64,
}

impl Answer {
    /// A result that every replica knows by itself.
    pub const fn local(result: i64) -> Self {
        Self { result, delivered: 0 }
    }

    /// An errno.
    pub const fn error(errno: u16) -> Self {
        Self::local(fail(errno))
    }
}

/// Handles the call in `regs`; the result is in `regs.rax` afterwards.
#[inline]
pub fn handle(st: &mut State, regs: &mut Regs) -> Flow {
    let nr = regs.rax as u32;
    let args = regs.args();
    st.regs = &raw const *regs;
    timing::enter(st);
    let Some(row) = resolve(nr, &args) else {
        let empty = walk::Inputs::none(false);
        post_request(st, regs, nr, 0, &empty, false);
        note_refusal(st, nr, 0);
        return finish(st, regs, nr, Answer::error(ENOSYS));
    };
    if hook::due_before(st) {
        hook::before(row, &args);
    }
    let inputs = walk::inputs(row, &args, st.n > 1);
    let own = shared::own();
    own.stats.bytes_compared += inputs.bytes;
    own.stats.by_class[row.class as usize] += 1;
    let announced = !matches!(row.class, Class::Local);
    post_request(st, regs, nr, row.args.len(), &inputs, announced);
    if st.strict && st.n > 1 {
        meet::symmetric(st);
    }
    let call = Call { row, nr, args, entry: inputs.entry, input: inputs.digest };
    let answer = if inputs.forbidden { Answer::error(EFAULT) } else { perform(st, &call, regs) };
    finish(st, regs, nr, answer)
}

/// The row of a call: for multiplexers that of the request.
#[inline]
fn resolve(nr: u32, args: &[u64; 6]) -> Option<&'static Row> {
    let row = rcb_syscalls::lookup(nr)?;
    match row.family {
        None => Some(row),
        Some(family) => Some(family.find(args[usize::from(family.select)]).unwrap_or(row)),
    }
}

fn post_request(st: &mut State, regs: &Regs, nr: u32, nargs: usize, inputs: &walk::Inputs, announced: bool) {
    let request = post::Request {
        nr,
        regs,
        args: regs.args(),
        nargs,
        input: inputs.digest,
        sample: inputs.sample,
        sample_len: inputs.sample_len,
    };
    post::post(st, &request, announced);
}

#[inline]
fn perform(st: &mut State, call: &Call, regs: &mut Regs) -> Answer {
    // A multiplexer whose request is not in its table: refused by name.
    if let Some(family) = call.row.family {
        refused(st, call);
        return Answer::error(family.unknown);
    }
    for (i, arg) in call.row.args.iter().enumerate() {
        if matches!(arg, Arg::Fd) && st.reserved(call.args[i]) {
            return Answer::error(EBADF);
        }
    }
    if st.checkpoints
        && let Some(result) = recovery::replay::known(st, call)
    {
        return handled::files::known(st, call, result);
    }
    match call.row.exec {
        Exec::Each => {
            if concerns_others(call) {
                return once(st, call, true, |_, args| each(call.nr, *args));
            }
            let credentials = changes_credentials(call.nr);
            if credentials {
                // Followers must have fetched what they mirror before the kernel may deny it.
                descriptors::settle(st);
            }
            let before = if credentials { descriptors::credentials() } else { [0; 6] };
            let result = each(call.nr, for_kernel(st, call));
            recovery::replay::performed(st, call, result);
            // setfsuid and setfsgid return the old id. Many programs set what they have.
            let only_ids = !matches!(call.nr, 116 | 122 | 123 | 126);
            if credentials && result >= 0 && !(only_ids && before == descriptors::credentials()) {
                descriptors::credentials_changed(st);
            }
            Answer::local(result)
        }
        Exec::Once if matches!(call.nr, nr::RECVMSG | RECVMMSG) => {
            once(st, call, true, |st, args| handled::message::receive(st, call, args))
        }
        Exec::Once if call.nr == nr::RT_SIGTIMEDWAIT => {
            once(st, call, true, |_, args| arrivals::waited(args[1], performed(call, args)))
        }
        Exec::Once if call.nr == nr::PIDFD_OPEN => handled::pidfd::open(st, call),
        Exec::Once => once(st, call, meets(call.row.class), |_, args| performed(call, args)),
        Exec::Handled(handler) => handled::handle(st, call, handler, regs),
        Exec::Refused(errno) => {
            refused(st, call);
            Answer::error(errno)
        }
        Exec::Absent(errno) => Answer::error(errno),
    }
}

/// recvmmsg.
const RECVMMSG: u32 = 299;

/// Performs a call in this replica with the guest's arguments.
#[inline]
pub fn each(nr: u32, args: [u64; 6]) -> i64 {
    // SAFETY: the guest's own call on the guest's own memory; ranges of the agent are refused by the handlers of the
    // memory calls, and the kernel checks every address.
    timing::performed(|| unsafe { rcb_sys::raw::syscall(nr, args) })
}

/// Performs a call for all; one that may wait is not begun when a signal has arrived.
#[inline]
pub fn performed(call: &Call, args: &[u64; 6]) -> i64 {
    if call.row.blocks {
        let (nr, args) = recovery::performed_as(call.nr, *args);
        // SAFETY: as in `each`.
        return timing::performed(|| unsafe { rcb_sys::raw::interruptible(nr, args) });
    }
    each(call.nr, *args)
}

/// Whether all must have agreed before a call of this class is performed.
pub const fn meets(class: Class) -> bool {
    matches!(class, Class::Output | Class::ConsumingInput | Class::Process | Class::Signal)
}

/// Has a call performed once, by the leader, and its effects handed to all.
///
/// `perform` gets the arguments as the kernel shall see them.
#[inline]
pub fn once(st: &mut State, call: &Call, meet: bool, mut perform: impl FnMut(&mut State, &[u64; 6]) -> i64) -> Answer {
    if st.n > 1 && record::names_output(call.row) && walk::fixed_room(call.row, &call.args, &call.entry) > PAYLOAD_MAX {
        refused(st, call);
        // As the kernel says of too many descriptors (poll) and of too large a table.
        let both_ways = call.row.args.iter().any(|a| matches!(a, Arg::InOut(_)));
        return Answer::error(if both_ways { EINVAL } else { ENOMEM });
    }
    if st.n > 1
        && !st.leads()
        && let Some(answer) = follow(st, call)
    {
        return answer;
    }
    let mut args = for_kernel(st, call);
    let meet = meet || recovery::meets(st, call.nr);
    let own = shared::own();
    if st.n > 1 && meet {
        if !st.strict {
            meet::all(st);
        }
        // Time has passed in which memory may have changed.
        must_be_same(st, call, buffer::BEFORE);
    }
    if meet && shared::control().stop.load(Relaxed) != 0 {
        // The others are being ended, and what this process sees of that is no reason to say anything.
        crate::fault::stand_still();
    }
    if call.row.blocks {
        prepare_wait(st, call, &mut args);
    }
    let known = recovery::settled(st, call);
    if meet || matches!(call.row.class, Class::Descriptor) {
        own.wait.intent.store(st.seq, Relaxed);
    }
    if call.row.blocks {
        own.wait.phase.store(phase::BLOCKED, Relaxed);
    }
    hook::begun(st);
    let is_paced = st.heals && recovery::pace::is_meant(call);
    let mut perform = |st: &mut State, args: &[u64; 6]| {
        if !is_paced {
            return perform(st, args);
        }
        timing::performed(|| recovery::pace::write(*args, || must_be_same(st, call, buffer::BEFORE)))
    };
    let mut result = known.unwrap_or_else(|| perform(st, &args));
    hook::performed(st);
    // A signal that is not the guest's to see yet does not end its call.
    while result == fail(EINTR) && !arrivals::waiting(st) && st.leads() && interrupted_for_nothing(st) {
        result = perform(st, &args);
    }
    if known.is_none() {
        recovery::account(st, call.nr, &args, result);
    }
    if call.row.blocks {
        own.wait.phase.store(phase::RUN, Relaxed);
    }
    if st.n > 1 && meet && !record::names_output(call.row) {
        must_be_same(st, call, buffer::AFTER);
    }
    args = call.args;
    let makes = result >= 0 && call.row.makes != Makes::Nothing;
    if makes {
        st.last_fd_seq = st.seq;
        descriptors::made(st, call, result);
    }
    if st.n == 1 {
        arrivals::admit_alone(st);
        st.wait_mask = None;
        return Answer::local(result);
    }
    let delivered = record::publish(st, Some(call.row), &args, &call.entry, result, 0, 0);
    st.wait_mask = None;
    if makes && st.socket_peers != 0 {
        descriptors::streams::send(st, call, result);
    }
    Answer { result, delivered }
}

/// Parks unless the bytes that the call passes to the kernel are still those that were compared. The kernel takes them from
/// the leader's memory, at once or (a full pipe) over a long time.
#[inline]
fn must_be_same(st: &State, call: &Call, when: u64) {
    if call.input != 0 && walk::inputs(call.row, &call.args, true).digest != call.input {
        park(st, Words::new(kind::BUFFER, when, 0));
    }
}

/// After EINTR without a signal for the guest: whether it is worth another try. (A result EINTR without any signal is
/// what the kernel has to say, for example of a stop.)
fn interrupted_for_nothing(st: &mut State) -> bool {
    let before = st.kernel_mask;
    arrivals::mirror_mask(st);
    before != st.kernel_mask
}

/// The follower's part of [`once`]; `None` if it leads now.
pub fn follow(st: &mut State, call: &Call) -> Option<Answer> {
    let reply = meet::record(st)?;
    let result = reply.result;
    if reply.flags & record_flag::REREAD != 0 {
        return Some(handled::read::reread(st, call, &reply));
    }
    let delivered = record::take(st, &reply, Some(call.row), &call.args, &call.entry);
    if result >= 0 && call.row.makes != Makes::Nothing && !descriptors::mirror(st, call, result) {
        // The leader is gone, and with it what it had made: its answer does not count.
        return follow(st, call);
    }
    Some(Answer { result, delivered })
}

/// Notes a refused call; the supervisor prints each name once.
#[cold]
pub fn refused(st: &mut State, call: &Call) {
    let key = rcb_syscalls::lookup(call.nr)
        .and_then(|row| row.family)
        .map_or(0, |family| call.args[usize::from(family.select)] as u32);
    note_refusal(st, call.nr, key);
}

/// Notes a refusal by number and key.
pub fn note_refusal(st: &mut State, nr: u32, key: u32) {
    let own = shared::own();
    own.stats.refused += 1;
    let word = u64::from(nr) << 32 | u64::from(key);
    let count = own.refusal_count.load(Relaxed);
    let known = own.refusals.iter().take(count as usize).any(|w| w.load(Relaxed) == word);
    if known || count as usize >= own.refusals.len() {
        return;
    }
    own.refusals[count as usize].store(word, Relaxed);
    own.refusal_count.store(count + 1, core::sync::atomic::Ordering::Release);
    if st.leads() {
        crate::fault::notify(st);
    }
}

#[inline]
fn finish(st: &mut State, regs: &mut Regs, nr: u32, answer: Answer) -> Flow {
    if st.n == 1 {
        arrivals::admit_alone(st);
    }
    post::conclude(st, answer.result, answer.delivered);
    recovery::bound::note(st, nr, &regs.args(), answer.result);
    regs.rax = answer.result as u64;
    if answer.result == fail(EPIPE) && signals::raises_pipe(nr, &regs.args()) {
        signals::queue(st, signals::own_info(signals::SIGPIPE, 0));
    }
    if answer.result == fail(EINTR) {
        st.deferred.restart = signals::restarts(st, nr);
    }
    if hook::due_after(st) {
        hook::after(st, regs);
    }
    timing::leave(st);
    if st.deferred.again || signals::deliverable(st) != 0 { Flow::Frame } else { Flow::Resume }
}

/// An event that is no call (exception, rdtsc, start of a program), posted like one.
pub fn post_event(st: &mut State, regs: &Regs, nr: u32, args: [u64; 6], nargs: usize) {
    st.regs = &raw const *regs;
    let request = post::Request { nr, regs, args, nargs, input: 0, sample: [0; 16], sample_len: 0 };
    post::post(st, &request, true);
}

/// A step of the call being handled, posted like a call of its own, with a value that only the leader can give.
pub fn step(st: &mut State, nr: u32, value: impl FnOnce() -> u64) -> u64 {
    let outer = st.regs;
    let regs = if outer.is_null() {
        Regs::default()
    } else {
        // SAFETY: registers of the call being handled.
        unsafe { *outer }
    };
    post_event(st, &regs, nr, [0; 6], 0);
    st.regs = outer;
    event_value(st, value)
}

/// A value that only the leader can give, for an event.
pub fn event_value(st: &mut State, value: impl FnOnce() -> u64) -> u64 {
    if st.n == 1 {
        return value();
    }
    let result = if let Some(reply) = meet::record(st) {
        reply.result as u64
    } else {
        let value = value();
        record::publish(st, None, &[0; 6], &Entry::default(), value as i64, 0, 0);
        value
    };
    post::conclude(st, result as i64, 0);
    result
}

/// Stops with the words that a descriptor could not be mirrored.
pub fn mirror_failed(st: &State, errno: i64, fd: u64) -> ! {
    park(st, Words::new(kind::MIRROR, errno.unsigned_abs(), fd))
}

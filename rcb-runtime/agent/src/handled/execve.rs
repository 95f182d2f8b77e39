//! execve, execveat: every replica replaces itself by the agent, which then loads the new program. Whether the program
//! can be executed is found out before, by the leader alone, because behind the point of no return there is nobody left
//! to report an error to.
#![allow(unsafe_code, reason = "replaces the process by the agent's own image")]

use crate::agree::{meet, record};
use crate::call::{Answer, Call};
use crate::guest;
use crate::load::script::{self, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, Target};
use crate::shared;
use crate::state::{State, scratch};
use rcb_abi::descriptors::FD_AGENT;
use rcb_abi::segment::PATH_BYTES;
use rcb_sys::errno::{EFAULT, EINVAL, ENAMETOOLONG, ENOENT, ENOSYS, fail, is_error};
use rcb_sys::{nr, syscall};

const AT_FDCWD: i64 = -100;

/// execve.
pub fn execve(st: &mut State, call: &Call) -> Answer {
    let [path, argv, envp, ..] = call.args;
    exec(st, AT_FDCWD, path, argv, envp, 0)
}

/// execveat.
pub fn execveat(st: &mut State, call: &Call) -> Answer {
    let [dir, path, argv, envp, flags, _] = call.args;
    if st.reserved(dir) {
        return Answer::error(rcb_sys::errno::EBADF);
    }
    exec(st, i64::from(dir as i32), path, argv, envp, flags)
}

fn exec(st: &mut State, dir: i64, path: u64, argv: u64, envp: u64, flags: u64) -> Answer {
    let length = scratch().path_len[0];
    crate::recovery::replay::before_execve(st);
    let result = if length == 0 {
        let mut byte = [0u8; 1];
        if guest::read(path, &mut byte).is_err() { fail(EFAULT) } else { fail(ENAMETOOLONG) }
    } else if length == 1 && flags & AT_EMPTY_PATH == 0 {
        fail(ENOENT)
    } else if flags & !(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) & 0xffff_ffff != 0 {
        fail(EINVAL)
    } else {
        0
    };
    if result != 0 {
        return Answer::local(result);
    }
    // What the program is: found by the leader, agreed by all.
    let mut target = Target::new();
    let found = |target: &mut Target| {
        let carry = &shared::own().carry;
        script::resolve(dir, &scratch().paths[0][..length], flags, &carry.exe, target)
    };
    let verdict = if let Some(reply) = meet::record(st) {
        let verdict = reply.result;
        if verdict == 0 {
            let own = found(&mut target);
            if own != 0 {
                return Answer::local(own);
            }
        }
        verdict
    } else {
        if st.n > 1 {
            meet::all(st);
        }
        let verdict = found(&mut target);
        if st.n > 1 {
            record::publish(st, None, &[0; 6], &crate::agree::walk::Entry::default(), verdict, 0, 0);
        }
        verdict
    };
    if is_error(verdict) {
        return Answer::local(verdict);
    }
    replace(st, &target, path, argv, envp)
}

/// Replaces the process. Returns only when the kernel refuses, which it then does in every replica alike.
fn replace(st: &mut State, target: &Target, path: u64, argv: u64, envp: u64) -> Answer {
    let words = &mut scratch().words;
    // argv: for a script `interpreter [argument] path`, then the rest of the given argv.
    let new_argv = if target.is_script() {
        match script::arguments(target, path, argv, words) {
            Ok(at) => at,
            Err(errno) => return Answer::error(errno),
        }
    } else {
        argv
    };
    crate::handled::window::hand_over();
    crate::arrivals::give_back(st);
    let carry = &mut shared::own().carry;
    let mut exe_before = [0u8; PATH_BYTES];
    exe_before.copy_from_slice(&carry.exe);
    carry.exe[..target.exe.len()].copy_from_slice(&target.exe);
    carry.execfn.copy_from_slice(&target.execfn);
    carry.generation += 1;
    carry.seq = st.seq;
    carry.chain = rcb_vote::digest::chain_result(st.chain, 0, 0);
    carry.payload_pos = st.payload_pos;
    carry.epoch = st.epoch;
    carry.leader = st.leader as u32;
    carry.bound = st.bound.over_execve();
    carry.mask = st.signals.mask;
    carry.pending = st.signals.pending;
    carry.ignored = 0;
    for (signal, action) in st.signals.actions.iter().enumerate().skip(1) {
        if action.handler == 1 {
            carry.ignored |= crate::signals::bit(signal as u32);
        }
    }
    for word in &mut carry.random.as_chunks_mut::<8>().0.iter_mut() {
        let value = u64::from_le_bytes(*word);
        *word = rcb_vote::digest::chain_result(value, carry.seq, 1).to_le_bytes();
    }
    let empty = 0u8;
    // SAFETY: replaces this process; on failure everything is as before.
    let result =
        unsafe { syscall!(nr::EXECVEAT, st.fd_base + FD_AGENT, &raw const empty, new_argv, envp, AT_EMPTY_PATH, 0) };
    crate::arrivals::mirror_mask(st);
    let carry = &mut shared::own().carry;
    carry.exe.copy_from_slice(&exe_before);
    carry.generation -= 1;
    Answer::local(if result == 0 { fail(ENOSYS) } else { result })
}

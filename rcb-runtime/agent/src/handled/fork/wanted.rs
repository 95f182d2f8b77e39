//! What fork, vfork, clone and clone3 are asked for, in one form.

use crate::call::Call;
use crate::guest;
use rcb_sys::errno::{E2BIG, EFAULT, EINVAL, ENOSYS};
use rcb_sys::nr;

pub const CLONE_VM: u64 = 0x100;
pub const CLONE_PIDFD: u64 = 0x1000;
pub const CLONE_VFORK: u64 = 0x4000;
pub const CLONE_PARENT: u64 = 0x8000;
pub const CLONE_THREAD: u64 = 0x1_0000;
pub const CLONE_SETTLS: u64 = 0x8_0000;
pub const CLONE_PARENT_SETTID: u64 = 0x10_0000;
pub const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
pub const CLONE_DETACHED: u64 = 0x40_0000;
pub const CLONE_CHILD_SETTID: u64 = 0x100_0000;
pub const SIGCHLD: u64 = 17;
pub const SIGNAL_MASK: u64 = 0xff;
/// What can be asked of a clone that makes a process.
pub const KNOWN: u64 = SIGNAL_MASK
    | CLONE_VM
    | CLONE_PIDFD
    | CLONE_VFORK
    | CLONE_SETTLS
    | CLONE_PARENT_SETTID
    | CLONE_CHILD_CLEARTID
    | CLONE_CHILD_SETTID
    | CLONE_DETACHED;

/// fork.
pub const FORK_NR: u32 = 57;
/// vfork.
pub const VFORK_NR: u32 = 58;

/// A request to make a process.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    /// Flags, and the signal at the end of the child.
    pub flags: u64,
    /// Stack pointer of the child; 0 for that of its parent.
    pub stack: u64,
    /// Where the descriptor of the child goes.
    pub pidfd: u64,
    /// Where its number goes in the parent.
    pub parent_tid: u64,
    /// And in the child.
    pub child_tid: u64,
    /// Thread pointer of the child.
    pub tls: u64,
}

impl Wanted {
    /// What the arguments of one of the calls ask for; an errno for what the kernel refuses, too.
    pub fn of(call: &Call) -> Result<Self, u16> {
        let [flags, stack, parent_tid, child_tid, tls, _] = call.args;
        match call.nr {
            FORK_NR => Ok(Self { flags: SIGCHLD, ..Self::default() }),
            VFORK_NR => Ok(Self { flags: CLONE_VM | CLONE_VFORK | SIGCHLD, ..Self::default() }),
            nr::CLONE3 => Self::of_structure(call.args[0], call.args[1]),
            _ if flags & CLONE_PIDFD != 0 && flags & (CLONE_PARENT_SETTID | CLONE_DETACHED) != 0 => Err(EINVAL),
            _ => Ok(Self { flags, stack, pidfd: parent_tid, parent_tid, child_tid, tls }),
        }
    }

    /// The same from a `struct clone_args`. What is not known here is answered ENOSYS, on which every libc takes to clone.
    fn of_structure(at: u64, size: u64) -> Result<Self, u16> {
        /// Fields of the first version, which are all that count here: a program that asks for a process id or a control
        /// group has others, which are not zero.
        const FIELDS: usize = 8;
        const WORDS: usize = 64;
        if size < 8 * FIELDS as u64 {
            return Err(EINVAL);
        }
        if size > 8 * WORDS as u64 {
            return Err(E2BIG);
        }
        let mut words = [0u64; WORDS];
        for (word, place) in words.iter_mut().zip((at..).step_by(8)).take(size as usize / 8) {
            *word = guest::get(place).map_err(|guest::BadAddress| EFAULT)?;
        }
        let [flags, pidfd, child_tid, parent_tid, signal, stack, stack_bytes, tls] =
            *words.first_chunk::<FIELDS>().unwrap_or(&[0; FIELDS]);
        if flags & (SIGNAL_MASK | CLONE_DETACHED) != 0 || signal > SIGNAL_MASK || (stack == 0) != (stack_bytes == 0) {
            return Err(EINVAL);
        }
        if words[FIELDS..].iter().any(|word| *word != 0) || flags & !KNOWN != 0 || !matches!(signal, 0 | SIGCHLD) {
            return Err(ENOSYS);
        }
        let stack = stack.wrapping_add(stack_bytes);
        Ok(Self { flags: flags | signal, stack, pidfd, parent_tid, child_tid, tls })
    }

    /// Whether a flag is set.
    pub const fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }
}

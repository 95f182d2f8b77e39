//! Starts one replica: a child that takes on the state the agent wants and executes the agent's image.
//!
//! # Safety
//!
//! The supervisor has one thread, so the child of `fork` may do what any process may; it still only makes plain system
//! calls on data prepared before, and ends by `execveat` or `_exit`.
#![allow(unsafe_code, reason = "fork, and system calls between fork and exec")]

use crate::descriptors::Handout;
use crate::error::{Error, Result};
use crate::inherited::{Inherited, bit};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use std::cell::OnceCell;
use std::ffi::{CString, OsString, c_char};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

/// Signals that stay open in a replica: the agent's own traps, and job control by the terminal.
const OPEN_SIGNALS: [i32; 10] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGCONT,
];

/// `prctl` option of the Yama security module: who may look into us.
const PR_SET_PTRACER: i32 = 0x5961_6d61;

/// Steps of the child that can fail, in the order of [`STEP_NAMES`].
#[derive(Clone, Copy)]
#[repr(u8)]
enum Step {
    Parent,
    Personality,
    AddressSpace,
    Affinity,
    Limit,
    Descriptors,
    Exec,
}

/// What the steps do, for messages.
const STEP_NAMES: [&str; 7] = [
    "asking for a signal when the supervisor dies",
    "switching address randomisation off",
    "raising the limit of address space (ulimit -v), as is needed where personality(ADDR_NO_RANDOMIZE) is denied",
    "pinning a replica to its CPU",
    "raising the limit of descriptors",
    "placing the agent's descriptors",
    "executing the agent",
];

/// A started replica.
pub struct Child {
    /// Its process.
    pub pid: u32,
    /// A descriptor of the process, once somebody has asked for it; `None` where there is no process to have one of.
    pidfd: OnceCell<Option<OwnedFd>>,
}

impl Child {
    /// A replica that another one has forked; it is a child of this process, too.
    pub fn adopt(pid: u32) -> Result<Self> {
        Ok(Self { pid, pidfd: OnceCell::from(Some(pidfd_open(pid as i32)?)) })
    }

    /// The same of one that may end as soon as it is there. Its number stays its own until it is
    /// reaped, so that the descriptor can be opened when it is needed: many have ended before.
    pub const fn born(pid: u32) -> Self {
        Self { pid, pidfd: OnceCell::new() }
    }

    /// Stands for a replica that has not come; nothing can be sent to it.
    pub fn missing() -> Self {
        Self { pid: 0, pidfd: OnceCell::from(None) }
    }

    /// A descriptor of the process, readable when it has ended; `None` if it was reaped before anybody has asked.
    pub fn pidfd(&self) -> Result<Option<&OwnedFd>> {
        if self.pidfd.get().is_none() {
            let _ = self.pidfd.set(Some(pidfd_open(self.pid as i32)?));
        }
        Ok(self.pidfd.get().and_then(Option::as_ref))
    }

    /// The process was reaped: its number may be somebody else's from now on.
    pub fn reaped(&self) {
        let _ = self.pidfd.set(None);
    }
}

/// Starts all replicas and waits until each has become its agent.
pub fn start(
    handout: &Handout,
    inherited: &Inherited,
    cpus: &[u32],
    argv: &[OsString],
    children: &mut Vec<Child>,
) -> Result<()> {
    let strings = argv
        .iter()
        .map(|word| CString::new(word.as_bytes()).map_err(|_| Error::Setting("an argument contains a NUL".into())))
        .collect::<Result<Vec<_>>>()?;
    let mut pointers: Vec<*const c_char> = strings.iter().map(|word| word.as_ptr()).collect();
    pointers.push(ptr::null());
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(|error| Error::os("making a pipe", error))?;
    for (replica, cpu) in cpus.iter().enumerate() {
        let orders = Orders {
            placements: handout.placements(replica),
            limit: u64::from(handout.base() + rcb_abi::descriptors::RESERVED),
            inherited,
            cpu: *cpu,
            // Its number is part of the name that the kernel puts on the stack: the same for all.
            agent: (handout.base() + rcb_abi::descriptors::FD_AGENT) as RawFd,
            argv: pointers.as_ptr(),
            complaints: writer.as_raw_fd(),
        };
        // SAFETY: one thread, see the head of the file.
        match unsafe { libc::fork() } {
            -1 => return Err(Error::last_os("starting a replica")),
            // SAFETY: we are the child, and everything `orders` points to lives in our copy of the memory.
            0 => unsafe { become_replica(&orders) },
            pid => children.push(Child { pid: pid as u32, pidfd: OnceCell::from(Some(pidfd_open(pid)?)) }),
        }
    }
    drop(writer);
    let mut complaint = [0u8; 5];
    // The pipe ends when the last child has executed its agent.
    if File::from(reader).read_exact(&mut complaint).is_err() {
        return Ok(());
    }
    let errno = i32::from_le_bytes([complaint[1], complaint[2], complaint[3], complaint[4]]);
    let step = STEP_NAMES.get(complaint[0] as usize).copied().unwrap_or("starting a replica");
    Err(Error::os(step, std::io::Error::from_raw_os_error(errno)))
}

fn pidfd_open(pid: i32) -> Result<OwnedFd> {
    // SAFETY: the answer is a new descriptor, which is ours.
    match unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } {
        -1 => Err(Error::last_os("watching a replica (pidfd_open, Linux 5.3 or later)")),
        // SAFETY: as above.
        fd => Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) }),
    }
}

/// What a child has to do.
struct Orders<'run> {
    placements: Vec<(RawFd, RawFd)>,
    limit: u64,
    inherited: &'run Inherited,
    cpu: u32,
    agent: RawFd,
    argv: *const *const c_char,
    complaints: RawFd,
}

/// Never returns: the agent, or a complaint.
///
/// # Safety
///
/// To be called in a fresh child of a process with one thread; `argv` ends with a null pointer.
unsafe fn become_replica(orders: &Orders<'_>) -> ! {
    // SAFETY: the caller's promise.
    let step = unsafe { take_orders(orders) };
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0).to_le_bytes();
    let complaint = [step as u8, errno[0], errno[1], errno[2], errno[3]];
    // SAFETY: the buffer is as long as said.
    unsafe {
        libc::write(orders.complaints, complaint.as_ptr().cast(), complaint.len());
        libc::_exit(i32::from(crate::exit::FAILED))
    }
}

unsafe extern "C" {
    /// The environment as it was inherited, malformed entries and all.
    static environ: *const *const c_char;
}

/// Returns the step that failed, with `errno` set.
unsafe fn take_orders(orders: &Orders<'_>) -> Step {
    // SAFETY: system calls on values and on memory that `orders` owns.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
            return Step::Parent;
        }
        if libc::getppid() as u32 != orders.inherited.pid {
            // The supervisor died before the line above: nobody is left to complain to.
            libc::_exit(i32::from(crate::exit::FAILED));
        }
        // Under Yama a process may be looked into by its ancestors and by whom it names; its siblings are descendants
        // of the supervisor. Without Yama the option is unknown, and not needed.
        libc::prctl(PR_SET_PTRACER, u64::from(orders.inherited.pid), 0, 0, 0);
        let personality = orders.inherited.personality | libc::ADDR_NO_RANDOMIZE as u64;
        if orders.inherited.randomised {
            if !make_room() {
                return Step::AddressSpace;
            }
        } else if personality != orders.inherited.personality && libc::personality(personality) == -1 {
            return Step::Personality;
        }
        let mut mask = [0u64; 16];
        mask[orders.cpu as usize / 64] |= 1 << (orders.cpu % 64);
        if libc::sched_setaffinity(0, size_of_val(&mask), mask.as_ptr().cast()) != 0 {
            return Step::Affinity;
        }
        let [soft, hard] = orders.inherited.nofile;
        if orders.limit > soft && !set_limit(orders.limit, hard) {
            return Step::Limit;
        }
        for (from, to) in &orders.placements {
            if libc::dup3(*from, *to, 0) == -1 {
                return Step::Descriptors;
            }
        }
        if orders.limit > soft && !set_limit(soft, hard) {
            return Step::Limit;
        }
        set_signals();
        libc::syscall(libc::SYS_execveat, orders.agent, c"".as_ptr(), orders.argv, environ, libc::AT_EMPTY_PATH);
        Step::Exec
    }
}

/// Raises the limits of address space by what the agent reserves and does not count as the guest's.
pub(crate) fn make_room() -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let raised = |value: u64| value.saturating_add(rcb_abi::WINDOW_BYTES);
    // SAFETY: reads and writes one structure of its size.
    unsafe {
        libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) == 0 && {
            limit = libc::rlimit { rlim_cur: raised(limit.rlim_cur), rlim_max: raised(limit.rlim_max) };
            libc::setrlimit(libc::RLIMIT_AS, &raw const limit) == 0
        }
    }
}

unsafe fn set_limit(soft: u64, hard: u64) -> bool {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: reads one structure of its size.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0 }
}

/// Default dispositions but for SIGPIPE, and everything blocked that the agent does not handle: signals of the guest
/// are virtual. Raw calls, because libc hides two numbers from its own.
unsafe fn set_signals() {
    /// The kernel's `struct sigaction`.
    #[repr(C)]
    struct Action {
        handler: usize,
        flags: u64,
        restorer: usize,
        mask: u64,
    }
    // SAFETY: the structures have the kernel's layout; no code is installed.
    unsafe {
        for signal in 1..=64 {
            let handler = if signal == libc::SIGPIPE { libc::SIG_IGN } else { libc::SIG_DFL };
            let action = Action { handler, flags: 0, restorer: 0, mask: 0 };
            libc::syscall(libc::SYS_rt_sigaction, signal, &raw const action, 0, 8);
        }
        let blocked = OPEN_SIGNALS.iter().fold(u64::MAX, |mask, signal| mask & !bit(*signal));
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const blocked, 0, 8);
    }
}

//! Probes between two processes that are children of one: what replicas do with each other.
//!
//! # Safety
//! The children use descriptors and pages that the parent made for them and closes or unmaps after they ended.
#![allow(unsafe_code, reason = "system calls that no safe wrapper offers")]

use super::Finding;
use super::child::{End, errno, run, start, status, wait};
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

/// `prctl` option of the Yama security module: who may look into us.
const PR_SET_PTRACER: i32 = 0x5961_6d61;

/// Taking a descriptor out of a sibling, as followers mirror what the leader opened.
pub(super) fn descriptors() -> Finding {
    const NAME: &str = "pidfd_getfd between siblings";
    const EFFECT: &str = "descriptors are passed over sockets instead: works, but opening files is slower, and a faulty \
                          replica is not replaced";
    match take_from_sibling() {
        End::Exit(0) => Finding::ok(NAME, "works"),
        end => Finding::limited(
            NAME,
            end.text(),
            EFFECT,
            "use Linux 5.6 or newer with Yama's ptrace_scope at most 1; in a container allow pidfd_getfd and ptrace \
             (Docker: --cap-add SYS_PTRACE)",
        ),
    }
}

/// One child names the other as its tracer, the other takes the first one's descriptor.
fn take_from_sibling() -> End {
    let (Ok((name_out, name_in)), Ok((ready_out, ready_in))) = (nix::unistd::pipe(), nix::unistd::pipe()) else {
        return End::Never(errno());
    };
    let wanted = ready_in.as_raw_fd();
    let giver = start(|| {
        // SAFETY: in the child; locals only. Reading past the name waits until the parent closes the pipe.
        unsafe {
            let mut taker = 0_u32;
            let read = libc::read(name_out.as_raw_fd(), (&raw mut taker).cast(), 4);
            libc::prctl(PR_SET_PTRACER, u64::from(taker), 0, 0, 0);
            libc::write(ready_in.as_raw_fd(), c"r".as_ptr().cast(), 1);
            libc::close(name_in.as_raw_fd());
            let mut more = 0_u8;
            libc::read(name_out.as_raw_fd(), (&raw mut more).cast(), 1);
            i32::from(read != 4)
        }
    });
    let giver = match giver {
        Ok(giver) => giver,
        Err(errno) => return End::Never(errno),
    };
    let taker = start(|| {
        // SAFETY: in the child; locals only. Its copy of the naming pipe must not keep the giver waiting.
        unsafe {
            libc::close(name_in.as_raw_fd());
            let mut byte = 0_u8;
            libc::read(ready_out.as_raw_fd(), (&raw mut byte).cast(), 1);
            let pidfd = libc::syscall(libc::SYS_pidfd_open, giver, 0);
            if pidfd == -1 {
                return errno();
            }
            status(libc::syscall(libc::SYS_pidfd_getfd, pidfd, wanted, 0))
        }
    });
    let end = match taker {
        Ok(taker) => {
            let name = (taker as u32).to_ne_bytes();
            // A giver that gets no name says that it is ready all the same, and the taker then fails to take.
            let _named = nix::unistd::write(&name_in, &name);
            wait(taker)
        }
        Err(errno) => End::Never(errno),
    };
    drop::<OwnedFd>(name_in);
    wait(giver);
    end
}

/// The Yama security module's rule for looking into other processes.
pub(super) fn yama() -> Finding {
    const NAME: &str = "Yama ptrace_scope";
    let Ok(text) = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope") else {
        return Finding::ok(NAME, "absent");
    };
    match text.trim() {
        scope @ ("0" | "1") => Finding::ok(NAME, format!("{scope} (replicas name each other)")),
        scope => Finding::limited(
            NAME,
            scope,
            "replicas may not take descriptors from each other: they are passed over sockets",
            "sysctl kernel.yama.ptrace_scope=1",
        ),
    }
}

/// Waking a process through a word in shared memory.
pub(super) fn futex() -> Finding {
    const NAME: &str = "futex on shared memory";
    let Some(word) = SharedWord::new() else {
        return Finding::missing(
            NAME,
            "no shared memory",
            "replicas cannot wait for each other",
            "check memory limits",
        );
    };
    let end = run(|| {
        let waiter = start(|| {
            let limit = libc::timespec { tv_sec: 2, tv_nsec: 0 };
            while word.get().load(Ordering::Acquire) == 0 {
                // SAFETY: in the child; the word is mapped, the time is a local.
                let result = unsafe {
                    libc::syscall(libc::SYS_futex, word.get().as_ptr(), libc::FUTEX_WAIT, 0, &raw const limit)
                };
                if result == -1 && !matches!(errno(), libc::EAGAIN | libc::EINTR) {
                    return errno();
                }
            }
            0
        });
        let Ok(waiter) = waiter else { return libc::EAGAIN };
        // The waiter may or may not sleep already: both must work.
        std::thread::yield_now();
        word.get().store(1, Ordering::Release);
        // SAFETY: the word is mapped.
        let woken = unsafe { libc::syscall(libc::SYS_futex, word.get().as_ptr(), libc::FUTEX_WAKE, 1) };
        match wait(waiter) {
            End::Exit(0) if woken >= 0 => 0,
            End::Exit(errno) => errno.max(1),
            _ => libc::ETIMEDOUT,
        }
    });
    match end {
        End::Exit(0) => Finding::ok(NAME, "wakes another process"),
        end => Finding::missing(
            NAME,
            end.text(),
            "replicas cannot wait for each other",
            "in a container allow futex in its seccomp profile",
        ),
    }
}

/// A page shared with children, as one word.
pub(super) struct SharedWord(*mut libc::c_void);

impl SharedWord {
    /// Bytes mapped: several cache lines, of which callers use what they like.
    const BYTES: usize = 4096;

    /// A page of zeroes.
    pub(super) fn new() -> Option<Self> {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at an address of the kernel's choice.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), Self::BYTES, access, kind, -1, 0) };
        (page != libc::MAP_FAILED).then_some(Self(page))
    }

    /// The first word.
    pub(super) fn get(&self) -> &AtomicU32 {
        self.at(0)
    }

    /// The first word of cache line `line` (of 64 bytes, below 64).
    pub(super) fn at(&self, line: usize) -> &AtomicU32 {
        assert!(line < Self::BYTES / 64);
        // SAFETY: inside the mapping, aligned, and only ever used as an atomic.
        unsafe { AtomicU32::from_ptr(self.0.cast::<u8>().add(line * 64).cast()) }
    }
}

impl Drop for SharedWord {
    fn drop(&mut self) {
        // SAFETY: our own mapping; the borrow checker keeps references from outliving it.
        unsafe { libc::munmap(self.0, Self::BYTES) };
    }
}

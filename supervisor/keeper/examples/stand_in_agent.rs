//! A stand-in for the agent, for tests of the supervisor: it takes part in the protocol of the shared pages but runs no
//! guest. Its arguments say what it does: `exit 3`, `signal 9`, `die 9`, `fault 1`, `silent`, `fds`, ...
#![allow(unsafe_code, reason = "maps the shared areas")]

use rcb_abi::control::Control;
use rcb_abi::descriptors::{BOOT_MAGIC, BootWord, FD_CONTROL, FD_NOTIFY, FD_SEGMENT, RESERVED};
use rcb_abi::segment::{Segment, phase};
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

#[used]
static BOOT: BootWord = BootWord { magic: BOOT_MAGIC, fd_base: 0, replica: 0 };

fn map<T>(fd: u32, writable: bool) -> *mut T {
    let protection = libc::PROT_READ | if writable { libc::PROT_WRITE } else { 0 };
    // SAFETY: a new mapping.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<T>(), protection, libc::MAP_SHARED, fd as i32, 0) };
    assert_ne!(at, libc::MAP_FAILED, "mapping descriptor {fd}");
    at.cast()
}

fn main() {
    // SAFETY: the supervisor has written the words into the image.
    let boot = unsafe { std::ptr::read_volatile(&raw const BOOT) };
    let replica = boot.replica as usize;
    let control: *mut Control = map(boot.fd_base + FD_CONTROL, false);
    let segment: *mut Segment = map(boot.fd_base + FD_SEGMENT + boot.replica, true);
    // SAFETY: mapped for the life of the process; the control page is written by the supervisor through atomics.
    let (control, segment) = unsafe { (&*control, &mut *segment) };
    assert_eq!((control.magic, segment.magic, segment.replica), (rcb_abi::MAGIC, rcb_abi::MAGIC, boot.replica));
    while control.go.load(Ordering::Acquire) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(control.pids[replica].load(Ordering::Relaxed), std::process::id());
    segment.wait.phase.store(phase::RUN, Ordering::Release);
    let words: Vec<String> = std::env::args().skip(1).collect();
    let notify = || {
        let one = 1u64;
        // SAFETY: eight bytes.
        unsafe { libc::write((boot.fd_base + FD_NOTIFY) as i32, (&raw const one).cast(), 8) };
    };
    // `2:exit` means: only replica 2 does so.
    for word in words {
        let (who, what) = word.split_once(':').unwrap_or(("", &word));
        if !who.is_empty() && who.parse() != Ok(replica) {
            continue;
        }
        let (verb, value) = what.split_once('=').unwrap_or((what, "0"));
        let value: u64 = value.parse().expect("a number");
        perform(segment, verb, value, &boot);
        notify();
    }
    end(segment, 1, 0);
}

/// Where the handler writes.
static HEARD: AtomicPtr<Segment> = AtomicPtr::new(std::ptr::null_mut());
static NOTIFY: AtomicI32 = AtomicI32::new(-1);

/// A signal that is meant for the guest.
extern "C" fn heard(signal: i32) {
    let one = 1u64;
    // SAFETY: the segment is mapped for ever; eight bytes.
    unsafe {
        (*HEARD.load(Ordering::Relaxed)).fatal.store(signal as u32, Ordering::Relaxed);
        libc::write(NOTIFY.load(Ordering::Relaxed), (&raw const one).cast(), 8);
    }
}

/// The leader hears signals that are meant for the guest, and tells the supervisor that they would end it.
fn hear_signals(segment: &mut Segment, notify: u32) {
    HEARD.store(segment, Ordering::Relaxed);
    NOTIFY.store(notify as i32, Ordering::Relaxed);
    // SAFETY: the handler does nothing that a handler may not do.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            libc::signal(signal, heard as *const () as usize);
            libc::sigaddset(&raw mut set, signal);
        }
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
    }
}

fn perform(segment: &mut Segment, verb: &str, value: u64, boot: &BootWord) {
    match verb {
        "call" => {
            let seq = segment.head.seq.load(Ordering::Relaxed) + 1;
            let slot = &mut segment.trace[seq as usize % rcb_abi::segment::RING];
            (slot.seq, slot.nr, slot.nargs, slot.chain) = (seq, 1, 3, value.wrapping_mul(seq));
            (slot.args[0], slot.args[1], slot.args[2]) = (1, 0x1000, value);
            segment.head.chain.store(slot.chain, Ordering::Relaxed);
            segment.head.seq.store(seq, Ordering::Release);
        }
        "fault" => {
            segment.fault.peer = 0;
            segment.fault.seq = segment.head.seq.load(Ordering::Relaxed);
            segment.fault.detail = 2;
            segment.fault.site = 2;
            segment.wait.phase.store(phase::PARKED, Ordering::Relaxed);
            segment.fault.kind.store(value as u32, Ordering::Release);
        }
        "wait" => {
            segment.wait.wait_for.store(value as u32, Ordering::Relaxed);
            segment.wait.phase.store(phase::WAIT_REQUEST, Ordering::Release);
        }
        "block" => segment.wait.phase.store(phase::BLOCKED, Ordering::Release),
        "injected" => segment.wait.hook_done.store(1, Ordering::Release),
        "refuse" => {
            let count = segment.refusal_count.load(Ordering::Relaxed);
            segment.refusals[count as usize % 64].store(value << 32, Ordering::Relaxed);
            segment.refusal_count.store(count + 1, Ordering::Release);
        }
        "park" => {
            if boot.replica == 0 {
                hear_signals(segment, boot.fd_base + FD_NOTIFY);
            }
            loop {
                std::thread::park();
            }
        }
        "spin" => loop {
            std::hint::spin_loop();
        },
        "exit" => end(segment, 1, value as u32),
        "signal" => end(segment, 2, value as u32),
        "die" => kill_self(value as i32),
        "leave" => std::process::exit(value as i32),
        "descriptors" => print_descriptors(boot),
        "signals" => {
            let status = std::fs::read_to_string("/proc/self/status").expect("status");
            for line in status.lines().filter(|line| line.starts_with("SigBlk") || line.starts_with("SigIgn")) {
                println!("{line}");
            }
        }
        other => panic!("unknown verb {other}"),
    }
}

/// Ends as agreed.
fn end(segment: &Segment, how: u32, code: u32) {
    segment.ending.code.store(code, Ordering::Relaxed);
    segment.ending.how.store(how, Ordering::Release);
    segment.wait.phase.store(phase::ENDING, Ordering::Release);
    if how == 1 { std::process::exit(code as i32) } else { kill_self(code as i32) }
}

fn kill_self(signal: i32) {
    // SAFETY: default disposition, open mask.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, &raw mut set);
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// The descriptors outside the reserved block, and inside it whether they close on exec.
fn print_descriptors(boot: &BootWord) {
    let reserved = boot.fd_base as i32..(boot.fd_base + RESERVED) as i32;
    let mut open = vec!["open".to_string()];
    for fd in 0..4096 {
        // SAFETY: only asks.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        if flags != -1 && !reserved.contains(&fd) {
            open.push(fd.to_string());
        }
        assert!(!reserved.contains(&fd) || flags <= 0, "descriptor {fd} closes on exec");
    }
    println!("{}", open.join(" "));
}

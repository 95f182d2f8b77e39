//! From the kernel's execve to the first instruction of the guest.
#![allow(unsafe_code, reason = "start of the process: raw stack, raw mappings")]

use crate::fault::{Words, park};
use crate::handled::exit::{End, announce};
use crate::load::{elf, layout, proc, stack};
use crate::recovery::{checkpoint, memory};
use crate::state::{State, program, scratch, state, words};
use crate::trap::{filter, signal};
use crate::{agree, descriptors, shared};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use rcb_abi::descriptors::{BOOT_MAGIC, BootWord};
use rcb_abi::fault::{Regs, boot_site, kind};
use rcb_abi::segment::{START, phase};
use rcb_sys::errno::{ENOEXEC, fail};
use rcb_sys::{nr, syscall};

/// Filled by the supervisor in the image it executes.
#[used]
#[unsafe(link_section = ".data.rcb_boot")]
static BOOT: BootWord = BootWord { magic: BOOT_MAGIC, fd_base: 0, replica: 0 };

/// Bit of `Carry::flags`: the seccomp filter is installed.
const FILTERED: u64 = 1;

/// Where the guest starts.
#[repr(C)]
pub struct Start {
    entry: u64,
    sp: u64,
}

/// Called once by `_start` with the stack that the kernel has built.
#[unsafe(no_mangle)]
extern "C" fn rcb_boot(sp: u64) -> Start {
    // SAFETY: the supervisor has changed the image, so the constant must be read from memory.
    let boot = unsafe { (&raw const BOOT).read_volatile() };
    let st = state();
    st.fd_base = boot.fd_base;
    let place = shared::place(boot.replica as usize, st.fd_base);
    st.replica = place.map_or(0, |(replica, _)| replica);
    if place.is_none_or(|place| shared::map(place, st.fd_base).is_err()) {
        // Nothing is shared yet: only the exit status can speak.
        // SAFETY: ends the process.
        unsafe { syscall!(nr::EXIT_GROUP, 125, 0, 0, 0, 0, 0) };
    }
    begin(st);
    if stack::has_vdso(sp) {
        unmap_vdso();
    }
    let mut sp = sp;
    if shared::control().own_layout != 0 {
        match layout::settle(st, sp) {
            Ok(moved) => sp = moved,
            Err(errno) => failed(st, boot_site::LAYOUT, errno),
        }
    }
    let (program, interpreter) = match images(st) {
        Ok(images) => images,
        Err((site, errno)) => failed(st, site, errno),
    };
    environment(sp, &program);
    stack::correct(sp, &program, interpreter.as_ref());
    if let Err(errno) = intercept() {
        failed(st, boot_site::INTERCEPT, errno);
    }
    crate::arrivals::start(st);
    crate::timing::prepare();
    crate::recovery::snapshot(st);
    let start = interpreter.map_or(program.entry, |i| i.entry);
    let regs = Regs { rip: start, rsp: sp, ..Regs::default() };
    st.words_start = sp;
    let args = [program.entry, program.end, program.bias, 0, 0, 0];
    let input = if st.n > 1 { crate::guest::words(sp) } else { 0 };
    let request =
        agree::post::Request { nr: START, regs: &regs, args, nargs: 3, input, sample: [0; 16], sample_len: 0 };
    st.regs = &raw const regs;
    agree::post::post(st, &request, true);
    if st.n > 1 {
        agree::meet::symmetric(st);
        descriptors::learn_peers(st);
    }
    agree::post::conclude(st, 0, 0);
    st.regs = core::ptr::null();
    if st.checkpoints {
        leave_first_copy(st, &regs);
    }
    Start { entry: start, sp }
}

/// Nothing can be done again that is wrong in the first copy: what has happened to it while this replica waited, or was
/// copied, must be found. Of the first program everything is started over then.
fn leave_first_copy(st: &mut State, regs: &Regs) {
    memory::compare(st, regs, false);
    checkpoint::leave(st);
    if shared::own().carry.generation == 0 {
        memory::compare(st, regs, true);
    }
    st.regs = core::ptr::null();
}

/// State from the control page and from before an execve.
fn begin(st: &mut State) {
    let control = shared::control();
    let own = shared::own();
    st.n = control.replicas as usize;
    st.epoch = own.carry.epoch;
    st.bound.lost = own.carry.bound;
    st.leader = if own.carry.generation == 0 { control.leader.load(Relaxed) } else { own.carry.leader } as usize;
    st.strict = control.lockstep == 0;
    st.checkpoints = control.checkpoints != 0;
    st.heals = st.n > 2 || st.checkpoints;
    crate::recovery::journal::start(st, own.journal_end.load(Relaxed));
    st.spin = control.spin;
    st.code.off = control.no_patch != 0;
    if own.carry.generation == 0 {
        while control.go.load(Acquire) == 0 {
            // SAFETY: waits on a word of the control page.
            unsafe { syscall!(nr::FUTEX, &raw const control.go, 0, 0, 0, 0, 0) };
        }
        if let Err(errno) = descriptors::open_peers(st, |peer| control.pids[peer].load(Relaxed)) {
            failed(st, boot_site::PEERS, errno);
        }
        descriptors::try_peers(st);
        shared::own().carry.pid = control.pids[st.leader].load(Relaxed);
    }
    // What a program is executed with was opened at the start, or at birth, where replicas are replaced; else see there.
    words().peers.store(u32::from(own.carry.generation == 0 || st.heals), Relaxed);
    crate::handled::identity::set_pid(own.carry.pid);
    let exe = &own.carry.exe;
    let length = exe.iter().position(|byte| *byte == 0).unwrap_or(0);
    program()[..length].copy_from_slice(&exe[..length]);
    // SAFETY: asks for a number.
    own.pid.store(unsafe { syscall!(nr::GETPID, 0, 0, 0, 0, 0, 0) } as u32, Release);
    own.wait.phase.store(phase::RUN, Relaxed);
    let carry = &own.carry;
    st.seq = carry.seq;
    st.chain = carry.chain;
    st.payload_pos = carry.payload_pos;
    st.signals.mask = carry.mask;
    st.signals.pending = carry.pending;
    for signal in 1..65u32 {
        if carry.ignored & crate::signals::bit(signal) != 0 {
            st.signals.actions[signal as usize].handler = 1;
        }
        st.signals.info[signal as usize].signo = signal as i32;
    }
}

/// Loads the program and, if it names one, its interpreter.
fn images(st: &mut State) -> Result<(elf::Image, Option<elf::Image>), (u32, i64)> {
    let exe = shared::own().carry.exe.as_ptr() as u64;
    let fd = elf::open(exe).map_err(|e| (boot_site::OPEN, e))?;
    let program = elf::load(st, fd, true).map_err(|e| (boot_site::PROGRAM, e))?;
    let mut interpreter = None;
    let (offset, length) = program.interpreter;
    if length > 0 {
        let path = &mut scratch().paths[0];
        let bytes = length as usize;
        if bytes >= path.len() {
            return Err((boot_site::INTERPRETER, fail(ENOEXEC)));
        }
        elf::read_at(fd, path.as_mut_ptr(), bytes, offset).map_err(|e| (boot_site::INTERPRETER, e))?;
        path[bytes] = 0;
        let other = elf::open(path.as_ptr() as u64).map_err(|e| (boot_site::INTERPRETER, e))?;
        interpreter = Some(elf::load(st, other, false).map_err(|e| (boot_site::INTERPRETER, e))?);
        close(other);
    }
    close(fd);
    st.data_start = program.data;
    st.brk_start = program.end;
    st.brk_now = program.end;
    Ok((program, interpreter))
}

fn close(fd: u64) {
    // SAFETY: closes a descriptor of the agent.
    unsafe { syscall!(nr::CLOSE, fd, 0, 0, 0, 0, 0) };
}

/// What else execve sets up: name of the process, stack permissions.
fn environment(sp: u64, program: &elf::Image) {
    let execfn = &shared::own().carry.execfn;
    let end = execfn.iter().position(|b| *b == 0).unwrap_or(0);
    let name = execfn[..end].iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
    // SAFETY: names this process after the program.
    unsafe { syscall!(nr::PRCTL, 15, execfn[name..].as_ptr(), 0, 0, 0, 0) };
    if program.stack_exec {
        const PROT_GROWSDOWN: u64 = 0x0100_0000;
        // SAFETY: adds a permission to the guest's stack, as its program header asks.
        unsafe { syscall!(nr::MPROTECT, sp & !4095, 4096, 7 | PROT_GROWSDOWN, 0, 0, 0) };
    }
}

/// Unmaps the vDSO and its data pages.
fn unmap_vdso() {
    proc::each_mapping(|range, line| {
        let named = |name: &[u8]| line.windows(name.len()).any(|window| window == name);
        if named(b"[vdso]") || named(b"[vvar") {
            // SAFETY: nothing of the agent lies there.
            unsafe { syscall!(nr::MUNMAP, range.start, range.end - range.start, 0, 0, 0, 0) };
        }
    });
}

/// From here on nothing the guest does reaches the kernel without the agent.
fn intercept() -> Result<(), i64> {
    signal::install_handlers()?;
    // SAFETY: lets the time stamp counter trap.
    let result = unsafe { syscall!(nr::PRCTL, 26, 2, 0, 0, 0, 0) };
    if result < 0 {
        return Err(result);
    }
    let carry = &mut shared::own().carry;
    if carry.flags & FILTERED == 0 {
        filter::install()?;
        carry.flags |= FILTERED;
    }
    signal::arm_dispatch()
}

/// The program cannot be started. For the first program the supervisor reports why; after an execve the kernel would
/// kill the process at this point, so the replicas end that way.
fn failed(st: &State, site: u32, errno: i64) -> ! {
    if shared::own().carry.generation > 0 && site != boot_site::INTERCEPT {
        announce(End::Signal, crate::signals::SIGKILL);
        crate::signals::kill_self(crate::signals::SIGKILL);
    }
    park(st, Words::new(kind::BOOT, errno.unsigned_abs(), u64::from(site)))
}

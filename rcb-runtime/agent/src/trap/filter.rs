//! The seccomp filter: catches by number what dispatch does not see, the vsyscall page, and calls that the agent never
//! makes, so that a replica whose control flow went wild cannot start processes or trace others.
#![allow(unsafe_code, reason = "installs a filter")]

use rcb_sys::errno::is_error;
use rcb_sys::{nr, syscall};

/// `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    yes: u8,
    no: u8,
    k: u32,
}

const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;
const TRAP: u32 = 0x0003_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
const ARCH_X86_64: u32 = 0xc000_003e;

/// Numbers that trap: the three of the vsyscall page, then what the agent never performs (other ways to make processes,
/// tracing, modules, kexec, bpf, io_uring, userfaultfd, perf).
const TRAPPED: [u32; 23] = [
    nr::GETTIMEOFDAY,
    nr::TIME,
    nr::GETCPU,
    57,
    58,
    435,
    101,
    310,
    311,
    169,
    175,
    176,
    313,
    246,
    320,
    321,
    298,
    323,
    425,
    426,
    427,
    272,
    308,
];

const LENGTH: usize = 4 + TRAPPED.len() + 2;

const PROGRAM: [Instruction; LENGTH] = {
    let mut program = [Instruction { code: RETURN, yes: 0, no: 0, k: ALLOW }; LENGTH];
    program[0] = Instruction { code: LOAD, yes: 0, no: 0, k: 4 };
    program[1] = Instruction { code: EQUAL, yes: 1, no: 0, k: ARCH_X86_64 };
    program[2] = Instruction { code: RETURN, yes: 0, no: 0, k: KILL_PROCESS };
    program[3] = Instruction { code: LOAD, yes: 0, no: 0, k: 0 };
    let mut i = 0;
    while i < TRAPPED.len() {
        let to_trap = (TRAPPED.len() - i) as u8;
        program[4 + i] = Instruction { code: EQUAL, yes: to_trap, no: 0, k: TRAPPED[i] };
        i += 1;
    }
    program[LENGTH - 1] = Instruction { code: RETURN, yes: 0, no: 0, k: TRAP };
    program
};

/// Installs the filter; it survives execve, so once per replica is enough.
pub fn install() -> Result<(), i64> {
    #[repr(C)]
    struct Program {
        length: u16,
        filter: *const Instruction,
    }
    let program = Program { length: LENGTH as u16, filter: PROGRAM.as_ptr() };
    // SAFETY: gives up privileges of later programs and installs a constant filter.
    unsafe {
        let result = syscall!(nr::PRCTL, 38, 1, 0, 0, 0, 0);
        if is_error(result) {
            return Err(result);
        }
        let result = syscall!(nr::SECCOMP, 1, 0, &raw const program, 0, 0, 0);
        if is_error(result) { Err(result) } else { Ok(()) }
    }
}

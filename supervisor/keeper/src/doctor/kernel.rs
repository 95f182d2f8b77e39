//! Probes of single kernel features, each in a child.
//!
//! # Safety
//! Signal handlers and filters are set up in the child only, which ends right after; pointers given to the kernel are
//! to locals or statics of the child.
#![allow(unsafe_code, reason = "system calls that no safe wrapper offers")]

use super::Finding;
use super::child::{End, NO_EFFECT, errno, run, status};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

const PR_SET_SYSCALL_USER_DISPATCH: i32 = 59;
const ARCH_SET_CPUID: i32 = 0x1012;
/// Answers of the selector byte of Syscall User Dispatch.
const ALLOW: u8 = 0;
const BLOCK: u8 = 1;

/// Oldest kernel with all that is used: Syscall User Dispatch came with 5.11.
const OLDEST: (u32, u32) = (5, 11);

/// Version and machine.
pub(super) fn version() -> Finding {
    const NAME: &str = "kernel";
    let Ok(uname) = nix::sys::utsname::uname() else {
        return Finding::missing(NAME, "uname failed", "replicated runs are not possible", "run on Linux");
    };
    let release = uname.release().to_string_lossy().into_owned();
    let machine = uname.machine().to_string_lossy().into_owned();
    let found = format!("{} {release} {machine}", uname.sysname().to_string_lossy());
    if machine != "x86_64" {
        return Finding::missing(NAME, found, "only x86-64 programs can be replicated", "use an x86-64 machine");
    }
    if parse_version(&release).is_some_and(|version| version < OLDEST) {
        return Finding::missing(NAME, found, "system calls cannot be intercepted", "use Linux 5.11 or newer");
    }
    Finding::ok(NAME, found)
}

/// Major and minor number of a release such as `6.1.0-18-amd64`.
fn parse_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map_while(|part| part.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

static SELECTOR: AtomicU8 = AtomicU8::new(ALLOW);
static CAUGHT: AtomicBool = AtomicBool::new(false);

extern "C" fn on_sigsys(_signal: i32) {
    SELECTOR.store(ALLOW, Ordering::SeqCst);
    CAUGHT.store(true, Ordering::SeqCst);
}

/// Syscall User Dispatch: intercepts one call in a child.
pub(super) fn dispatch() -> Finding {
    let end = run(|| {
        let handler: extern "C" fn(i32) = on_sigsys;
        // SAFETY: in the child; the selector is a static, the handler touches atomics only.
        unsafe {
            libc::signal(libc::SIGSYS, handler as libc::sighandler_t);
            let selector = SELECTOR.as_ptr();
            if libc::prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0_u64, 0_u64, selector) != 0 {
                return errno();
            }
            SELECTOR.store(BLOCK, Ordering::SeqCst);
            libc::syscall(libc::SYS_getppid);
            SELECTOR.store(ALLOW, Ordering::SeqCst);
        }
        if CAUGHT.load(Ordering::SeqCst) { 0 } else { NO_EFFECT }
    });
    match end {
        End::Exit(0) => Finding::ok("Syscall User Dispatch", "intercepts a call"),
        end => Finding::missing(
            "Syscall User Dispatch",
            end.text(),
            "system calls cannot be intercepted, so nothing can be replicated",
            "use Linux 5.11 or newer with CONFIG_GENERIC_ENTRY; in a container allow prctl in its seccomp profile",
        ),
    }
}

/// A seccomp filter: lets one call fail with an errno of its own.
pub(super) fn seccomp() -> Finding {
    const MARK: u16 = 77;
    let end = run(|| {
        let statement = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
        let mut program = [
            // Load the number of the call; getppid gets an errno, all others run.
            statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
            libc::sock_filter {
                code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
                jt: 0,
                jf: 1,
                k: libc::SYS_getppid as u32,
            },
            statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | u32::from(MARK)),
            statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
        ];
        let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: in the child; the kernel copies the filter, which is a local.
        unsafe {
            if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) != 0
            {
                return errno();
            }
            if libc::syscall(libc::SYS_getppid) == -1 && errno() == i32::from(MARK) { 0 } else { NO_EFFECT }
        }
    });
    match end {
        End::Exit(0) => Finding::ok("seccomp filter", "intercepts a call by number"),
        end => Finding::missing(
            "seccomp filter",
            end.text(),
            "the legacy vsyscall page and stray calls cannot be intercepted",
            "use a kernel with CONFIG_SECCOMP_FILTER; in a container allow seccomp and prctl in its profile",
        ),
    }
}

/// Trapping of the time stamp counter.
pub(super) fn tsc() -> Finding {
    let end = run(|| {
        // SAFETY: in the child; reading the counter must end it by SIGSEGV.
        unsafe {
            if libc::prctl(libc::PR_SET_TSC, libc::PR_TSC_SIGSEGV) != 0 {
                return errno();
            }
            std::hint::black_box(core::arch::x86_64::_rdtsc());
        }
        NO_EFFECT
    });
    match end {
        End::Signal(libc::SIGSEGV) => Finding::ok("rdtsc (PR_SET_TSC)", "is intercepted"),
        end => Finding::limited(
            "rdtsc (PR_SET_TSC)",
            end.text(),
            "rdtsc is not intercepted: a program that reads the counter itself sees another value in every replica",
            "in a container allow prctl(PR_SET_TSC); programs that ask the kernel for the time are not affected",
        ),
    }
}

/// Trapping of the cpuid instruction.
pub(super) fn cpuid() -> Finding {
    // SAFETY: in the child, which ends right after.
    let end = run(|| status(unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SET_CPUID, 0) }));
    match end {
        End::Exit(0) => Finding::ok("cpuid (ARCH_SET_CPUID)", "can be intercepted"),
        end => Finding::limited(
            "cpuid (ARCH_SET_CPUID)",
            end.text(),
            "cpuid is not intercepted: a program that asks for the number of its core (APIC id) sees another in every \
             replica",
            "nothing for most programs; otherwise a CPU with cpuid faulting (Intel since 2012, not in most virtual \
             machines), or all replicas on one CPU (--cpus 0,0)",
        ),
    }
}

/// Bytes of an ELF program that exits with [`TINY_STATUS`].
fn tiny_program() -> [u8; 0x90] {
    const BASE: u64 = 0x40_0000;
    let mut file = [0; 0x90];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\x7fELF\x02\x01\x01");
    put(16, &2_u16.to_le_bytes());
    put(18, &62_u16.to_le_bytes());
    put(20, &1_u32.to_le_bytes());
    put(24, &(BASE + 0x78).to_le_bytes());
    put(32, &64_u64.to_le_bytes());
    put(52, &64_u16.to_le_bytes());
    put(54, &56_u16.to_le_bytes());
    put(56, &1_u16.to_le_bytes());
    put(64, &1_u32.to_le_bytes());
    put(68, &5_u32.to_le_bytes());
    put(80, &BASE.to_le_bytes());
    put(88, &BASE.to_le_bytes());
    put(96, &0x90_u64.to_le_bytes());
    put(104, &0x90_u64.to_le_bytes());
    put(112, &0x1000_u64.to_le_bytes());
    // mov $60, %eax; mov $TINY_STATUS, %edi; syscall
    put(0x78, &[0xb8, 60, 0, 0, 0, 0xbf, TINY_STATUS as u8, 0, 0, 0, 0x0f, 0x05]);
    file
}

const TINY_STATUS: i32 = 201;

/// Executing a file that exists only in memory, as every replica is started.
pub(super) fn memfd_exec() -> Finding {
    let program = tiny_program();
    let end = run(|| {
        // SAFETY: in the child; all pointers are to locals and C strings.
        unsafe {
            let fd = libc::memfd_create(c"rcb-doctor".as_ptr(), libc::MFD_CLOEXEC);
            if fd == -1 || libc::write(fd, program.as_ptr().cast(), program.len()) != program.len() as isize {
                return errno();
            }
            let argv = [c"rcb-doctor".as_ptr(), std::ptr::null()];
            libc::syscall(libc::SYS_execveat, fd, c"".as_ptr(), argv.as_ptr(), argv[1..].as_ptr(), libc::AT_EMPTY_PATH);
        }
        errno()
    });
    match end {
        End::Exit(TINY_STATUS) => Finding::ok("memfd_create and execveat", "a program in memory runs"),
        end => Finding::missing(
            "memfd_create and execveat",
            end.text(),
            "replicas cannot be started",
            "check sysctl vm.memfd_noexec (0 is wanted) and, in a container, its seccomp profile",
        ),
    }
}

/// Equal addresses in all replicas.
pub(super) fn personality() -> Finding {
    const NAME: &str = "personality (ADDR_NO_RANDOMIZE)";
    let end = run(|| {
        // SAFETY: in the child; a number only.
        unsafe {
            let now = libc::personality(0xffff_ffff);
            if now == -1 || libc::personality((now | libc::ADDR_NO_RANDOMIZE) as libc::c_ulong) == -1 {
                return errno();
            }
            if libc::personality(0xffff_ffff) & libc::ADDR_NO_RANDOMIZE == 0 { NO_EFFECT } else { 0 }
        }
    });
    match end {
        End::Exit(0) => Finding::ok(NAME, "address randomisation can be switched off"),
        end => without_personality(NAME, &end.text()),
    }
}

/// Agents lay out the address space themselves, which takes room in it.
fn without_personality(name: &'static str, denied: &str) -> Finding {
    let advice =
        "in a container allow personality(0x40000) in its seccomp profile (Docker: --security-opt seccomp=PROFILE)";
    match run(|| if crate::spawn::make_room() { 0 } else { errno() }) {
        End::Exit(0) => Finding::limited(
            name,
            format!("{denied}; the agents lay out their addresses themselves"),
            "replicas reserve 16 TiB of addresses, which show in /proc/PID/maps and as virtual size; a stack gets at \
             most 1 GiB",
            advice,
        ),
        end => Finding::missing(
            name,
            format!("{denied}, and the limit of address space (ulimit -v) cannot be raised: {}", end.text()),
            "replicas would have different addresses, so they cannot be started",
            "start without a hard limit of address space, or allow personality(0x40000)",
        ),
    }
}

/// Descriptors of processes.
pub(super) fn pidfd_open() -> Finding {
    // SAFETY: in the child; numbers only.
    let end = run(|| status(unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) }));
    match end {
        End::Exit(0) => Finding::ok("pidfd_open", "works"),
        end => Finding::missing(
            "pidfd_open",
            end.text(),
            "the supervisor cannot see a replica die",
            "use Linux 5.3 or newer; in a container allow pidfd_open in its seccomp profile",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(parse_version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(parse_version("5.4"), Some((5, 4)));
        assert_eq!(parse_version("next"), None);
        assert!(parse_version("5.10.200") < Some(OLDEST));
    }

    #[test]
    fn the_tiny_program_is_one() {
        let program = tiny_program();
        let elf = goblin::elf::Elf::parse(&program).unwrap();
        assert_eq!(elf.entry, 0x40_0078);
        assert_eq!(elf.program_headers.len(), 1);
    }
}

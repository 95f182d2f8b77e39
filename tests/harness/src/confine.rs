//! The default seccomp profile of Docker, as far as it matters on x86-64: a test binary started with
//! [`FLAG`] puts it on and becomes the command that follows.
//!
//! Docker lists what is allowed; here stands what is left out, for a container without extra capabilities. Every other
//! difference (what the kernel itself denies to a container) is not imitated.
#![allow(unsafe_code, reason = "installing a filter has no wrapper")]

use nix::libc::{self, c_long, sock_filter, sock_fprog};
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

/// First argument of a test binary that shall confine a command.
pub const FLAG: &str = "--confined";

/// Calls that are denied whatever their arguments are; those that kernels of today do not have are left out.
const DENIED: [c_long; 53] = [
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_get_mempolicy,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mbind,
    libc::SYS_migrate_pages,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_set_mempolicy,
    libc::SYS_set_mempolicy_home_node,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_sysfs,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_ustat,
    libc::SYS_vhangup,
];

/// Personalities that are allowed: Linux with and without `UNAME26`, the same for 32 bits, and asking.
const PERSONALITIES: [u32; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// Flags of `clone` that make namespaces.
const NAMESPACES: u32 = 0x7e02_0000;

/// The command line of this process, if it asks for it: confines it and never returns.
pub fn exec_if_asked() {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_none_or(|word| word != FLAG) {
        return;
    }
    let command: Vec<OsString> = words.collect();
    confine();
    let error = std::process::Command::new(&command[0]).args(&command[1..]).exec();
    eprintln!("{}: {error}", command[0].display());
    std::process::exit(127);
}

/// Words that run what follows them confined.
pub fn prefix() -> [String; 2] {
    let own = std::env::current_exe().expect("a running program has a path");
    [own.display().to_string(), FLAG.into()]
}

fn confine() {
    let mut program = filter();
    let program = sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the kernel copies the filter, which is a local.
    let install = || unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    if install() == 0 {
        return;
    }
    // Only root may do so without giving up set-user-id programs.
    // SAFETY: numbers only.
    let promised = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert!(promised == 0 && install() == 0, "the filter is refused: {}", std::io::Error::last_os_error());
}

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

fn filter() -> Vec<sock_filter> {
    const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
    let denied = answer(libc::EPERM);
    let is = |number: c_long, otherwise: usize| unless(libc::BPF_JEQ, number as u32, otherwise as u8);
    // Calls of the 32-bit interface have other numbers and are let through.
    let mut all = vec![load(ARCHITECTURE), unless(libc::BPF_JEQ, AUDIT_ARCH_X86_64, 1), load(NUMBER)];
    all.extend(DENIED.iter().flat_map(|number| [is(*number, 1), denied]));
    all.extend([is(libc::SYS_clone3, 1), answer(libc::ENOSYS)]);
    // Each of these looks at an argument and ends there.
    let personalities: Vec<_> =
        PERSONALITIES.iter().flat_map(|allowed| [unless(libc::BPF_JEQ, *allowed, 1), allow()]).collect();
    all.extend([is(libc::SYS_personality, personalities.len() + 2), load(FIRST_ARGUMENT)]);
    all.extend(personalities);
    all.push(denied);
    for (number, test, value) in
        [(libc::SYS_clone, libc::BPF_JSET, NAMESPACES), (libc::SYS_socket, libc::BPF_JEQ, libc::AF_VSOCK as u32)]
    {
        all.extend([is(number, 4), load(FIRST_ARGUMENT), unless(test, value, 1), denied, allow()]);
    }
    all.push(allow());
    all
}

const fn load(offset: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

/// Skips `further` instructions unless the test holds.
const fn unless(test: u32, value: u32, further: u8) -> sock_filter {
    sock_filter { code: (libc::BPF_JMP | test | libc::BPF_K) as u16, jt: 0, jf: further, k: value }
}

const fn allow() -> sock_filter {
    sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW }
}

const fn answer(errno: i32) -> sock_filter {
    sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: libc::SECCOMP_RET_ERRNO | errno as u32 }
}

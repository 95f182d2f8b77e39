//! The table as a whole: complete, named as the kernel names, and sound where a reader would not look.

use std::path::Path;

use rcb_syscalls::{Arg, Class, Exec, Handler, LIMIT, Len, Makes, Row, Support, lookup, rows};

/// Every number that the kernel gave to a call has a row, and no other.
#[test]
fn exactly_the_kernels_numbers_have_rows() {
    for nr in 0..LIMIT + 100 {
        let expected = nr <= 334 || (424..=469).contains(&nr);
        assert_eq!(lookup(nr).is_some(), expected, "number {nr}");
        if let Some(row) = lookup(nr) {
            assert_eq!(row.nr, nr, "{} stands at the wrong place", row.name);
        }
    }
    for nr in [u32::MAX, 1 << 30, 0x4000_0000 | 0x27, 1 << 31] {
        assert!(lookup(nr).is_none(), "number {nr:#x}");
    }
    assert_eq!(rows().count(), 381);
}

/// Names are those of the headers on this machine; skipped, visibly, where there are none.
#[test]
fn names_are_the_kernels() {
    let header = Path::new("/usr/include/x86_64-linux-gnu/asm/unistd_64.h");
    let Ok(text) = std::fs::read_to_string(header) else {
        eprintln!("skipped: no kernel headers at {}", header.display());
        return;
    };
    let mut seen = 0;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("#define __NR_") else { continue };
        let mut words = rest.split_whitespace();
        let (Some(name), Some(nr)) = (words.next(), words.next().and_then(|nr| nr.parse().ok())) else { continue };
        if nr < LIMIT {
            assert_eq!(lookup(nr).map(|row| row.name), Some(name), "number {nr}");
            seen += 1;
        }
    }
    assert!(seen > 300, "only {seen} names in the header");
}

/// All rows, those of families included.
fn all() -> impl Iterator<Item = &'static Row> {
    rows().flat_map(|row| std::iter::once(row).chain(row.family.into_iter().flat_map(|family| family.rows)))
}

#[test]
fn names_are_unique() {
    let mut names: Vec<&str> = rows().map(|row| row.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|two| two[0] != two[1]));
}

/// Every request of a family is found under its key, and nothing else is.
#[test]
fn families_find_their_rows() {
    let mut families = 0;
    for family in rows().filter_map(|row| row.family) {
        families += 1;
        for row in family.rows {
            let garbage_above = 0xdead_beef_0000_0000 | u64::from(row.nr);
            assert_eq!(family.find(garbage_above).map(|found| found.name), Some(row.name));
        }
        for key in 0..0x1_0000_u32 {
            let listed = family.rows.iter().find(|row| row.nr == key & family.mask);
            assert_eq!(family.find(u64::from(key)).map(|row| row.nr), listed.map(|row| row.nr), "{key:#x}");
        }
    }
    assert_eq!(families, 8);
    let futex = lookup(202).and_then(|row| row.family).expect("futex has operations");
    assert_eq!(futex.find(0x80 | 0x100).map(|row| row.name), Some("FUTEX_WAIT"));
}

/// The request of a family is answered as the kernel answers one that it does not know.
#[test]
fn unknown_requests_have_the_kernels_errno() {
    let unknown = |nr| lookup(nr).and_then(|row| row.family).map(|family| family.unknown);
    assert_eq!([unknown(16), unknown(72), unknown(157), unknown(202)], [Some(25), Some(22), Some(22), Some(38)]);
}

/// A program may write to the outside only through rows of class output (or what the agent handles by itself).
#[test]
fn writing_calls_are_outputs() {
    for name in [
        "write",
        "pwrite64",
        "writev",
        "pwritev",
        "pwritev2",
        "sendto",
        "sendmsg",
        "sendmmsg",
        "unlink",
        "unlinkat",
        "rename",
        "renameat",
        "renameat2",
        "mkdir",
        "rmdir",
        "link",
        "symlink",
        "chmod",
        "fchmod",
        "chown",
        "truncate",
        "ftruncate",
        "fallocate",
        "connect",
        "bind",
        "listen",
        "setsockopt",
        "shutdown",
        "splice",
        "sendfile",
        "copy_file_range",
        "fsync",
        "mknod",
        "setxattr",
        "utimensat",
        "msgsnd",
        "semop",
        "mount",
        "sethostname",
    ] {
        let row = rows().find(|row| row.name == name).expect(name);
        assert_eq!((row.exec, row.class), (Exec::Once, Class::Output), "{name}");
    }
}

/// What would write into guest memory at any time, or make a second thread of control, is not performed.
#[test]
fn uncontrollable_calls_are_not_performed() {
    for name in [
        "io_uring_setup",
        "io_uring_enter",
        "io_setup",
        "userfaultfd",
        "ptrace",
        "process_vm_writev",
        "bpf",
        "rseq",
        "perf_event_open",
        "seccomp",
        "shmat",
        "vmsplice",
        "iopl",
        "init_module",
    ] {
        let row = rows().find(|row| row.name == name).expect(name);
        assert!(matches!(row.exec, Exec::Refused(_) | Exec::Absent(_)), "{name}");
        assert!(matches!(row.support, Support::None(_)), "{name}");
    }
}

/// Probes that every C program makes at its start must not warn.
#[test]
fn routine_probes_are_silent() {
    for name in ["rseq", "landlock_create_ruleset"] {
        let row = rows().find(|row| row.name == name).expect(name);
        assert!(matches!(row.exec, Exec::Absent(_)), "{name}");
    }
    let arch = lookup(158).and_then(|row| row.family).expect("arch_prctl has options");
    assert_eq!(arch.find(0x3001).map(|row| row.exec), Some(Exec::Absent(22)));
}

/// All ways to make a process lead to one place, which refuses threads.
#[test]
fn processes_are_made_in_one_place() {
    for nr in [56, 57, 58, 435] {
        let exec = lookup(nr).map(|row| row.exec);
        assert_eq!(exec, Some(Exec::Handled(Handler::Fork)), "{nr}");
    }
}

/// The calls that make descriptors say so with the right bit.
#[test]
fn descriptors_are_declared() {
    let makers = all().filter(|row| row.makes != Makes::Nothing).count();
    let expected = [
        "open",
        "creat",
        "openat",
        "openat2",
        "pipe",
        "pipe2",
        "dup",
        "dup2",
        "dup3",
        "socket",
        "socketpair",
        "accept",
        "accept4",
        "recvmsg",
        "recvmmsg",
        "epoll_create",
        "epoll_create1",
        "eventfd",
        "eventfd2",
        "timerfd_create",
        "inotify_init",
        "inotify_init1",
        "memfd_create",
        "pidfd_open",
        "mq_open",
        "signalfd",
        "signalfd4",
        "F_DUPFD",
        "F_DUPFD_CLOEXEC",
        "TIOCGPTPEER",
        "NS_GET_USERNS",
        "NS_GET_PARENT",
    ];
    for name in expected {
        assert!(all().any(|row| row.name == name && row.makes != Makes::Nothing), "{name}");
    }
    assert_eq!(makers, expected.len());
}

/// Sizes of structures that the C library of this machine can confirm through `size_of` of equal layouts.
#[test]
fn sizes_are_the_kernels() {
    let out = |name: &str, at: usize| match rows().find(|row| row.name == name).expect(name).args[at] {
        Arg::Out(Len::Bytes(bytes)) | Arg::In(Len::Bytes(bytes)) | Arg::InOut(Len::Bytes(bytes)) => usize::from(bytes),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(out("stat", 1), size_of::<libc::stat>());
    assert_eq!(out("statx", 4), size_of::<libc::statx>());
    assert_eq!(out("statfs", 1), size_of::<libc::statfs>());
    assert_eq!(out("uname", 0), size_of::<libc::utsname>());
    assert_eq!(out("sysinfo", 0), size_of::<libc::sysinfo>());
    assert_eq!(out("getrusage", 1), size_of::<libc::rusage>());
    assert_eq!(out("times", 0), size_of::<libc::tms>());
    assert_eq!(out("adjtimex", 0), size_of::<libc::timex>());
    assert_eq!(out("getrlimit", 1), size_of::<libc::rlimit>());
    assert_eq!(out("rt_sigqueueinfo", 2), size_of::<libc::siginfo_t>());
    assert_eq!(out("sigaltstack", 0), size_of::<libc::stack_t>());
    assert_eq!(out("mq_getsetattr", 1), size_of::<libc::mq_attr>());
    assert_eq!(out("timerfd_settime", 2), size_of::<libc::itimerspec>());
    assert_eq!(out("clock_gettime", 1), size_of::<libc::timespec>());
    let sub = |nr: u32, name: &str| {
        let family = lookup(nr).and_then(|row| row.family).expect("a family");
        let row = family.rows.iter().find(|row| row.name == name).expect(name);
        match row.args.last() {
            Some(Arg::Out(Len::Bytes(bytes)) | Arg::In(Len::Bytes(bytes)) | Arg::InOut(Len::Bytes(bytes))) => {
                usize::from(*bytes)
            }
            other => panic!("{name}: {other:?}"),
        }
    };
    assert_eq!(sub(233, "EPOLL_CTL_ADD"), size_of::<libc::epoll_event>());
    assert_eq!(sub(72, "F_GETLK"), size_of::<libc::flock>());
    assert_eq!(sub(66, "IPC_STAT"), size_of::<libc::semid_ds>());
    assert_eq!(sub(71, "IPC_STAT"), size_of::<libc::msqid_ds>());
    assert_eq!(sub(16, "TCGETS2"), size_of::<libc::termios2>());
    assert_eq!(sub(16, "TIOCGWINSZ"), size_of::<libc::winsize>());
    assert_eq!(sub(16, "SIOCGIFADDR"), size_of::<libc::ifreq>());
}

/// Request numbers that the C library of this machine knows.
#[test]
fn request_numbers_are_the_kernels() {
    let key = |nr: u32, name: &str| {
        let family = lookup(nr).and_then(|row| row.family).expect("a family");
        family.rows.iter().find(|row| row.name == name).map(|row| row.nr)
    };
    macro_rules! same {
        ($nr:literal: $($name:ident)*) => {
            $(assert_eq!(key($nr, stringify!($name)), Some(libc::$name as u32), stringify!($name));)*
        };
    }
    same!(16: TCGETS TCSETS TCSETSW TCSETSF TCSBRK TCFLSH TIOCGPGRP TIOCSPGRP TIOCGWINSZ TIOCSWINSZ TIOCOUTQ
        FIONREAD FIONBIO FIOCLEX FIONCLEX TCGETS2 TCSETS2 TIOCGPTN TIOCSPTLCK TIOCGPTPEER TIOCGSID TIOCEXCL
        BLKSSZGET BLKPBSZGET FS_IOC_GETFLAGS FS_IOC_SETFLAGS FS_IOC_GETVERSION FICLONE FICLONERANGE
        SIOCGIFCONF SIOCGIFADDR SIOCGIFINDEX SIOCGIFHWADDR SIOCGIFMTU SIOCETHTOOL);
    same!(72: F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK F_SETLKW F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW
        F_DUPFD_CLOEXEC F_SETPIPE_SZ F_GETPIPE_SZ F_ADD_SEALS F_GET_SEALS F_SETLEASE F_GETLEASE F_NOTIFY);
    same!(157: PR_SET_PDEATHSIG PR_GET_DUMPABLE PR_SET_DUMPABLE PR_SET_NAME PR_GET_NAME PR_SET_SECCOMP PR_CAPBSET_READ
        PR_SET_TSC PR_GET_TSC PR_SET_MM PR_SET_CHILD_SUBREAPER PR_SET_NO_NEW_PRIVS PR_SET_THP_DISABLE PR_CAP_AMBIENT
        PR_SET_TIMERSLACK PR_SET_VMA PR_SET_PTRACER PR_SET_MDWE);
    same!(66: IPC_RMID IPC_SET IPC_STAT GETPID GETVAL GETALL GETNCNT GETZCNT SETVAL SETALL);
}

/// Every handler has at least one row, so that none is written for nothing.
#[test]
fn handlers_have_rows() {
    use Handler::{
        Affinity, ArchPrctl, Brk, Close, CloseRange, Dup, Execve, Execveat, Exit, Futex, Identity, Kill, Madvise, Mmap,
        Mprotect, Mremap, Munmap, Open, Personality, Prctl, ProcPath, Read, Rlimit, SetTidAddress, SigAction,
        SigAltStack, SigPending, SigProcMask, SigReturn, Wait, WallTime,
    };
    for handler in [
        Affinity,
        ArchPrctl,
        Brk,
        Close,
        CloseRange,
        Dup,
        Execve,
        Execveat,
        Exit,
        Futex,
        Identity,
        Kill,
        Madvise,
        Mmap,
        Mprotect,
        Mremap,
        Munmap,
        Open,
        Personality,
        Prctl,
        ProcPath,
        Read,
        Rlimit,
        SetTidAddress,
        SigAction,
        SigAltStack,
        SigPending,
        SigProcMask,
        SigReturn,
        Wait,
        WallTime,
    ] {
        assert!(all().any(|row| row.exec == Exec::Handled(handler)), "{handler:?}");
    }
}

//! The text made from the rows: complete, and calls as a person reads them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rcb_syscalls::render::{errno_name, format_call, json, markdown, signal_name};
use rcb_syscalls::{LIMIT, rows};

/// Memory of a guest: bytes at addresses, everything else unmapped.
#[derive(Default)]
struct Memory(BTreeMap<u64, u8>);

impl Memory {
    fn with(mut self, at: u64, bytes: &[u8]) -> Self {
        self.0.extend((at..).zip(bytes.iter().copied()));
        self
    }

    fn fetch(&self, at: u64, len: usize) -> Option<Vec<u8>> {
        (at..at + len as u64).map(|at| self.0.get(&at).copied()).collect()
    }

    fn format(&self, nr: u32, args: [u64; 6], result: Option<i64>) -> String {
        format_call(nr, args, result, &|at, len| self.fetch(at, len))
    }
}

/// A page with a string at its start.
fn page(text: &str) -> Vec<u8> {
    let mut page = text.as_bytes().to_vec();
    page.resize(4096, 0);
    page
}

const AT_FDCWD: u64 = -100_i32 as u32 as u64;

#[test]
fn a_path_flags_and_a_descriptor() {
    let memory = Memory::default().with(0x1000, &page("/etc/passwd"));
    let line = memory.format(257, [AT_FDCWD, 0x1000, 0x80000, 0, 9, 9], Some(3));
    assert_eq!(line, "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC, 0) = 3");
}

#[test]
fn an_error_by_name() {
    let memory = Memory::default().with(0x1000, &page("x"));
    assert_eq!(memory.format(87, [0x1000, 0, 0, 0, 0, 0], Some(-2)), "unlink(\"x\") = -1 ENOENT");
}

#[test]
fn a_long_buffer_is_shortened_and_escaped() {
    let memory = Memory::default().with(0x1000, b"ab\n\"\\\x01").with(0x1006, &[b'z'; 94]);
    let line = memory.format(1, [1, 0x1000, 100, 0, 0, 0], None);
    assert_eq!(line, format!("write(1, \"ab\\n\\\"\\\\\\x01{}\"..., 100)", "z".repeat(26)));
}

#[test]
fn a_buffer_read_is_shown_after_success_only() {
    let memory = Memory::default().with(0x1000, b"hello");
    assert_eq!(memory.format(0, [0, 0x1000, 512, 0, 0, 0], Some(5)), "read(0, \"hello\", 512) = 5");
    assert_eq!(memory.format(0, [0, 0x1000, 512, 0, 0, 0], None), "read(0, 0x1000, 512)");
    assert_eq!(memory.format(0, [0, 0x1000, 512, 0, 0, 0], Some(-4)), "read(0, 0x1000, 512) = -1 EINTR");
}

#[test]
fn requests_of_families_by_name() {
    let memory = Memory::default();
    assert_eq!(memory.format(16, [1, 0x5413, 0x9000, 0, 0, 0], Some(-25)), "ioctl(1, TIOCGWINSZ, 0x9000) = -1 ENOTTY");
    assert_eq!(memory.format(72, [3, 1030, 10, 0, 0, 0], Some(10)), "fcntl(3, F_DUPFD_CLOEXEC, 10) = 10");
    assert_eq!(
        memory.format(202, [0x7000, 129, 1, 7, 7, 7], Some(0)),
        "futex(0x7000, FUTEX_WAKE|FUTEX_PRIVATE_FLAG, 1) = 0"
    );
    assert_eq!(memory.format(16, [1, 0xdead_beef, 5, 0, 0, 0], None), "ioctl(1, 3735928559, 0x5)");
}

#[test]
fn vectors_show_their_bytes() {
    let mut iovecs = Vec::new();
    for word in [0x2000_u64, 3, 0x3000, 4] {
        iovecs.extend_from_slice(&word.to_le_bytes());
    }
    let memory = Memory::default().with(0x1000, &iovecs).with(0x2000, b"abc").with(0x3000, b"defg");
    assert_eq!(memory.format(20, [1, 0x1000, 2, 0, 0, 0], Some(7)), "writev(1, [{\"abc\", 3}, {\"defg\", 4}], 2) = 7");
    assert_eq!(memory.format(19, [1, 0x1000, 2, 0, 0, 0], Some(5)), "readv(1, [{\"abc\", 3}, {\"de\", 4}], 2) = 5");
}

#[test]
fn memory_calls_and_signal_sets() {
    let memory = Memory::default().with(0x1000, &(1_u64 << 1 | 1 << 16 | 1 << 33).to_le_bytes());
    assert_eq!(
        memory.format(9, [0, 4096, 3, 0x22, u64::MAX, 0], Some(0x7fff_f7d0_0000)),
        "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7d00000"
    );
    assert_eq!(memory.format(271, [0, 0, 0, 0x1000, 8, 0], None), "ppoll(NULL, 0, NULL, [SIGINT SIGCHLD SIGRT_2], 8)");
}

#[test]
fn arguments_of_a_new_program() {
    let mut argv = Vec::new();
    for word in [0x2000_u64, 0x3000, 0] {
        argv.extend_from_slice(&word.to_le_bytes());
    }
    let memory = Memory::default().with(0x1000, &argv).with(0x2000, &page("ls")).with(0x3000, &page("-l"));
    assert_eq!(memory.format(59, [0x2000, 0x1000, 0, 0, 0, 0], None), "execve(\"ls\", [\"ls\", \"-l\"], NULL)");
}

#[test]
fn numbers_without_a_call() {
    assert_eq!(
        Memory::default().format(400, [1, 2, 0, 0, 0, 16], Some(-38)),
        "syscall_400(0x1, 0x2, 0x0, 0x0, 0x0, 0x10) = -1 ENOSYS"
    );
}

#[test]
fn names_of_errors_and_signals() {
    assert_eq!(errno_name(38), Some("ENOSYS"));
    assert_eq!(errno_name(41), None);
    assert_eq!(errno_name(0), None);
    assert_eq!(signal_name(11), "SIGSEGV");
    assert_eq!(signal_name(32), "SIGRT_0");
    assert_eq!(signal_name(65), "65");
}

#[test]
fn the_page_has_a_line_for_every_row() {
    let page = markdown::page();
    for row in rows() {
        assert!(page.contains(&format!("| {} | `{}` |", row.nr, row.name)), "{}", row.name);
        for sub in row.family.iter().flat_map(|family| family.rows) {
            assert!(page.contains(&format!("| {:#x} | `{}` |", sub.nr, sub.name)), "{}", sub.name);
        }
    }
    let columns: Vec<usize> = page
        .lines()
        .filter(|line| line.contains(" | `"))
        .map(|line| line.replace("\\|", "").matches('|').count())
        .collect();
    assert!(columns.iter().all(|&bars| bars == 11), "a cell breaks the table");
}

#[test]
fn the_counts_on_the_page_add_up() {
    let page = markdown::page();
    let count = |level: &str| -> usize {
        let line = page.lines().find(|line| line.starts_with(&format!("| {level} |"))).expect("a line of counts");
        line.split('|').nth(2).expect("a count").trim().parse().expect("a number")
    };
    let parts = ["full", "partial", "none, with a warning", "none, in silence"].map(count);
    assert_eq!(parts.iter().sum::<usize>(), count("all"));
    assert_eq!(count("all"), rows().count());
}

#[test]
fn json_has_every_row() {
    let value = json::value();
    let calls = value["calls"].as_array().expect("an array");
    assert_eq!(calls.len(), rows().count());
    for (call, row) in calls.iter().zip(rows()) {
        assert_eq!(call["nr"], row.nr);
        assert_eq!(call["name"], row.name);
        assert_eq!(call["args"].as_array().map(Vec::len), Some(row.args.len()));
        let sub_rows = row.family.map_or(0, |family| family.rows.len());
        assert_eq!(call["family"]["rows"].as_array().map_or(0, Vec::len), sub_rows);
    }
    let write = &calls[1];
    assert_eq!(write["args"][1], serde_json::json!({ "kind": "in", "length": "a2" }));
    assert_eq!((&write["class"], &write["blocks"]), (&"output".into(), &true.into()));
}

proptest! {
    /// Garbage in registers and memory makes garbage text, but always text with the name of the call.
    #[test]
    fn any_call_can_be_shown(
        nr in 0..LIMIT + 10,
        args in any::<[u64; 6]>(),
        small in any::<[bool; 6]>(),
        result in proptest::option::of(any::<i64>()),
        byte in any::<u8>(),
        mapped in any::<bool>(),
    ) {
        let mut args = args;
        for (arg, small) in args.iter_mut().zip(small) {
            if small {
                *arg %= 64;
            }
        }
        let line = format_call(nr, args, result, &|_, len| {
            assert!(len <= 4096, "at most a page is asked for at once");
            mapped.then(|| vec![byte; len])
        });
        let name = rcb_syscalls::lookup(nr).map_or_else(|| format!("syscall_{nr}"), |row| row.name.to_string());
        prop_assert!(line.starts_with(&format!("{name}(")), "{line}");
        // Five paths of 4096 bytes, each byte shown as four characters, and what stands between them.
        prop_assert!(line.len() < 5 * 4 * 4096 + 1024, "{} bytes", line.len());
    }
}

//! Reads what `strace` wrote (with or without `-f`, `-t`, `-r`, `-T`, to a file or to a terminal).
//!
//! ```text
//!  1234  openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3
//!  [pid  1234] 12:00:01.002 futex(0x7ffc, FUTEX_WAIT_PRIVATE, 1, NULL <unfinished ...>
//!  1234  <... futex resumed>) = 0
//!  1234  --- SIGCHLD {si_signo=SIGCHLD, ...} ---
//!  1234  +++ exited with 0 +++
//! ```
//!
//! A call counts where it starts, so resumed lines do not. Lines that are none of these are counted as not
//! understood: a file that is no output of `strace` at all must not look like a program without calls.

use super::{Call, Observed};
use rcb_syscalls::{Family, Row, rows};
use std::collections::HashMap;

/// What was read.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The calls.
    pub observed: Observed,
    /// Number (from 1) and text of the first line that is not understood.
    pub strange: Option<(usize, String)>,
}

/// Reads a whole output.
pub fn parse(text: &str) -> Parsed {
    let by_name: HashMap<&str, &'static Row> = rows().map(|row| (row.name, row)).collect();
    let mut parsed = Parsed::default();
    for (number, line) in text.lines().enumerate() {
        let body = without_prefix(line);
        if body.is_empty() || ["<...", "---", "+++", "strace:"].iter().any(|start| body.starts_with(start)) {
            continue;
        }
        match call(body) {
            Some((name, args)) => count(&mut parsed.observed, &by_name, name, args),
            None if parsed.strange.is_none() => parsed.strange = Some((number + 1, line.to_string())),
            None => {}
        }
    }
    parsed
}

/// Cuts process id and times off the front of a line.
fn without_prefix(line: &str) -> &str {
    let mut rest = line.trim();
    if let Some(("[pid", behind)) = rest.split_once(' ') {
        rest = behind.split_once(']').map_or(rest, |(_, behind)| behind.trim_start());
    }
    // Neither a process id nor a time starts a call, and all of them start with a digit.
    while rest.starts_with(|first: char| first.is_ascii_digit()) {
        let Some((word, behind)) = rest.split_once(' ') else { break };
        if !word.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, ':' | '.' | '-' | 'T' | '+')) {
            break;
        }
        rest = behind.trim_start();
    }
    rest
}

/// Name and arguments (which may be cut off) of a line that starts a call.
fn call(body: &str) -> Option<(&str, &str)> {
    let (name, args) = body.split_once('(')?;
    let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_name.then_some((name, args))
}

fn count(observed: &mut Observed, by_name: &HashMap<&str, &'static Row>, name: &str, args: &str) {
    let makes_thread = args.contains("CLONE_THREAD");
    match name {
        "clone" | "clone3" if makes_thread => observed.threads += 1,
        "clone" | "clone3" | "fork" | "vfork" => observed.processes += 1,
        _ => {}
    }
    let Some(row) = by_name.get(name) else {
        // `syscall_0x1d7`: a call newer than this strace.
        let number = name.strip_prefix("syscall_0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        observed.count(number.map_or_else(|| Call::Unknown(name.into()), |nr| Call::Number { nr, key: None }));
        return;
    };
    let nr = row.nr;
    let Some(family) = row.family else { return observed.count(Call::Number { nr, key: None }) };
    let request = arguments(args).nth(usize::from(family.select)).unwrap_or_default();
    observed.count(match key(family, request) {
        Some(key) => Call::Number { nr, key: Some(key) },
        None => Call::Request { nr, name: request.into() },
    });
}

/// The key of a request that is printed by name or number.
fn key(family: &Family, request: &str) -> Option<u32> {
    for name in request.split(" or ") {
        let base = name.split('|').next().unwrap_or(name).trim();
        let plain = base.strip_suffix("_PRIVATE").unwrap_or(base);
        if let Some(row) = family.rows.iter().find(|row| row.name == base || row.name == plain) {
            return Some(row.nr);
        }
    }
    let number = request.split([' ', '|']).next()?;
    match number.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => number.parse().ok(),
    }
}

/// Splits arguments at commas outside strings and brackets, up to the closing parenthesis or the end of the line.
fn arguments(args: &str) -> impl Iterator<Item = &str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_i32, false, false);
    for (at, letter) in args.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => {
                parts.push(&args[start..at]);
                start = args.len();
                break;
            }
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&args[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < args.len() {
        parts.push(args[start..].trim_end_matches("<unfinished ...>"));
    }
    parts.into_iter().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = r#"
812   execve("/bin/sh", ["sh", "-c", "a, b)"], 0x7ffd /* 3 vars */) = 0
812   12:00:01.000200 openat(AT_FDCWD, "/x", O_RDONLY|O_CLOEXEC) = 3 <0.000012>
[pid   813] fcntl(3, F_SETFD, FD_CLOEXEC <unfinished ...>
812   <... fcntl resumed>) = 0
812   ioctl(1, TCGETS, {c_iflag=ICRNL|IXON, ...}) = 0
812   ioctl(1, _IOC(_IOC_READ, 0x12, 0x34, 0x4), 0x7ffd) = -1 ENOTTY (Inappropriate ioctl for device)
812   futex(0x7f00, FUTEX_WAKE_PRIVATE, 1) = 0
812   futex(0x7f00, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 0, NULL, FUTEX_BITSET_MATCH_ANY) = 0
812   clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 813
812   clone3({flags=CLONE_VM|CLONE_THREAD, child_tid=0x7f, ...}, 88) = 814
812   write(1, "\", (", 4) = 4
812   syscall_0x1d0(0, 0) = -1 ENOSYS (Function not implemented)
812   --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---
812   +++ exited with 0 +++
"#;

    fn named(name: &str) -> &'static Row {
        rows().find(|row| row.name == name).unwrap()
    }

    fn request(call: &str, name: &str) -> Call {
        let row = named(call);
        let key = row.family.unwrap().rows.iter().find(|row| row.name == name).unwrap().nr;
        Call::Number { nr: row.nr, key: Some(key) }
    }

    #[test]
    fn all_forms_of_lines() {
        let parsed = parse(OUTPUT);
        assert_eq!(parsed.strange, None);
        let observed = parsed.observed;
        assert_eq!(observed.total(), 11, "{observed:#?}");
        for name in ["execve", "openat", "write", "clone", "clone3"] {
            assert_eq!(observed.calls.get(&Call::Number { nr: named(name).nr, key: None }), Some(&1), "{name}");
        }
        for (call, name) in
            [("fcntl", "F_SETFD"), ("ioctl", "TCGETS"), ("futex", "FUTEX_WAKE"), ("futex", "FUTEX_WAIT_BITSET")]
        {
            assert_eq!(observed.calls.get(&request(call, name)), Some(&1), "{call} {name}");
        }
        let odd = Call::Request { nr: named("ioctl").nr, name: "_IOC(_IOC_READ, 0x12, 0x34, 0x4)".into() };
        assert_eq!(observed.calls.get(&odd), Some(&1));
        assert_eq!(observed.calls.get(&Call::Number { nr: 0x1d0, key: None }), Some(&1));
        assert_eq!((observed.threads, observed.processes), (1, 1));
    }

    #[test]
    fn numbers_and_alternatives_name_requests() {
        let family = named("ioctl").family.unwrap();
        assert_eq!(key(family, "0x5401"), Some(0x5401));
        assert_eq!(key(family, "0xdeadbeef /* X_??? */"), Some(0xdead_beef));
        assert_eq!(key(family, "SNDCTL_TMR_TIMEBASE or TCGETS"), Some(0x5401));
        assert_eq!(key(family, "NO_SUCH_REQUEST"), None);
    }

    #[test]
    fn other_text_is_told() {
        assert_eq!(parse("hello\nworld\n").strange, Some((1, "hello".into())));
        assert_eq!(parse("").strange, None);
    }

    #[test]
    fn arguments_are_split_outside_strings_and_brackets() {
        let split = |text| arguments(text).collect::<Vec<_>>();
        assert_eq!(
            split(r#"1, "a\", b", {x=[1, 2], y}, f(2, 3)) = 0"#),
            ["1", r#""a\", b""#, "{x=[1, 2], y}", "f(2, 3)"]
        );
        assert_eq!(split("3, F_GETFD <unfinished ...>"), ["3", "F_GETFD"]);
    }
}

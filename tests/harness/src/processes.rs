//! A look at the processes of the machine, through `/proc`.

use std::fs;

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// State letter; `Z` is a process that has ended and is not yet waited for.
    pub state: char,
    /// Parent.
    pub parent: i32,
    /// Process group.
    pub group: i32,
}

/// All processes that can be seen.
pub fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(look).collect()
}

/// One process, if it exists.
pub fn look(pid: i32) -> Option<Process> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name stands in parentheses and may itself hold any of them.
    let rest = &text[text.rfind(')')? + 1..];
    let mut words = rest.split_whitespace();
    let state = words.next()?.chars().next()?;
    let parent = words.next()?.parse().ok()?;
    let group = words.next()?.parse().ok()?;
    Some(Process { pid, state, parent, group })
}

/// Live members of a process group.
pub fn alive_in_group(group: i32) -> Vec<i32> {
    all().into_iter().filter(|p| p.group == group && p.state != 'Z').map(|p| p.pid).collect()
}

/// Live children of a process.
pub fn children_of(parent: i32) -> Vec<i32> {
    let mut found: Vec<i32> =
        all().into_iter().filter(|p| p.parent == parent && p.state != 'Z').map(|p| p.pid).collect();
    found.sort_unstable();
    found
}

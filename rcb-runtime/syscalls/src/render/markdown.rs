//! The page of all system calls.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::words;
use crate::spec::{Exec, Family, Row, Support};
use crate::table::{GAP, LIMIT, rows};

const HEAD: &str = "\
# System calls

Made from the rows of `rcb-syscalls` by `rcb syscalls --markdown`; do not edit.

Every x86-64 Linux call has a row. A call that is not performed answers with the errno given, and one warning names it
(none where programs ask as a matter of course). Numbers and requests without a row are never passed through.

| column | meaning |
|---|---|
| nr, name | as in the kernel's `unistd_64.h`; in families the request |
| arguments | kinds in order. **The value of every argument is compared** between the replicas |
| performed by | *each replica* for itself, the *leader* once, a *handler* of the agent, or *nobody* |
| class | *local*: nothing outside changes. *pure input*: reads, the leader may run ahead. *consuming input*: takes away, \
*output*: visible outside: all have agreed first. *descriptor*: makes one, the others mirror it |
| compared | memory compared besides the arguments: `a1[a2]` is the memory behind argument 1 (counted from 0), as long as \
argument 2 says |
| delivered | memory that every replica gets besides the result `R` |
| blocks | may wait without bound |
| makes | descriptors made |
| support | full, or partial or none with what is missing or why |

";

const COLUMNS: &str = "\
| nr | name | arguments | performed by | class | compared | delivered | blocks | makes | support |
|---:|---|---|---|---|---|---|---|---|---|
";

/// The whole page.
pub fn page() -> String {
    let mut page = String::from(HEAD);
    page.push_str(&counts());
    page.push_str("\n## Calls\n\n");
    page.push_str(COLUMNS);
    for row in rows() {
        page.push_str(&line(row, &format!("{}", row.nr)));
    }
    for (row, family) in rows().filter_map(|row| Some((row, row.family?))) {
        page.push_str(&section(row, family));
    }
    page
}

/// How many calls are supported how far.
fn counts() -> String {
    let all: Vec<&Row> = rows().collect();
    let count = |wanted: fn(&Row) -> bool| all.iter().filter(|row| wanted(row)).count();
    let mut text = String::from("## Counts\n\n| support | calls |\n|---|---:|\n");
    let lines: [(&str, usize); 5] = [
        ("full", count(|row| matches!(row.support, Support::Full))),
        ("partial", count(|row| matches!(row.support, Support::Partial(_)))),
        ("none, with a warning", count(|row| matches!(row.exec, Exec::Refused(_)))),
        ("none, in silence", count(|row| matches!(row.exec, Exec::Absent(_)))),
        ("all", all.len()),
    ];
    let lines = lines.map(|(level, calls)| format!("| {level} | {calls} |\n")).concat();
    let gap =
        format!("\nNumbers {} to {} and those from {LIMIT} on belong to no call: ENOSYS.\n", GAP.start, GAP.end - 1);
    text.push_str(&lines);
    text.push_str(&gap);
    text
}

fn section(row: &Row, family: &Family) -> String {
    let mut text = format!(
        "\n## {}\n\nSelected by argument {}{}; any other request: {}.\n\n",
        row.name,
        family.select,
        if family.mask == u32::MAX { String::new() } else { format!(" under the mask {:#x}", family.mask) },
        words::errno(family.unknown),
    );
    text.push_str(COLUMNS);
    for sub in family.rows {
        text.push_str(&line(sub, &format!("{:#x}", sub.nr)));
    }
    text
}

fn line(row: &Row, key: &str) -> String {
    let performed = words::is_performed(row);
    let if_performed = |text: String| if performed { text } else { String::new() };
    let (level, sentence) = words::support(row.support);
    let support = if sentence.is_empty() { String::from(level) } else { format!("{level}: {sentence}") };
    let columns = [
        String::from(key),
        format!("`{}`", row.name),
        words::arguments(row),
        words::performer(row),
        if_performed(words::class(row.class).into()),
        if_performed(words::compared(row)),
        if_performed(words::delivered(row)),
        String::from(if row.blocks { "yes" } else { "" }),
        words::makes(row),
        support,
    ];
    let cells: Vec<String> = columns.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

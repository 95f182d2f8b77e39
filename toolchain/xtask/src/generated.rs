//! Parts of documents that are generated: they must be what the generator says now.

use crate::Finding;
use crate::lines;
use crate::tree::Tree;

/// Compares the generated parts of the documents with what would be generated.
pub fn check(tree: &Tree, core: &[(String, String)]) -> Vec<Finding> {
    let table = lines::table(&lines::count(tree, core));
    let lines = check_lines(tree.get("ARCHITECTURE.md"), &table);
    let page = check_page(tree.get("SYSCALLS.md"), &rcb_syscalls::render::markdown::page());
    lines.into_iter().chain(page).collect()
}

fn check_page(found: Option<&str>, generated: &str) -> Option<Finding> {
    let place = "SYSCALLS.md";
    match found {
        None => Some(Finding::error(place, "is missing: run `make docs`")),
        Some(found) if found.trim_end() != generated.trim_end() => {
            Some(Finding::error(place, "does not show the rows as they are: run `make docs`"))
        }
        Some(_) => None,
    }
}

fn check_lines(document: Option<&str>, table: &str) -> Option<Finding> {
    let place = "ARCHITECTURE.md";
    // Its absence is a finding of the top level.
    let document = document?;
    let Some(found) = between(document, lines::START, lines::END) else {
        return Some(Finding::error(place, format!("has no part between {} and {}", lines::START, lines::END)));
    };
    (found.trim() != table.trim())
        .then(|| Finding::error(place, "has an outdated table of line counts: run `cargo run -p xtask -- docs`"))
}

/// What stands between two markers.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(part, _)| part)
}

/// The document with the part between two markers replaced; `None` when it has no such part.
pub fn replaced(text: &str, start: &str, end: &str, part: &str) -> Option<String> {
    let (before, rest) = text.split_once(start)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{start}\n{}\n{end}{after}", part.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outdated_table_is_found_and_replacing_cures_it() {
        let old = format!("# A\n{}\nold\n{}\nrest\n", lines::START, lines::END);
        assert!(check_lines(Some(&old), "new\n").is_some());
        let new = replaced(&old, lines::START, lines::END, "new\n").unwrap();
        assert_eq!(check_lines(Some(&new), "new\n"), None);
        assert!(new.starts_with("# A\n") && new.ends_with("\nrest\n"));
    }

    #[test]
    fn an_outdated_or_missing_page_is_found() {
        assert_eq!(check_page(Some("# Calls\n"), "# Calls"), None);
        assert!(check_page(Some("# Calls\n"), "# Calls\n| read |\n").is_some());
        assert!(check_page(None, "").is_some());
    }

    #[test]
    fn missing_markers_are_found() {
        assert!(check_lines(Some("# A\n"), "new\n").is_some());
        assert_eq!(replaced("# A\n", lines::START, lines::END, "new"), None);
    }
}

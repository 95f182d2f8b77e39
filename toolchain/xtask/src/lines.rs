//! How large the Reliable Computing Base is: lines of code per core crate.
//!
//! Counted is what a wrong byte could come from: no blank lines, no comments, no tests, nothing that is compiled only
//! with a feature the agent does not enable (`render`). Rows of the system-call tables are counted apart: they are data.

use crate::scrub;
use crate::sizes::ROWS;
use crate::tree::Tree;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Markers between which the table stands in ARCHITECTURE.md.
pub const START: &str = "<!-- rcb-lines:start -->";
/// See [`START`].
pub const END: &str = "<!-- rcb-lines:end -->";

/// Conditions under which a module is not part of the base.
const NOT_COUNTED: [&str; 2] = ["#[cfg(test)]", "#[cfg(feature = \"render\")]"];

/// Lines of one crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Name of the crate.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// Source files counted.
    pub files: usize,
    /// Lines of code outside [`ROWS`].
    pub code: usize,
    /// Lines of code in [`ROWS`].
    pub rows: usize,
}

/// Counts every crate given by name and folder.
pub fn count(tree: &Tree, crates: &[(String, String)]) -> Vec<Count> {
    crates.iter().map(|(name, folder)| count_crate(tree, name, folder)).collect()
}

fn count_crate(tree: &Tree, name: &str, folder: &str) -> Count {
    let source = format!("{folder}/src/");
    let files: Vec<_> = tree.rust().filter_map(|(path, text)| Some((path.strip_prefix(&source)?, text))).collect();
    let skipped: BTreeSet<String> = files.iter().flat_map(|(path, text)| skipped_modules(path, text)).collect();
    let mut count = Count { name: name.to_owned(), folder: folder.to_owned(), ..Count::default() };
    for (path, text) in files {
        let module = path.trim_end_matches(".rs");
        if skipped.iter().any(|skip| module == skip || module.starts_with(&format!("{skip}/"))) {
            continue;
        }
        count.files += 1;
        let lines = code_lines(text);
        if ROWS.iter().any(|folder| path.starts_with(folder)) {
            count.rows += lines;
        } else {
            count.code += lines;
        }
    }
    count
}

/// Modules in files of their own that `text` declares under one of [`NOT_COUNTED`], as paths without `.rs`.
fn skipped_modules(path: &str, text: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let below = if matches!(stem, "lib" | "main") { String::new() } else { format!("{stem}/") };
    let clean = scrub::without_comments(text);
    let lines: Vec<_> = clean.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let pairs = lines.windows(2).filter(|pair| NOT_COUNTED.contains(&pair[0]));
    pairs
        .filter_map(|pair| pair[1].strip_suffix(';')?.rsplit_once("mod ").map(|(_, name)| format!("{below}{name}")))
        .collect()
}

/// Lines of code: not blank, not comment, not in an item under one of [`NOT_COUNTED`].
fn code_lines(text: &str) -> usize {
    let shape = scrub::code(text);
    let shown = scrub::without_comments(text);
    let mut counted = 0;
    let mut lines = shape.lines().zip(shown.lines());
    while let Some((_, line)) = lines.next() {
        if NOT_COUNTED.contains(&line.trim()) {
            skip_item(&mut lines);
        } else if !line.trim().is_empty() {
            counted += 1;
        }
    }
    counted
}

/// Goes past the item that follows an attribute: to the brace that closes it, or to the semicolon before any.
fn skip_item<'a>(lines: &mut impl Iterator<Item = (&'a str, &'a str)>) {
    let mut depth = 0_usize;
    for (shape, _) in lines {
        for byte in shape.bytes() {
            match byte {
                b'{' => depth += 1,
                b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                b';' if depth == 0 => return,
                _ => {}
            }
        }
    }
}

/// The table for the documents.
pub fn table(counts: &[Count]) -> String {
    let mut text =
        String::from("| crate | folder | files | lines of code | rows of data |\n|---|---|---:|---:|---:|\n");
    for count in counts {
        _ = writeln!(text, "| {} | {} | {} | {} | {} |", count.name, count.folder, count.files, count.code, count.rows);
    }
    let sum = |field: fn(&Count) -> usize| counts.iter().map(field).sum::<usize>();
    let (files, code, rows) = (sum(|count| count.files), sum(|count| count.code), sum(|count| count.rows));
    _ = writeln!(text, "| **together** | | **{files}** | **{code}** | **{rows}** |");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(files: &[(&str, &str)]) -> Count {
        count(&Tree::of(files), &[("rcb-x".to_owned(), "x".to_owned())]).remove(0)
    }

    #[test]
    fn comments_blanks_and_tests_do_not_count() {
        let text = "//! Head.\n\n/// Doc.\nfn f() {\n    g(\"}\"); // why\n}\n\n#[cfg(test)]\nmod tests {\n    fn t() {\n    }\n}\nfn h() {}\n";
        assert_eq!(counts(&[("x/src/lib.rs", text)]).code, 4);
    }

    #[test]
    fn modules_of_other_features_do_not_count() {
        let files = [
            ("x/src/lib.rs", "mod a;\n#[cfg(feature = \"render\")]\npub mod render;\n#[cfg(test)]\nmod tests;\n"),
            ("x/src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests;\n"),
            ("x/src/a/tests.rs", "fn t() {}\n"),
            ("x/src/render.rs", "fn r() {}\n"),
            ("x/src/render/json.rs", "fn j() {}\n"),
            ("x/src/tests.rs", "fn t() {}\n"),
        ];
        let count = counts(&files);
        assert_eq!((count.files, count.code), (2, 2));
    }

    #[test]
    fn rows_are_counted_apart() {
        let count = counts(&[("x/src/table/io.rs", "row();\nrow();\n"), ("x/src/lib.rs", "mod table;\n")]);
        assert_eq!((count.code, count.rows), (1, 2));
        assert!(table(&[count]).ends_with("| **together** | | **2** | **1** | **2** |\n"));
    }
}

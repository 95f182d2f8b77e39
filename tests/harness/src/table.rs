//! Tables of cases: lines of columns divided by tabs; lines that start with `#` are comments.

use std::path::Path;

/// Reads a table whose rows have at least `columns` columns.
///
/// # Panics
/// If the file cannot be read, or a row is too short.
pub fn read(path: &Path, columns: usize) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let row: Vec<String> = line.split('\t').map(String::from).collect();
            assert!(row.len() >= columns, "{}: too few columns: {line}", path.display());
            row
        })
        .collect()
}

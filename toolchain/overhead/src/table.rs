//! Tables for people, as Markdown that can be read unrendered.

use std::fmt::Write;

/// A table of one part.
#[derive(Debug, Default, serde::Serialize)]
pub struct Table {
    /// Heading.
    pub title: String,
    /// What a reader has to know to read the numbers.
    pub note: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Cells.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(title: &str, note: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(ToString::to_string).collect();
        Self { title: title.to_owned(), note: note.to_owned(), columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table in Markdown, padded so that it can be read unrendered; the first column is text, the others numbers.
    pub fn markdown(&self) -> String {
        let width = |index: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(index)).chain(&self.columns[index..=index]);
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
        };
        let widths: Vec<_> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &[String]| {
            let padded = widths.iter().enumerate().map(|(index, width)| {
                let cell = cells.get(index).map_or("", String::as_str);
                if index == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            format!("| {} |", padded.collect::<Vec<_>>().join(" | "))
        };
        let rule = widths.iter().enumerate().map(|(index, width)| match index {
            0 => "-".repeat(width + 2),
            _ => format!("{}:", "-".repeat(width + 1)),
        });
        let mut text = format!("### {}\n\n", self.title);
        if !self.note.is_empty() {
            _ = writeln!(text, "{}\n", self.note);
        }
        _ = writeln!(text, "{}\n|{}|", line(&self.columns), rule.collect::<Vec<_>>().join("|"));
        for row in &self.rows {
            _ = writeln!(text, "{}", line(row));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let mut table = Table::new("T", "", &["what", "ns"]);
        table.row(["a".to_owned(), "12345".to_owned()]);
        assert_eq!(table.markdown(), "### T\n\n| what |    ns |\n|------|------:|\n| a    | 12345 |\n");
    }
}

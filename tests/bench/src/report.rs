//! What was measured, as tables for people (Markdown) and as JSON for programs.

pub use rcb_overhead::table::Table;
use serde_json::{Value, json};
use std::fmt::Write;

/// A limit and what was measured against it.
#[derive(Clone, Debug)]
pub struct Limit {
    /// What is limited.
    pub what: String,
    /// The largest value that passes.
    pub at_most: f64,
    /// What was measured; `None` when it could not be.
    pub measured: Option<f64>,
    /// Unit of both.
    pub unit: &'static str,
}

impl Limit {
    /// Whether it is kept; not measured is not kept.
    pub fn is_kept(&self) -> bool {
        self.measured.is_some_and(|measured| measured <= self.at_most)
    }

    fn verdict(&self) -> &'static str {
        match self.measured {
            None => "not measured",
            Some(_) if self.is_kept() => "pass",
            Some(_) => "FAIL",
        }
    }
}

/// Everything one part of the benchmark has to say.
#[derive(Debug, Default)]
pub struct Part {
    /// Name, as chosen on the command line.
    pub name: &'static str,
    /// Tables.
    pub tables: Vec<Table>,
    /// Limits.
    pub limits: Vec<Limit>,
    /// Raw samples.
    pub samples: Value,
}

/// The table of all limits.
pub fn limits(parts: &[Part]) -> Table {
    let mut table = Table::new("Limits", "", &["what", "limit", "measured", "verdict"]);
    for limit in parts.iter().flat_map(|part| &part.limits) {
        let digits = if limit.unit.is_empty() { 3 } else { 2 };
        let unit = if limit.unit.is_empty() { String::new() } else { format!(" {}", limit.unit) };
        let measured = limit.measured.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}{unit}"));
        table.row([
            limit.what.clone(),
            format!("{:.digits$}{unit}", limit.at_most),
            measured,
            limit.verdict().to_owned(),
        ]);
    }
    table
}

/// The whole report in Markdown.
pub fn markdown(machine: &str, parts: &[Part]) -> String {
    let mut text = format!("# Benchmark\n\n{machine}\n");
    for part in parts {
        _ = writeln!(text, "## {}\n", part.name);
        for table in &part.tables {
            _ = writeln!(text, "{}", table.markdown());
        }
    }
    text.push_str(&limits(parts).markdown());
    text
}

/// The whole report in JSON.
pub fn json(machine: &Value, parts: &[Part]) -> Value {
    let of_limit = |limit: &Limit| json!({ "what": limit.what, "limit": limit.at_most, "measured": limit.measured, "unit": limit.unit, "kept": limit.is_kept() });
    let of_part = |part: &Part| {
        let limits: Vec<_> = part.limits.iter().map(of_limit).collect();
        json!({ "name": part.name, "samples": part.samples, "limits": limits, "tables": part.tables })
    };
    json!({ "schema": 1, "machine": machine, "parts": parts.iter().map(of_part).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_was_not_measured_is_not_kept() {
        let limit = |measured| Limit { what: String::new(), at_most: 1.0, measured, unit: "us" };
        assert!(limit(Some(1.0)).is_kept());
        assert!(!limit(Some(1.01)).is_kept());
        assert!(!limit(None).is_kept());
        let part = Part { limits: vec![limit(None), limit(Some(2.0))], ..Part::default() };
        let verdicts: Vec<_> = limits(&[part]).rows.into_iter().map(|row| row[3].clone()).collect();
        assert_eq!(verdicts, ["not measured", "FAIL"]);
    }
}

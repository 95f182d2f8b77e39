//! A document as comma-separated values: one line per program, number of replicas, build and factor.

use crate::document::{Document, Predicted, Program, Variant};
use crate::model::Scope;
use std::fmt::Write;

/// The whole document, with a line of names first; times in seconds, numbers in full.
pub fn text(document: &Document) -> String {
    let mut out = String::from(
        "program,replicas,build,native_s,copies_s,replicated_s,error_s,over_native,program_s,idle_s,kernel_s,\
         agent_supervisor_s,kernel_for_replication_s,waiting_s,caches_memory_s,taken_by_others_s,unexplained_s,calls,factor,c,scope,\
         predicted_s,low_s,high_s,measured_s\n",
    );
    for program in &document.programs {
        for variant in &program.variants {
            let line = common(program, variant);
            if variant.predictions.is_empty() {
                _ = writeln!(out, "{line},,,,,,,");
            }
            for predicted in &variant.predictions {
                _ = writeln!(out, "{line},{}", prediction(predicted));
            }
        }
    }
    out
}

fn common(program: &Program, variant: &Variant) -> String {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let mut cells = vec![quoted(&program.name), variant.replicas.to_string(), quoted(&variant.build)];
    cells.extend([number(program.native_s.median()), number(variant.copies_s.median())]);
    cells.extend([variant.mean_s.to_string(), number(variant.error_s), number(variant.over_native(program))]);
    cells.extend(variant.parts.named().iter().map(|(_, value)| value.to_string()));
    cells.extend([variant.unexplained_s.to_string(), variant.calls.to_string()]);
    cells.join(",")
}

fn prediction(predicted: &Predicted) -> String {
    let scope = match predicted.scope {
        Scope::Built => "built",
        Scope::Whole => "whole",
        Scope::Added => "added",
    };
    let time = &predicted.time;
    let measured = predicted.measured_s.map_or_else(String::new, |value| value.to_string());
    format!(
        "{},{},{scope},{},{},{},{measured}",
        quoted(&predicted.name),
        predicted.factor,
        time.seconds,
        time.low_s,
        time.high_s
    )
}

/// RFC 4180: quotes where a comma, a quote or the end of a line is inside.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_all_columns() {
        let document = crate::text::tests::document();
        let text = text(&document);
        let columns = text.lines().next().unwrap().split(',').count();
        assert_eq!(columns, 25);
        assert!(text.lines().all(|line| line.split(',').count() == columns), "{text}");
        assert_eq!(text.lines().count(), 1 + document.programs[0].variants[0].predictions.len());
    }

    #[test]
    fn names_may_hold_anything() {
        assert_eq!(quoted("a"), "a");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}

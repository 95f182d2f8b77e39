//! One HTML page with everything inside: it asks no network for anything, and says so to the browser.

use super::chart::Sortable;
use super::charts::{figures, tables};
use super::input::Input;
use super::svg::{self, DARK, LIGHT, escape};
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("sort.js");
/// What the browser may load: nothing but what stands in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// The page.
pub fn html(input: &Input) -> String {
    let figures = figures(input);
    let tables = tables(input);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n<title>What replication costs</title>\n<style>\n:root{{{light}}}\n@media screen and (prefers-color-scheme: dark) {{ :root{{{dark}}} }}\n{STYLE}{classes}\n</style>\n</head>\n<body>\n<h1>What replication costs</h1>\n",
        light = svg::variables(&LIGHT),
        dark = svg::variables(&DARK),
        classes = svg::classes(),
    );
    out.push_str("<details class=\"facts\" open><summary>What it was measured on</summary><ul>");
    for line in facts(input) {
        _ = writeln!(out, "<li>{}</li>", escape(&line));
    }
    out.push_str("</ul></details>\n");
    let links = figures.iter().map(|figure| (figure.id, figure.title.as_str()));
    out.push_str("<nav>");
    for (id, title) in links.chain(tables.iter().map(|table| (table.id.as_str(), table.title.as_str()))) {
        _ = write!(out, "<a href=\"#{id}\">{}</a> ", escape(title));
    }
    out.push_str("</nav>\n<main>\n");
    for figure in &figures {
        let body = svg::inside(&figure.title, &figure.chart);
        let (title, note) = (escape(&figure.title), escape(&figure.note));
        _ = writeln!(out, "<section id=\"{}\">\n<h2>{title}</h2>\n<p>{note}</p>\n{body}\n</section>", figure.id);
    }
    for table in &tables {
        out.push_str(&sortable(table));
    }
    _ = writeln!(out, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>");
    out
}

/// What everything ran on, a line per file, and what the programs' notes say.
fn facts(input: &Input) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, document) in &input.documents {
        let trip = document
            .round_trip_ns
            .median()
            .map_or_else(String::new, |ns| format!(" Cache line to the next CPU and back: {ns:.0} ns."));
        let settings = &document.settings;
        let placement = if settings.placement.is_empty() { "a list of CPUs" } else { &settings.placement };
        lines.push(format!(
            "{name}: {}{trip} {} rounds after {} to warm up, lockstep {}, placement {placement}{}.",
            document.machine.text(),
            settings.runs,
            settings.warmup,
            settings.lockstep,
            if settings.huge_pages { ", huge pages" } else { "" }
        ));
        let notes = document.programs.iter().flat_map(|program| program.notes.iter().map(move |note| (program, note)));
        lines.extend(notes.map(|(program, note)| format!("{}: {note}.", program.name)));
    }
    if input.plain_records > 0 {
        lines.push(format!(
            "{} records of runs without an injected fault have nothing to show here.",
            input.plain_records
        ));
    }
    lines
}

fn sortable(table: &Sortable) -> String {
    let mut out = format!(
        "<section class=\"wide\" id=\"{}\">\n<h2>{}</h2>\n<p>{}</p>\n<div class=\"scroll\"><table>\n<thead><tr>",
        escape(&table.id),
        escape(&table.title),
        escape(&table.note)
    );
    for column in &table.columns {
        _ = write!(out, "<th scope=\"col\"><button type=\"button\">{}</button></th>", escape(column));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        // A row that says why there is nothing has fewer cells.
        for index in 0..table.columns.len() {
            _ = write!(out, "<td>{}</td>", escape(row.get(index).map_or("", String::as_str)));
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody>\n</table></div>\n</section>\n"
}

#[cfg(test)]
mod tests {
    use super::super::charts::tests::input;
    use super::*;

    #[test]
    fn nothing_comes_from_elsewhere() {
        let page = html(&input());
        for word in ["http://", "https://", "src=", "@import", "url("] {
            let found = page
                .match_indices(word)
                .filter(|(at, _)| !page[*at..].starts_with("http://www.w3.org/2000/svg"))
                .count();
            assert_eq!(found, 0, "{word}");
        }
        assert!(page.contains("other &lt;&amp;&gt;") && !page.contains("other <&>"));
        assert!(page.contains("prog: a note."));
        assert_eq!(page.matches("<svg").count(), 6);
        assert_eq!(page.matches("<section").count(), page.matches("</section>").count());
    }
}

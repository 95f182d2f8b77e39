//! A chart as SVG. Colours are classes, so that the page can give them for light and dark; a figure that stands alone
//! carries them inside.
//!
//! The drawing is 480 units wide with text of 12: on a telephone of that width nothing has to be made smaller.

#![allow(clippy::cast_precision_loss, reason = "counts of bars and letters are small")]

use super::chart::{Bar, Chart, ticks};
use std::fmt::Write;

const WIDTH: f64 = 480.0;
/// Where bars begin, behind their names.
const LEFT: f64 = 128.0;
/// Where they end, before their values.
const RIGHT: f64 = 424.0;
const BAR: f64 = 12.0;
const LINE: f64 = 18.0;
/// Colours that are there; more series begin again.
pub const COLOURS: usize = 9;

/// Colours for a light background, in the order of the classes `c0` to `c8`, then text and lines: told apart by people
/// who do not see red or green as well.
pub const LIGHT: [&str; COLOURS + 3] = [
    "#3366aa", "#e08214", "#2a9d74", "#8e4a9e", "#c23b5a", "#7a8a99", "#5ab4d6", "#b8a42d", "#555555", "#222222",
    "#c9ced6", "#ffffff",
];
/// The same for a dark one.
pub const DARK: [&str; COLOURS + 3] = [
    "#6fa3e8", "#f0a04b", "#5fcfa5", "#c48ad4", "#ee7b95", "#9fb0c0", "#8fd6f2", "#dbca5c", "#c4c4c4", "#e8eaed",
    "#444b55", "#15181c",
];

/// Names of the colours in a style sheet.
const NAMES: [&str; 3] = ["ink", "rule", "paper"];

/// Rules for the classes of a figure; `colour` gives the value for a name.
fn rules(colour: impl Fn(&str) -> String) -> String {
    let mut css = String::new();
    for index in 0..COLOURS {
        _ = write!(
            css,
            ".c{index}{{fill:{0}}}.s{index}{{stroke:{0};fill:none;stroke-width:1.6}}",
            colour(&format!("c{index}"))
        );
    }
    _ = write!(
        css,
        "text{{fill:{ink};font:12px \"DejaVu Sans\",system-ui,sans-serif}}.rule{{stroke:{rule}}}.base{{stroke:{ink}}}.whisker{{stroke:{ink};stroke-width:1.2}}.dot{{stroke:{paper};stroke-width:1}}",
        ink = colour("ink"),
        rule = colour("rule"),
        paper = colour("paper")
    );
    css
}

/// The classes by variables `--c0`, `--ink` and so on, for the page.
pub fn classes() -> String {
    rules(|name| format!("var(--{name})"))
}

/// The variables for a set of colours.
pub fn variables(colours: &[&str; COLOURS + 3]) -> String {
    let names = (0..COLOURS).map(|index| format!("c{index}")).chain(NAMES.map(String::from));
    names.zip(colours).fold(String::new(), |text, (name, colour)| text + &format!("--{name}:{colour};"))
}

/// A figure that stands alone, on white.
pub fn alone(title: &str, chart: &Chart) -> String {
    let colour = |name: &str| {
        let names = (0..COLOURS).map(|index| format!("c{index}")).chain(NAMES.map(String::from));
        names.zip(LIGHT).find(|(known, _)| known == name).map_or("#000", |(_, colour)| colour).to_owned()
    };
    let (body, height) = body(chart);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 -26 {w} {h}\"><style>{css}</style><rect y=\"-26\" width=\"{w}\" height=\"{h}\" fill=\"#fff\"/><text x=\"4\" y=\"-8\" style=\"font-size:14px;font-weight:bold\">{title}</text>{body}</svg>\n",
        w = WIDTH,
        h = height + 26.0,
        css = rules(colour),
        title = escape(title)
    )
}

/// A figure inside the page.
pub fn inside(title: &str, chart: &Chart) -> String {
    let (body, height) = body(chart);
    let title = escape(title);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>{body}</svg>"
    )
}

/// Text as it may stand between tags and in attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The drawing and its height.
fn body(chart: &Chart) -> (String, f64) {
    match chart {
        Chart::Grouped { series, rows, base, digits, unit } => grouped(series, rows, *base, *digits, unit),
        Chart::Stacked { series, rows, unit } => stacked(series, rows, unit),
        Chart::Lines { across, up, lines, points } => curves(across, up, lines, points),
    }
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escape(words));
}

fn stroke(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    _ = write!(
        out,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

/// Names beside their colours, as many in a line as fit; returns where the next thing may stand.
fn legend(out: &mut String, names: &[String]) -> f64 {
    let (mut x, mut y) = (4.0, 12.0);
    for (index, name) in names.iter().enumerate() {
        let width = 24.0 + 7.0 * name.chars().count() as f64;
        if x > 4.0 && x + width > WIDTH {
            (x, y) = (4.0, y + LINE);
        }
        _ = write!(
            out,
            "<rect class=\"c{}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"11\" height=\"11\" rx=\"2\"/>",
            index % COLOURS,
            y - 10.0
        );
        text(out, x + 15.0, y, "start", name);
        x += width;
    }
    y + 12.0
}

/// A name shortened to what fits on the left.
fn label(out: &mut String, y: f64, name: &str) {
    let fits = ((LEFT - 10.0) / 6.6) as usize;
    let short: String = if name.chars().count() > fits {
        name.chars().take(fits - 1).chain(['…']).collect()
    } else {
        name.to_owned()
    };
    _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{}<title>{}</title></text>",
        LEFT - 6.0,
        escape(&short),
        escape(name)
    );
}

/// Grid lines and their numbers over `low..=high`.
fn axis(out: &mut String, low: f64, high: f64, top: f64, bottom: f64, unit: &str) {
    let place = |value: f64| LEFT + (value - low) / (high - low) * (RIGHT - LEFT);
    for tick in ticks(low, high, 4) {
        stroke(out, "rule", (place(tick), top), (place(tick), bottom));
        text(out, place(tick), bottom + 14.0, "middle", &format!("{}{unit}", short(tick)));
    }
}

/// A number without zeros behind it.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

fn grouped(
    series: &[String],
    rows: &[(String, Vec<Option<Bar>>)],
    base: f64,
    digits: usize,
    unit: &str,
) -> (String, f64) {
    let bars = || rows.iter().flat_map(|(_, bars)| bars.iter().flatten());
    let low = bars().map(|bar| bar.value).fold(base, f64::min);
    let high = bars().map(|bar| bar.interval.map_or(bar.value, |(_, high)| high)).fold(base, f64::max);
    // A little room, and never a scale on which noise looks large.
    let high = if unit == "%" { 100.0 } else { (high + (high - base) * 0.05).max(base + 0.05) };
    let low = if low < base { low - (base - low) * 0.1 } else { base };
    let place = |value: f64| LEFT + (value.clamp(low, high) - low) / (high - low) * (RIGHT - LEFT);
    let mut out = String::new();
    let top = legend(&mut out, series);
    let group = |bars: &[Option<Bar>]| bars.len().max(1) as f64 * (BAR + 2.0) + 8.0;
    let bottom = top + rows.iter().map(|(_, bars)| group(bars)).sum::<f64>();
    axis(&mut out, low, high, top, bottom, unit);
    let mut y = top + 4.0;
    for (name, bars) in rows {
        label(&mut out, y + group(bars) / 2.0, name);
        for (index, bar) in bars.iter().enumerate() {
            if let Some(bar) = bar {
                let (from, to) = (place(base).min(place(bar.value)), place(base).max(place(bar.value)));
                let class = index % COLOURS;
                _ = write!(
                    out,
                    "<rect class=\"c{class}\" x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\"/>",
                    (to - from).max(1.0)
                );
                let mut end = to;
                if let Some((low, high)) = bar.interval {
                    stroke(&mut out, "whisker", (place(low), y + BAR / 2.0), (place(high), y + BAR / 2.0));
                    end = end.max(place(high));
                }
                text(&mut out, end + 4.0, y + BAR - 2.0, "start", &format!("{:.digits$}{unit}", bar.value));
            }
            y += BAR + 2.0;
        }
        y += 8.0;
    }
    stroke(&mut out, "base", (place(base), top), (place(base), bottom));
    (out, bottom + 20.0)
}

fn stacked(series: &[String], rows: &[(String, Vec<f64>)], unit: &str) -> (String, f64) {
    let sum = |values: &[f64]| values.iter().map(|value| value.max(0.0)).sum::<f64>();
    let high = rows.iter().map(|(_, values)| sum(values)).fold(if unit == "%" { 100.0 } else { 0.0 }, f64::max);
    let high = if high > 0.0 { high } else { 1.0 };
    let scale = (RIGHT - LEFT) / high;
    let mut out = String::new();
    let top = legend(&mut out, series);
    let bottom = top + rows.len() as f64 * (BAR + 8.0) + 4.0;
    for tick in ticks(0.0, high, 5) {
        stroke(&mut out, "rule", (LEFT + tick * scale, top), (LEFT + tick * scale, bottom));
        text(&mut out, LEFT + tick * scale, bottom + 14.0, "middle", &short(tick));
    }
    text(&mut out, WIDTH - 4.0, bottom + 14.0, "end", unit);
    let mut y = top + 4.0;
    for (name, values) in rows {
        label(&mut out, y + BAR - 2.0, name);
        let mut x = LEFT;
        for (index, value) in values.iter().enumerate().filter(|(_, value)| **value > 0.0) {
            let (width, class) = (value * scale, index % COLOURS);
            let named = format!(
                "{}: {} {unit}",
                series.get(index).map_or("", String::as_str),
                short((value * 100.0).round() / 100.0)
            );
            _ = write!(
                out,
                "<rect class=\"c{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.2}\" height=\"{BAR}\"><title>{}</title></rect>",
                escape(&named)
            );
            x += width;
        }
        y += BAR + 8.0;
    }
    (out, bottom + 20.0)
}

fn curves(
    across: &str,
    up: &str,
    lines: &[(String, Vec<(f64, f64)>)],
    points: &[(usize, (f64, f64))],
) -> (String, f64) {
    const SIDE: f64 = 44.0;
    const HIGH: f64 = 220.0;
    let places = || lines.iter().flat_map(|(_, line)| line.iter()).chain(points.iter().map(|(_, place)| place));
    let range = |pick: fn(&(f64, f64)) -> f64| {
        let low = places().map(pick).fold(f64::INFINITY, f64::min);
        let high = places().map(pick).fold(f64::NEG_INFINITY, f64::max);
        if low.is_finite() && high > low { (low, high) } else { (0.0, 1.0) }
    };
    let ((x0, x1), (y0, y1)) = (range(|place| place.0), range(|place| place.1));
    let (y0, y1) = (y0.min(1.0), y1 + (y1 - y0) * 0.05);
    let mut out = String::new();
    let names: Vec<String> = lines.iter().map(|(name, _)| name.clone()).collect();
    let top = legend(&mut out, &names);
    let at = |place: &(f64, f64)| {
        let x = SIDE + (place.0 - x0) / (x1 - x0) * (WIDTH - SIDE - 16.0);
        (x, top + HIGH - (place.1 - y0) / (y1 - y0) * HIGH)
    };
    for tick in ticks(x0, x1, 6) {
        let x = at(&(tick, y0)).0;
        stroke(&mut out, "rule", (x, top), (x, top + HIGH));
        text(&mut out, x, top + HIGH + 16.0, "middle", &short(tick));
    }
    for tick in ticks(y0, y1, 5) {
        let y = at(&(x0, tick)).1;
        stroke(&mut out, "rule", (SIDE, y), (WIDTH - 16.0, y));
        text(&mut out, SIDE - 6.0, y + 4.0, "end", &short(tick));
    }
    text(&mut out, WIDTH - 16.0, top + HIGH + 30.0, "end", across);
    text(&mut out, 4.0, top + HIGH + 30.0, "start", up);
    for (index, (_, line)) in lines.iter().enumerate() {
        let mut path = String::new();
        for (x, y) in line.iter().map(at) {
            _ = write!(path, "{x:.1},{y:.1} ");
        }
        _ = write!(out, "<polyline class=\"s{}\" points=\"{}\"/>", index % COLOURS, path.trim_end());
    }
    for (index, place) in points {
        let (x, y) = at(place);
        _ = write!(out, "<circle class=\"c{} dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>", index % COLOURS);
    }
    (out, top + HIGH + 38.0)
}

#[cfg(test)]
mod tests {
    use super::super::charts::{figures, tests::input};
    use super::*;

    #[test]
    fn every_figure_is_well_formed() {
        for figure in figures(&input()) {
            let svg = alone(&figure.title, &figure.chart);
            resvg::usvg::roxmltree::Document::parse(&svg)
                .unwrap_or_else(|error| panic!("{}: {error}\n{svg}", figure.id));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn names_are_escaped_and_shortened() {
        let rows = vec![("<a> & a rather long name of a program".to_owned(), vec![Some(Bar::plain(1.5))])];
        let chart = Chart::Grouped { series: vec!["n = 2".into()], rows, base: 1.0, digits: 3, unit: "" };
        let svg = inside("t", &chart);
        assert!(svg.contains("&lt;a&gt; &amp; a r") && svg.contains('…') && svg.contains("1.500"), "{svg}");
    }

    #[test]
    fn numbers_without_zeros() {
        assert_eq!([1.5, 2.0, 0.0, -0.000_01].map(short), ["1.5", "2", "0", "0"]);
    }
}
